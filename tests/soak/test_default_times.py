"""The kills once more, at the times a real house has. Minutes each; run by `make soak`."""

from pathlib import Path

import pytest

from houses import DARK_HOUSE, killed_at_full_power, quick_site

pytestmark = [pytest.mark.soak, pytest.mark.system]

CAR_S = 5.5


def a_site_with_default_times() -> str:
    """The quick house without its short times."""
    text = quick_site(more=DARK_HOUSE)
    for short in (
        "lease_s = 6\n",
        "meter_stale_s = 3\n",
        "meter_lost_after_s = 6\n",
        "profile_validity_s = 24\n",
        "sample_s = 5\n",
    ):
        assert short in text
        text = text.replace(short, "", 1)
    return text


@pytest.mark.parametrize(
    ("name", "within_s"),
    [
        pytest.param("meter", 30 + 1 + CAR_S, id="the meter service dies"),
        pytest.param("allocator", 30 + 1 + CAR_S, id="the allocator dies"),
        pytest.param("broker", 30 + 1 + CAR_S, id="the broker dies"),
        pytest.param("ocpp", 120 + 10, id="the OCPP service dies"),
    ],
)
async def test_at_default_times_the_charger_is_at_its_fallback_in_the_stated_time(
    tmp_path: Path, name: str, within_s: float
) -> None:
    took = await killed_at_full_power(a_site_with_default_times(), tmp_path, name, within_s, back_s=120)

    print(f"{name}: {took:.1f} s of {within_s:g} s")
    assert took <= within_s
