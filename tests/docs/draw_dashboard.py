"""Draws docs/home-assistant-*.png: the ready dashboard in a real Home Assistant, seen by a headless Chromium.

`BUSBAR_TEST_HASS=hass/bin/hass PYTHONPATH=tests python tests/docs/draw_dashboard.py` makes them anew. It needs
Chromium and, beside Home Assistant, the home-assistant-frontend of its version; docs/home-assistant.md says how.
The house is real processes and each run is a little different, so no test compares the pictures.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import chromium

from hass import HomeAssistant, home_assistant
from houses import QUICK, quick_site, running

DOCS = Path(__file__).parents[2] / "docs"
VIEWS = {"busbar": "house", "busbar-loads": "loads", "busbar-services": "services"}
"""Path of a view to the name of its picture."""
AFTER_S = 150.0
WIDTH, HEIGHT = 1240, 900

HOUSE = (
    QUICK.replace("speed = 1\n", "speed = 20\n").replace(
        "rating_w = 10000", "rating_w = 10000\nhybrid = true"
    )
    + """
battery = {{ capacity_wh = 10000, soc_percent = 62 }}
sun = {{ peak_w = 9000, cloudiness = 0.2 }}
[simulator.plugs.pump]
kind = "plain"
power_w = 700
[batteries.house]
modbus = {{ host = "127.0.0.1", port = {modbus}, unit = 1 }}
inverter = "roof"
writable = true
[plugs.pump]
driver = "shelly"
topic = "shellyplus1pm-pump"
rating_w = 700
mode = "solar_only"
[battery_flow]
"""
)
"""The house of the dashboard, at noon in May."""

CONFIGURATION = """
frontend:
history:
recorder:
logbook:
lovelace:
  mode: yaml
"""


async def draw(folder: Path, hass: str) -> None:
    """Run the house and Home Assistant for a while, and take the pictures."""
    text = quick_site(text=HOUSE, start="12:10", mode="solar_priority")
    text = text.replace('host = "embedded"', 'host = "embedded"\ndiscovery = "device"')
    port = int(text.split("[broker]")[1].split("port = ")[1].split()[0])
    files = {"ui-lovelace.yaml": (DOCS / "home-assistant-dashboard.yaml").read_text(encoding="utf-8")}
    async with (
        running(text, folder),
        home_assistant(hass, folder / "hass", port, CONFIGURATION, files) as home,
    ):
        await home.end_onboarding()
        await asyncio.sleep(AFTER_S)
        async with chromium.page(WIDTH, HEIGHT) as page:
            await log_in(page, home)
            for path, name in VIEWS.items():
                await page.ask("Page.navigate", url=f"{home.url}/lovelace/{path}")
                await shown(page)
                (DOCS / f"home-assistant-{name}.png").write_bytes(await page.picture())
        print("\n".join(home.complaints()) or "no complaint in the log of Home Assistant")


async def shown(page: chromium.Page) -> None:
    """Wait until the view is there: the picture of the start has gone, and the cards have had time to draw."""
    async with asyncio.timeout(120):
        while True:
            await asyncio.sleep(1)
            asked = "document.getElementById('ha-launch-screen') === null"
            if (await page.ask("Runtime.evaluate", expression=asked))["result"].get("value") is True:
                break
    await asyncio.sleep(25)


async def log_in(page: chromium.Page, home: HomeAssistant) -> None:
    """Give the browser what it would have kept after a login."""
    tokens = {
        "access_token": home.token, "token_type": "Bearer", "expires_in": 1800, "refresh_token": "",
        "hassUrl": home.url, "clientId": home.url + "/", "expires": int((time.time() + 1800) * 1000),
    }  # fmt: skip
    await page.ask("Page.navigate", url=home.url + "/manifest.json")
    await asyncio.sleep(2)
    script = f"localStorage.setItem('hassTokens', {json.dumps(json.dumps(tokens))})"
    await page.ask("Runtime.evaluate", expression=script)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(draw(Path(name), os.environ["BUSBAR_TEST_HASS"]))
