"""`busbar explain --live`: what the running allocator decided, in words."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bare_site import bare_site
from busbar_allocator.commands import app
from busbar_allocator.live import in_force, lines
from busbar_contracts.allocation import Allocation, LoadGrant, MeterHealth
from busbar_shared.asking import NoAnswer
from busbar_shared.life import connect

SAID = Allocation(
    at=datetime(2026, 5, 10, 12, 30, tzinfo=UTC),
    meter=MeterHealth.FRESH,
    loads={
        "left": LoadGrant(
            limit_a=7,
            target_a=9,
            available_a=7,
            reason="circuit garage, phase B: 20 A",
            binding="wire garage b",
        ),
        "right": LoadGrant(limit_a=0, target_a=0, available_a=0, reason="no sun", binding="solar_pool"),
        "odd": LoadGrant(limit_a=0, target_a=0, available_a=0, reason="new", binding="a_kind_of_tomorrow"),
    },
    circuits={},
)


def test_every_load_is_explained_in_two_lines() -> None:
    assert lines(SAID) == [
        "decided at 12:30:00 UTC, grid meter fresh",
        "left 7 A (settles at 9 A): circuit garage, phase B: 20 A",
        "  to get more: less on phase B of garage: the house, or a higher limit there",
        "right 0 A: no sun",
        "  to get more: more sun, or less house load",
        "odd 0 A: new",
        "  to get more: a_kind_of_tomorrow",
    ]


@pytest.mark.system
async def test_the_retained_allocation_is_found_at_a_real_broker(broker: Any) -> None:
    site = bare_site(broker.port)
    async with connect(site, "allocator", {}) as bus:
        await bus.say(SAID)
        await bus.drain()

        assert await in_force(site, {}) == SAID


async def test_a_broker_that_does_not_answer_is_a_sentence() -> None:
    with pytest.raises(NoAnswer, match="does not answer"):
        await in_force(bare_site(9), {}, connect_s=0.2)


def test_a_missing_configuration_is_a_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["explain", "--live", "--config", str(tmp_path / "no.toml")])

    assert result.exit_code == 2
    assert "no.toml" in result.output
