"""A real Home Assistant for system tests: started, set up through its own onboarding and config flow, asked by REST.

Not shipped with the project: BUSBAR_TEST_HASS names its `hass` command, which lives in an environment of its own.
How to make one is written in docs/home-assistant.md.
"""

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from busbar_cli.broker import free_port

CONFIGURATION = """
http:
  server_host: 127.0.0.1
  server_port: {port}
onboarding:
config:
api:
websocket_api:
logger:
  default: warning
"""


class HomeAssistant:
    """A running Home Assistant with its MQTT integration at a broker."""

    def __init__(self, folder: Path, client: httpx.AsyncClient, process: "subprocess.Popen[bytes]") -> None:
        self._folder, self._client, self._process = folder, client, process

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return str(self._client.base_url).rstrip("/")

    @property
    def token(self) -> str:
        """Of the owner, for half an hour."""
        return self._client.headers["Authorization"].removeprefix("Bearer ")

    async def end_onboarding(self) -> None:
        """Finish the steps that a browser would be led through."""
        for step, data in (
            ("core_config", {}),
            ("analytics", {}),
            ("integration", {"client_id": self.url + "/", "redirect_uri": self.url + "/?auth_callback=1"}),
        ):
            answer = await self._client.post(f"/api/onboarding/{step}", json=data)
            answer.raise_for_status()

    async def states(self) -> dict[str, dict[str, Any]]:
        """Every entity with its state and attributes, by entity id."""
        answer = await self._client.get("/api/states")
        return {one["entity_id"]: one for one in answer.json()}

    async def call(self, service: str, **data: Any) -> None:
        """Call a service, such as `select.select_option`."""
        answer = await self._client.post(f"/api/services/{service.replace('.', '/')}", json=data)
        answer.raise_for_status()

    async def pretend(self, entity_id: str, state: str) -> None:
        """Give an entity a state, as if something had reported it."""
        answer = await self._client.post(f"/api/states/{entity_id}", json={"state": state})
        answer.raise_for_status()

    async def until(
        self, what: Callable[[dict[str, dict[str, Any]]], bool], seconds: float, why: str
    ) -> dict[str, dict[str, Any]]:
        """Wait until the states are so. Fails with the sentence when it does not happen."""
        began = time.monotonic()
        while not what(found := await self.states()):
            assert time.monotonic() - began < seconds, f"not within {seconds:g} s: {why}\n{shown(found)}"
            await asyncio.sleep(0.5)
        return found

    def complaints(self) -> list[str]:
        """What its log says about MQTT, about states and about entities."""
        text = (self._folder / "home-assistant.log").read_text(encoding="utf-8")
        return [
            line
            for line in text.splitlines()
            if ("WARNING" in line or "ERROR" in line or "Error" in line)
            and any(
                word in line
                for word in ("mqtt", "sensor", "number", "select", "entity", "template", "automation")
            )
        ]


def shown(states: dict[str, dict[str, Any]]) -> str:
    """States in lines, for a failure."""
    return "\n".join(f"{name}: {one['state']}" for name, one in sorted(states.items()))


@asynccontextmanager
async def home_assistant(
    hass: str, folder: Path, mqtt_port: int, more: str = "", files: Mapping[str, str] | None = None
) -> AsyncIterator[HomeAssistant]:
    """Home Assistant at this broker, with more of its configuration and files beside it; ended afterwards."""
    port = free_port()
    folder.mkdir()
    for name, text in (files or {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "configuration.yaml").write_text(CONFIGURATION.format(port=port) + more, encoding="utf-8")
    process = subprocess.Popen(
        [hass, "-c", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False
        ) as client:
            await _answers(client)
            client.headers["Authorization"] = f"Bearer {await _onboard(client)}"
            await _connect(client, mqtt_port)
            yield HomeAssistant(folder, client, process)
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


async def _answers(client: httpx.AsyncClient) -> None:
    began = time.monotonic()
    while True:
        try:
            if (await client.get("/api/onboarding")).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        assert time.monotonic() - began < 180, "Home Assistant does not answer"
        await asyncio.sleep(0.5)


async def _onboard(client: httpx.AsyncClient) -> str:
    """Make the owner's account through the onboarding; the access token. The step core_config is left out."""
    me = f"{client.base_url}/"
    owner = {
        "client_id": me,
        "name": "Owner",
        "username": "owner",
        "password": "a long secret",
        "language": "en",
    }
    answer = await client.post("/api/onboarding/users", json=owner)
    answer.raise_for_status()
    form = {"client_id": me, "grant_type": "authorization_code", "code": answer.json()["auth_code"]}
    token = await client.post("/auth/token", data=form)
    token.raise_for_status()
    return str(token.json()["access_token"])


async def _connect(client: httpx.AsyncClient, mqtt_port: int) -> None:
    flow = await client.post("/api/config/config_entries/flow", json={"handler": "mqtt"})
    flow.raise_for_status()
    place = {"broker": "127.0.0.1", "port": mqtt_port}
    done = await client.post(f"/api/config/config_entries/flow/{flow.json()['flow_id']}", json=place)
    assert done.json().get("type") == "create_entry", json.dumps(done.json())
