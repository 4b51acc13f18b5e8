"""A topic in the configuration that is no name would keep its whole service from the broker: it is refused with its key."""

import pytest

from busbar_shared.config.load import BadConfig, read

HOUSE = """
[broker]
{broker}
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 10
[meters.grid]
driver = "mqtt"
assumed_unbalance_a = 5
[meters.grid.mqtt]
kind = "free"
values = {{ power_w = {{ topic = "{meter}" }} }}
[ocpp]
[chargers.left]
soc_topic = "{soc}"
[chargeamps]
topic_root = "{root}"
price_topic = "{price}"
[chargeamps.connectors.1]
charge_point = "x"
max_current_a = 10
[prices.series.import]
kind = "mqtt"
topic = "{series}"
"""
GOOD = {
    "broker": "", "meter": "p1/power", "soc": "car/soc", "root": "garage/ca", "price": "spot/now", "series": "a/b",
}  # fmt: skip


def test_names_are_taken() -> None:
    read(
        HOUSE.format(
            **GOOD | {"broker": 'discovery_prefix = "/ha/disc/"', "soc": "auto/größe", "series": "a b"}
        )
    )


@pytest.mark.parametrize(
    ("which", "value", "key"),
    [
        pytest.param("soc", "car#x", "chargers.left.soc_topic", id="a sign inside a word"),
        pytest.param("soc", "car/#", "chargers.left.soc_topic", id="all of a car"),
        pytest.param("meter", "p1/+/power", "meters.grid.mqtt.values.power_w.topic", id="any meter"),
        pytest.param("root", "a+/b", "chargeamps.topic_root", id="a root of two words"),
        pytest.param("price", "spot#", "chargeamps.price_topic", id="prices of all"),
        pytest.param("series", "ent#so", "prices.series.import.topic", id="a series of all"),
        pytest.param("broker", 'discovery_prefix = "home#"', "broker.discovery_prefix", id="a prefix of all"),
        pytest.param("broker", 'discovery_prefix = ""', "broker.discovery_prefix", id="no prefix"),
        pytest.param(
            "broker", 'discovery_prefix = "/"', "broker.discovery_prefix", id="a slash for a prefix"
        ),
    ],
)
def test_a_topic_that_is_no_name_is_refused_with_its_key(which: str, value: str, key: str) -> None:
    with pytest.raises(BadConfig) as refused:
        read(HOUSE.format(**GOOD | {which: value}))

    assert str(refused.value).startswith(f"{key}: ")
    assert repr(value.removeprefix("discovery_prefix = ").strip('"')) in str(refused.value)
