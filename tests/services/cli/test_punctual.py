"""What is missing or late on the bus is named, and what is on time is not."""

import json
from typing import Any

import pytest

from busbar_cli.punctual import Punctual, beats
from busbar_shared.bus import RawHeard
from busbar_shared.config.load import read

SITE = read("""
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 10
[meters.grid]
modbus = { host = "127.0.0.1" }
[ocpp]
[chargers.left]
""")

AT = "2026-05-10T12:00:00Z"
READING = "hems/meter/grid/reading"
STATE = "hems/charger/left/1/state"
LIMIT = "hems/charger/left/1/limit/set"
DECISION = "hems/allocator/allocation"
ALWAYS_THERE = (STATE, "hems/load/left-1/settings", "hems/site/settings")


def said(
    topic: str, at_s: float, payload: dict[str, Any] | None = None, *, retained: bool = False
) -> RawHeard:
    return RawHeard(topic, json.dumps(payload or {"at": AT}).encode(), at_s, retained)


def status(service: str, at_s: float, state: str = "online", *, retained: bool = False) -> RawHeard:
    payload = {"state": state, "instance": "1", "version": "1", "contract": "1", "started_at": AT, "at": AT}
    return said(f"hems/service/{service}/status", at_s, payload, retained=retained)


def order(at_s: float, *, issuer: str = "allocator", instance: str = "1", lease_s: float = 30.0) -> RawHeard:
    payload = {
        "issuer": issuer, "instance": instance, "seq": int(at_s), "issued_at": AT, "lease_s": lease_s,
        "reason": "a test", "limit_a": 6,
    }  # fmt: skip
    return said(LIMIT, at_s, payload)


def good_minute(*, without: tuple[str, ...] = (), until_s: float = 60.0) -> list[RawHeard]:
    """A minute in which everything is said in time, less some topics."""
    found = [said(topic, 0.1, retained=True) for topic in ALWAYS_THERE]
    for tenth in range(0, 600, 10):
        at_s = tenth / 10
        found += [said(READING, at_s)]
        if tenth % 50 == 0:
            found += [status(name, at_s) for name in ("meter", "ocpp", "allocator")]
        if tenth % 100 == 0:
            found += [said(DECISION, at_s), order(at_s)]
    return [one for one in found if one.topic not in without and one.at_s < until_s]


def judged(messages: list[RawHeard], now_s: float = 60.0) -> list[str]:
    punctual = Punctual(SITE, 0.0)
    for message in messages:
        punctual.hear(message)
    return punctual.finish(now_s)


def test_a_minute_in_which_all_speak_in_time_has_no_problem() -> None:
    assert judged(good_minute()) == []


@pytest.mark.parametrize(
    ("messages", "problems"),
    [
        pytest.param(
            good_minute(without=(READING,)),
            ["meter/grid/reading: missing; no reading in 60 s"],
            id="a configured meter never speaks",
        ),
        pytest.param(
            [*good_minute(without=(READING,)), said(READING, 1.0), said(READING, 55.0)],
            ["meter/grid/reading: late; 54 s without a reading, at most 10 s"],
            id="a meter is silent for a while",
        ),
        pytest.param(
            [*good_minute(without=(DECISION,)), said(DECISION, 0.2, retained=True)],
            ["allocator/allocation: missing; no decision in 60 s"],
            id="a retained decision is nobody's voice",
        ),
        pytest.param(
            good_minute(without=(DECISION,)) + [said(DECISION, at_s) for at_s in (5.0, 15.0, 30.0, 40.0, 50.0)],
            ["allocator/allocation: late; 15 s without a decision, at most 12 s"],
            id="a decision is 15 s old before the next comes",
        ),
        pytest.param(
            [*good_minute(without=("hems/service/meter/status",)), status("meter", 0.1, retained=True)],
            ["service/meter/status: missing; no status in 60 s"],
            id="a retained status is nobody's voice",
        ),
        pytest.param(
            [*good_minute(without=("hems/service/meter/status",)), status("meter", 1.0), status("meter", 6.0)],
            ["service/meter/status: late; 54 s without a status, at most 15 s"],
            id="a status is not refreshed",
        ),
        pytest.param(
            [*good_minute(without=("hems/service/ocpp/status",)), status("ocpp", 0.1, "offline", retained=True)],
            ["service/ocpp/status: missing; the service is configured and says that it is offline"],
            id="a configured service is offline",
        ),
        pytest.param(
            [*good_minute(), status("ceiling", 3.0)],
            ["service/ceiling/status: late; 57 s without a status, at most 15 s"],
            id="a service of somebody else must be refreshed too",
        ),
        pytest.param(
            [*good_minute(), status("ceiling", 3.0), status("ceiling", 9.0, "offline")],
            [],
            id="a service of somebody else may go",
        ),
        pytest.param(
            [*good_minute(without=(LIMIT,)), order(0.0), order(40.0)],
            ["charger/left/1/limit/set: late; an order of allocator was not renewed within its lease of 30 s"],
            id="an order is renewed after its lease",
        ),
        pytest.param(
            [*good_minute(without=(LIMIT,)), order(0.0)],
            ["charger/left/1/limit/set: late; an order of allocator was not renewed within its lease of 30 s"],
            id="an order of the allocator runs out",
        ),
        pytest.param(
            [*good_minute(), order(2.0, issuer="grid-operator", lease_s=10.0)],
            [],
            id="a limit from outside may run out",
        ),
        pytest.param(
            good_minute(until_s=12.0, without=())
            + [one for one in good_minute(without=(LIMIT,)) if one.at_s >= 12.0]
            + [order(at_s, instance="2") for at_s in (20.0, 30.0, 40.0, 50.0)],
            [],
            id="an allocator that was restarted goes on under a new instance",
        ),
        pytest.param(
            good_minute(without=(STATE,)),
            ["charger/left/1/state: missing; a configured device without a state"],
            id="a configured charger has no state",
        ),
        pytest.param(
            [*good_minute(), said(READING, 7.0, {"at": [1]}), RawHeard(LIMIT, b"\xff{", 7.0), RawHeard(STATE, b"", 8.0),
             RawHeard("hems/service/x/status", b"\xff{", 9.0), RawHeard("hems/service/y/status", b"[" * 9000, 9.0)],
            [],
            id="what is not the contract is for others to judge",
        ),
    ],
)  # fmt: skip
def test_what_is_missing_or_late_is_named(messages: list[RawHeard], problems: list[str]) -> None:
    assert judged(sorted(messages, key=lambda one: one.at_s)) == problems


def test_who_listens_for_a_moment_misses_nothing() -> None:
    assert judged(good_minute(until_s=1.0), now_s=1.0) == []


def test_another_root_is_another_house() -> None:
    foreign = [
        RawHeard(one.topic.replace("hems/", "sites/b/"), one.payload, one.at_s) for one in good_minute()
    ]

    assert "allocator/allocation: missing; no decision in 60 s" in judged(foreign)


def test_a_slow_meter_has_three_of_its_periods() -> None:
    slow = read(
        '[circuits.main]\nlimit_a = 25\nmeter = "grid"\nassumed_background_a = 10\n'
        '[meters.grid]\nevery_s = 30\nmodbus = { host = "127.0.0.1" }\n'
    )
    assert [beat.every_s for beat in beats(slow) if beat.what == "reading"] == [90.0]


def test_a_file_with_a_broker_alone_expects_only_those_who_say_that_they_live() -> None:
    punctual = Punctual(read('[broker]\nhost = "192.168.1.5"\n'), 0.0)
    for message in (status("ceiling", 1.0), status("ceiling", 6.0), said(READING, 3.0)):
        punctual.hear(message)

    assert punctual.finish(10.0) == []
    assert punctual.finish(30.0) == ["service/ceiling/status: late; 24 s without a status, at most 15 s"]
