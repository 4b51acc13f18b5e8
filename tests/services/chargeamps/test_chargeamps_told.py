"""What the scheduler is told in busbar.toml, and the one sentence for each thing that cannot be."""

from typing import Any

import msgspec
import pytest

from busbar_chargeamps.config import account_of, places, section_of
from busbar_shared.config.load import BadConfig
from busbar_shared.config.root import Site

ONE = {"1": {"charge_point": "A"}}


def site(**section: Any) -> Site:
    return msgspec.convert({"chargeamps": {"connectors": ONE} | section}, Site)


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        pytest.param(
            {"connectors": {}}, "chargeamps.connectors: at least one connector is needed", id="no connector"
        ),
        pytest.param(
            {"connectors": {"garage": {"charge_point": "A"}}},
            "chargeamps.connectors.garage: 'garage' is not a connector number; set connector = 1",
            id="a name that is no number",
        ),
        pytest.param(
            {"connectors": {"01": {"charge_point": "A"}}},
            "chargeamps.connectors.01: '01' is not a connector number; set connector = 1",
            id="a leading zero is another topic",
        ),
        pytest.param(
            {"connectors": ONE | {"b": {"charge_point": "B", "connector": 1}}},
            "chargeamps.connectors.b: connector 1 has the topics of 1; give one of them an alias",
            id="two charge points with one number",
        ),
        pytest.param(
            {"base_url": "http://host:99999/api"},
            "chargeamps.base_url: 'http://host:99999/api' is no address such as https://host:8443/api",
            id="no such port",
        ),
        pytest.param(
            {"base_url": "my.charge.space"},
            "chargeamps.base_url: 'my.charge.space' is no address such as https://host:8443/api",
            id="no address",
        ),
    ],
)
def test_what_cannot_be_is_one_sentence(section: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadConfig) as found:
        places(site(**section))
    assert str(found.value) == sentence


def test_an_alias_gives_a_charge_point_topics_of_its_own() -> None:
    guest = {"charge_point": "B", "connector": 1, "alias": "guest"}
    found = [place.topic("status") for place in places(site(connectors=ONE | {"guest": guest}))]
    assert found == ["hems/charge-amps/1/status", "hems/charge-amps/guest/1/status"]


def test_a_missing_login_is_named_and_one_that_is_there_is_not() -> None:
    section = section_of(site())
    with pytest.raises(BadConfig, match=r"neither CHARGEAMPS_PASSWORD nor CHARGEAMPS_PASSWORD_FILE is set"):
        account_of(section, {"CHARGEAMPS_EMAIL": "owner@example.org"})
    login = {"CHARGEAMPS_EMAIL": "owner@example.org", "CHARGEAMPS_PASSWORD": "secret"}
    assert "secret" not in repr(account_of(section, login))
    with pytest.raises(BadConfig, match="CHARGEAMPS_API_KEY"):
        account_of(section_of(site(api="eapi")), login)
