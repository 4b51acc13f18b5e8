"""A Charge Amps window opens in the demo's house at night, while another car has the whole line."""

import json
import time
from pathlib import Path

import pytest

from busbar_cli.demo import ACCOUNT, demo_config
from houses import running

pytestmark = [pytest.mark.system, pytest.mark.soak, pytest.mark.timeout(480)]

NIGHT = (
    # One car wants all it can take; the other waits for the sun, and there is none.
    ('mode = "solar_priority"', 'mode = "standard"'),
    ("max_a = 8", "max_a = 16"),
    # A smaller connection, so that one car fills it; the battery is empty and helps nobody.
    ("limit_a = 25", "limit_a = 20"),
    ("assumed_background_a = 15", "assumed_background_a = 6"),
    ("soc_percent = 86", "soc_percent = 5"),
    ('start = "11:20"', 'start = "22:00"'),
    ("speed = 60", "speed = 1"),
)


def night() -> str:
    """The demo's own configuration, at night."""
    text = demo_config()
    for old, new in NIGHT:
        assert old in text, old
        text = text.replace(old, new)
    return text


def at(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


async def test_a_window_that_opens_while_another_car_has_the_line_overloads_nothing(tmp_path: Path) -> None:
    async with running(night(), tmp_path, more=ACCOUNT) as house:
        await house.until(lambda: house.amps() > 15, 90, "the other car charges at full power")

        opens_s = time.monotonic() + 80
        period = {"start": at(80), "end": at(300)}
        await house.bus.say_raw("hems/charge-amps/1/schedule/set", json.dumps({"periods": [period]}), qos=1)
        # A minute before the window room is made, and the line is free when it opens.
        await house.until(lambda: house.amps() < 12, 50, "the other car makes room")
        assert opens_s - time.monotonic() > 35
        await house.holds(
            lambda: house.truth.verdict == "ok", max(opens_s - time.monotonic(), 0), "a phase is overloaded"
        )
        await house.until(lambda: house.amps("chargeamps-1") > 7, 30, "the window opens")
        await house.holds(lambda: house.truth.verdict == "ok", 10, "a phase is overloaded")
        assert house.truth.c is not None
        assert house.truth.c.longest_over_s == 0

        await house.bus.say_raw("hems/charge-amps/1/schedule/clear", b"", qos=1)
        await house.until(lambda: house.amps("chargeamps-1") < 1, 20, "the clear stops the car")
