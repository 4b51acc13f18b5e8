"""Every configuration shown in docs/loads.md can be used as it stands."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from busbar_heat.config import setups as heat_setups
from busbar_plugs.config import setups as plug_setups
from busbar_shared.config import Site
from busbar_shared.config.loads import HeaterConfig, PlugConfig

PAGE = (Path(__file__).parents[3] / "docs" / "loads.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES, ids=[text.splitlines()[0] for text in EXAMPLES])
def test_an_example_of_the_page_works(text: str) -> None:
    tables = tomllib.loads(text)
    plugs = msgspec.convert(tables.get("plugs", {}), dict[str, PlugConfig])
    site = Site(
        plugs=plugs | {"tank-plug": PlugConfig(topic="tank-plug")},
        heaters=msgspec.convert(tables.get("heaters", {}), dict[str, HeaterConfig]),
    )

    assert (
        len(plug_setups(site)) + len(heat_setups(site))
        == len(tables.get("plugs", {})) + len(site.heaters) + 1
    )


def test_the_page_has_an_example_of_every_kind() -> None:
    kinds = " ".join(EXAMPLES)

    assert len(EXAMPLES) == 5
    assert all(
        word in kinds for word in ("shelly", "generic", "comfort_c", "setpoint", "sg_ready", "temperature")
    )
