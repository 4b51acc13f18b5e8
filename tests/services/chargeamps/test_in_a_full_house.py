"""A Charge Amps window opens in a real house while another car has the whole line."""

import json
import time
from pathlib import Path

import pytest

from busbar_cli.broker import free_port
from houses import QUICK, quick_site, running

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

MORE = """
[simulator.house]
base_w = 0
kettles = 0
ovens = 0
machines = 0
[simulator.battery]
capacity_wh = 0
[simulator.sun]
peak_w = 0
[simulator.chargeamps]
mode = "Schedule"
[chargeamps]
operation_mode = "hems"
base_url = "http://127.0.0.1:{cloud}/api"
poll_idle_s = 5
poll_charging_s = 5
[chargeamps.connectors.1]
charge_point = "2106037142M"
"""


def at(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


async def test_a_window_that_opens_while_another_car_has_the_line_overloads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHARGEAMPS_EMAIL", "owner@example.org")
    monkeypatch.setenv("CHARGEAMPS_PASSWORD", "secret")
    # 25 A hold 3 A of house, the other car's fallback of 6 A and this charger's 16 A.
    text = QUICK.replace("assumed_background_a = 15", "assumed_background_a = 3")
    site = quick_site(text=text, more=MORE.format(cloud=free_port()))
    async with running(site, tmp_path) as house:
        await house.until(lambda: house.amps() > 15, 60, "the other car charges at full power")

        opens_s = time.monotonic() + 80
        period = {"start": at(80), "end": at(300)}
        await house.bus.say_raw("hems/charge-amps/1/schedule/set", json.dumps({"periods": [period]}), qos=1)
        # A minute before the window room is made, and the line is free when it opens.
        await house.until(lambda: house.amps() < 9.5, 40, "the other car makes room")
        assert opens_s - time.monotonic() > 45
        await house.holds(
            lambda: house.truth.verdict == "ok", max(opens_s - time.monotonic(), 0), "a phase is overloaded"
        )
        await house.until(lambda: house.amps("chargeamps-1") > 15, 30, "the window opens")
        await house.holds(lambda: house.truth.verdict == "ok", 10, "a phase is overloaded")
        assert house.truth.a is not None
        assert house.truth.a.longest_over_s == 0

        await house.bus.say_raw("hems/charge-amps/1/schedule/clear", b"", qos=1)
        await house.until(lambda: house.amps("chargeamps-1") < 1, 20, "the clear stops the car")
