"""Who may charge: tags on a list, and tags about which somebody is asked on the bus."""

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ocpp_charge_point import ChargePoint
from ocpp_house import SITE, House
from ocpp_time import until

from busbar_contracts.charger import TagAnswer, TagQuestion

LISTED = SITE.replace("security = 0", 'security = 0\naccept_all_tags = false\ntags = ["04Listed"]')
ASKED = LISTED.replace("security = 0", "security = 0\nask_tags = true\nask_tags_s = 8")


def questions(house: House) -> list[TagQuestion]:
    return [message for _, message in house.bus.said if isinstance(message, TagQuestion)]


def answer(house: House, charger: str = "left", **said: Any) -> None:
    house.bus.feed(msgspec.convert(said, TagAnswer), charger=charger)


async def shown(charger: ChargePoint, tag: str) -> str:
    """Show a tag, and give the word of the central system about it."""
    if charger.version == "1.6":
        return str((await charger.call("Authorize", {"idTag": tag}))["idTagInfo"]["status"])
    said = await charger.call("Authorize", {"idToken": {"idToken": tag, "type": "ISO14443"}})
    return str(said["idTokenInfo"]["status"])


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@pytest.mark.parametrize(
    ("accepted", "status"),
    [
        pytest.param(True, "Accepted", id="yes"),
        pytest.param(False, "Invalid", id="no"),
    ],
)
async def test_a_tag_on_no_list_is_asked_about_and_the_answer_decides(
    tmp_path: Path, version: str, accepted: bool, status: str
) -> None:
    async with House(tmp_path, site=ASKED, factor=5) as house:
        charger = await house.arrived(version=version)
        waiting = asyncio.create_task(shown(charger, "04A2B3C4"))
        await until(lambda: questions(house), what="the question")
        [question] = questions(house)

        answer(house, id=question.id, accepted=accepted)

        assert await waiting == status
        assert (question.tag, question.within_s) == ("04A2B3C4", 8.0)
        assert (question.answer_by - question.at).total_seconds() == 8.0


async def test_an_automation_may_answer_by_the_tag_alone_in_any_case_of_letters(tmp_path: Path) -> None:
    async with House(tmp_path, site=ASKED, factor=5) as house:
        charger = await house.arrived()
        waiting = asyncio.create_task(shown(charger, "04A2B3C4"))
        await until(lambda: questions(house))

        answer(house, tag="04a2b3c4", accepted=True)

        assert await waiting == "Accepted"


async def test_silence_is_a_no_after_the_time_limit_and_an_event_says_so(tmp_path: Path) -> None:
    async with House(tmp_path, site=ASKED, factor=20) as house:
        charger = await house.arrived()
        began_s = house.clock.monotonic()

        assert await shown(charger, "04A2B3C4") == "Invalid"

        assert 8.0 <= house.clock.monotonic() - began_s < 20.0
        [(_, text)] = [one for one in house.bus.events if one[0] == "tag_not_answered"]
        assert text == "left: nobody said within 8 s whether …3C4 may charge; it may not"


async def test_a_late_answer_changes_nothing_and_is_said_to_be_late(tmp_path: Path) -> None:
    async with House(tmp_path, site=ASKED, factor=40) as house:
        charger = await house.arrived()
        assert await shown(charger, "04A2B3C4") == "Invalid"
        [question] = questions(house)

        answer(house, id=question.id, accepted=True)

        await until(lambda: [one for one in house.bus.events if one[0] == "tag_answer_refused"])
        assert await shown(charger, "04A2B3C4") == "Invalid"


@pytest.mark.parametrize(
    ("charger", "said", "code"),
    [
        pytest.param("left", {"accepted": True}, "tag_answer_refused", id="that names neither question nor tag"),
        pytest.param("left", {"accepted": True, "tag": "OTHER"}, "tag_answer_refused", id="about another tag"),
        pytest.param("right", {"accepted": True, "tag": "04A2B3C4"}, "tag_answer_refused", id="for another charger"),
        pytest.param("nobody", {"accepted": True, "tag": "04A2B3C4"}, "unknown_charger", id="for no charger of ours"),
    ],
)  # fmt: skip
async def test_an_answer_lets_nobody_in(
    tmp_path: Path, charger: str, said: dict[str, Any], code: str
) -> None:
    async with House(tmp_path, site=ASKED, factor=20) as house:
        guest = await house.arrived()
        waiting = asyncio.create_task(shown(guest, "04A2B3C4"))
        await until(lambda: questions(house))

        answer(house, charger, **said)

        assert await waiting == "Invalid"
        assert code in [one for one, _ in house.bus.events]


async def test_the_start_that_follows_is_not_asked_about_again(tmp_path: Path) -> None:
    async with House(tmp_path, site=ASKED, factor=5) as house:
        charger = await house.arrived()
        waiting = asyncio.create_task(shown(charger, "04A2B3C4"))
        await until(lambda: questions(house))
        answer(house, tag="04A2B3C4", accepted=True)
        await waiting

        start = {"connectorId": 1, "idTag": "04A2B3C4", "meterStart": 0, "timestamp": charger.own_time}
        said = await charger.call("StartTransaction", start)

        assert said["idTagInfo"]["status"] == "Accepted"
        assert len(questions(house)) == 1


async def test_a_transaction_of_2_0_1_is_asked_about_with_its_connector_and_its_end_is_not(
    tmp_path: Path,
) -> None:
    async with House(tmp_path, site=ASKED, factor=5) as house:
        charger = await house.arrived(version="2.0.1")
        begun = asyncio.create_task(charger.event("Started", "t1", tag="04A2B3C4", state="Charging"))
        await until(lambda: questions(house))
        answer(house, tag="04A2B3C4", accepted=True)
        assert (await begun)["idTokenInfo"]["status"] == "Accepted"
        await house.clock.sleep(200)  # longer than an answer is remembered without its transaction

        ended = await charger.event("Ended", "t1", tag="04A2B3C4", seq=1)

        assert ended["idTokenInfo"]["status"] == "Accepted"
        assert [one.connector for one in questions(house)] == ["1"]


async def test_the_next_day_the_same_tag_is_asked_about_again(tmp_path: Path) -> None:
    async with House(tmp_path, site=ASKED, factor=60) as house:
        charger = await house.arrived()
        waiting = asyncio.create_task(shown(charger, "04A2B3C4"))
        await until(lambda: questions(house))
        answer(house, tag="04A2B3C4", accepted=True)
        await waiting
        await house.clock.sleep(181)

        assert await shown(charger, "04A2B3C4") == "Invalid"
        assert len(questions(house)) == 2


async def test_listed_tags_and_those_of_one_charger_are_not_asked_about(tmp_path: Path) -> None:
    own = ASKED.replace('charge_point = "CP-1"', 'charge_point = "CP-1"\ntags = ["HERE"]')
    async with House(tmp_path, site=own, factor=40) as house:
        left, right = await house.arrived(), await house.arrived("CP-2")

        assert [await shown(left, one) for one in ("04LISTED", "here")] == ["Accepted", "Accepted"]
        assert questions(house) == []
        assert await shown(right, "HERE") == "Invalid"


async def test_one_charger_may_be_open_while_the_others_have_a_list(tmp_path: Path) -> None:
    own = LISTED.replace('charge_point = "CP-1"', 'charge_point = "CP-1"\naccept_all_tags = true')
    async with House(tmp_path, site=own, factor=40) as house:
        left, right = await house.arrived(), await house.arrived("CP-2")

        assert (await shown(left, "ANY"), await shown(right, "ANY")) == ("Accepted", "Invalid")


async def test_while_somebody_is_asked_another_charger_is_limited_as_ever(tmp_path: Path) -> None:
    async with House(tmp_path, site=ASKED, factor=2) as house:
        left, right = await house.arrived(), await house.arrived("CP-2")
        waiting = asyncio.create_task(shown(left, "04A2B3C4"))
        await until(lambda: questions(house))
        began_s = time.monotonic()

        house.order(9.0, "right")
        house.order(8.0, "left")

        await until(lambda: (left.limit(), right.limit()) == (8.0, 9.0))
        assert not waiting.done(), f"answered after {time.monotonic() - began_s:.1f} s"
        answer(house, tag="04A2B3C4", accepted=True)
        assert await waiting == "Accepted"
