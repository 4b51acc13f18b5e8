"""A wrong configuration is one sentence that names the key and the value, before anything is opened."""

import msgspec
import pytest

from busbar_shared.config.describe import example_text
from busbar_shared.config.load import BadConfig, read, secret
from busbar_shared.config.wiring import connectors

HOUSE = """
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15
[circuits.garage]
parent = "main"
limit_a = 20
background_a = 0
[meters.grid]
modbus = { host = "192.0.2.1" }
[ocpp]
security = 0
[chargers.left]
circuit = "garage"
"""


def changed(old: str, new: str) -> str:
    assert old in HOUSE
    return HOUSE.replace(old, new, 1)


def test_a_small_house_is_read() -> None:
    site = read(HOUSE)

    assert site.services() == ("meter", "ocpp", "allocator")
    assert site.grid_meter() == "grid"
    [left] = connectors(site)
    assert (left.load, left.fallback_a, left.legs) == ("left-1", 6.0, ("a", "b", "c"))


def test_the_example_is_a_good_configuration() -> None:
    assert "allocator" in read(example_text()).services()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("nonsense = [", "not TOML", id="not TOML at all"),
        pytest.param(
            HOUSE + "[chargerz.x]\n", "chargerz: no such section", id="a section that does not exist"
        ),
        pytest.param(
            changed("security = 0", "securty = 0"),
            "ocpp: Object contains unknown field `securty`",
            id="a misspelt key",
        ),
        pytest.param(
            changed("limit_a = 20", 'limit_a = "20 A"'),
            "circuits.garage.limit_a: Expected",
            id="a text for a number",
        ),
        pytest.param(
            changed("limit_a = 20", "limit_a = -20"),
            "circuits.garage.limit_a: Expected `float` >= 0.0",
            id="a negative limit",
        ),
        pytest.param(
            changed("limit_a = 20", "limit_a = nan"),
            "circuits.garage.limit_a",
            id="a limit that is no number",
        ),
        pytest.param(
            changed('parent = "main"', 'parent = "mian"'),
            "circuits.garage.parent: no such circuit (found 'mian')",
            id="a parent that does not exist",
        ),
        pytest.param(
            changed('parent = "main"', 'parent = "garage"'),
            "circuits.garage.parent: the circuits hang on each other in a ring",
            id="a circuit behind itself",
        ),
        pytest.param(
            changed('meter = "grid"\n', ""),
            "circuits.main.meter: the root circuit must name the grid meter",
            id="no grid meter",
        ),
        pytest.param(
            changed("assumed_background_a = 15\n", ""),
            "circuits.main.assumed_background_a: must be written",
            id="the worst house load is not stated",
        ),
        pytest.param(
            changed("background_a = 0\n", ""),
            "circuits.garage.background_a: must be written",
            id="a blind circuit without a figure",
        ),
        pytest.param(
            HOUSE + 'mode = "continuous"\n',
            "chargers.left.mode: this kind of load has standard, solar_priority",
            id="a plug's mode on a charger",
        ),
        pytest.param(
            HOUSE + "min_a = 20\n",
            "chargers.left.min_a: 20 A is above max_a, 16 A",
            id="minimum above maximum",
        ),
        pytest.param(
            HOUSE + 'legs = ["a", "d"]\n',
            "chargers.left.legs",
            id="a leg on a phase that does not exist anywhere",
        ),
        pytest.param(
            '[site]\nphases = ["a"]\n' + HOUSE,
            "chargers.left.legs: the site has no phase 'b'",
            id="a three-phase charger on a one-phase site",
        ),
        pytest.param(
            HOUSE + "fallback_a = 10\n[chargers.right]\nfallback_a = 10\n",
            "on phase a the fallbacks (left-1 10 A, right-1 10 A) and assumed_background_a together are 10 A above limit_a 25; "
            "the largest fallback_a that fits for each of them is 0",
            id="fallbacks that overload the main breaker",
        ),
        pytest.param(
            HOUSE + "fallback_a = 12\n",
            "the largest fallback_a that fits for each of them is 10",
            id="one fallback too large names the one that fits",
        ),
        pytest.param(
            HOUSE + '[chargers.b]\ncharge_point = "left"\n',
            "chargers.b.charge_point: 'left' is already chargers.left",
            id="two chargers with one identity",
        ),
        pytest.param(
            HOUSE + '[plugs.left-1]\nmode = "continuous"\n',
            "two loads would have the id 'left-1'",
            id="two loads with one id",
        ),
        pytest.param(
            '[site]\ntimezone = "Mars/Olympus"\n' + HOUSE,
            "site.timezone: no such time zone",
            id="no such time zone",
        ),
        pytest.param(
            changed("security = 0", "security = 0\nprofile_validity_s = 5"),
            "ocpp.profile_validity_s: at least 20 seconds",
            id="a lease in the charger that is over before it starts",
        ),
        pytest.param(
            changed("security = 0", "security = 0\nask_tags = true"),
            "ocpp.ask_tags: nobody is ever asked",
            id="questions about tags where every tag may charge",
        ),
        pytest.param(
            HOUSE + "[meters.Grid]\n",
            "meters.Grid: an id has lower case letters",
            id="an id with a capital letter",
        ),
    ],
)
def test_what_is_wrong_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(BadConfig) as wrong:
        read(text)

    assert sentence in str(wrong.value)


def test_a_fallback_left_open_is_zero_where_six_amps_do_not_fit() -> None:
    site = read(HOUSE + "[chargers.right]\n")

    assert [(one.load, one.fallback_a) for one in connectors(site)] == [("left-1", 6.0), ("right-1", 0.0)]


def test_a_charger_without_control_counts_at_its_maximum() -> None:
    with pytest.raises(BadConfig, match="left-1 16 A"):
        read(HOUSE + "controllable = false\n")


def test_a_secret_comes_from_the_environment_or_from_a_file(tmp_path: object) -> None:
    import pathlib

    file = pathlib.Path(str(tmp_path)) / "secret"
    file.write_text("from the file\n")

    assert secret("X", {"X": "from the environment"}) == "from the environment"
    assert secret("X", {"X": "from the environment", "X_FILE": str(file)}) == "from the file"
    assert secret("X", {}) is None
    with pytest.raises(BadConfig, match="X_FILE"):
        secret("X", {"X_FILE": str(file) + ".gone"})


def test_defaults_are_those_an_owner_expects() -> None:
    site = read(HOUSE)

    assert site.site.voltage_v == 230.0
    assert site.site.distribution.value == "priority"
    assert site.site.excess_threshold_w == 13_000.0
    assert site.ocpp is not None
    assert site.ocpp.profile_validity_s == 120.0
    assert msgspec.to_builtins(site.chargers["left"])["max_a"] == 16.0
