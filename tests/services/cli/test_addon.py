"""The Home Assistant add-on: options and the Supervisor's broker become a site that passes its check."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from busbar_cli.addon import Broker, broker_of, options_of, prepare
from busbar_cli.service_checks import service_problems
from busbar_shared.config.load import BadConfig, read_file

ADDON = Path(__file__).parents[3] / "deploy" / "home-assistant-addon"
# As in developers.home-assistant.io, docs/api/supervisor/endpoints.md, "Service".
ANSWER = {
    "result": "ok",
    "data": {"addon": "core_mosquitto", "host": "core-mosquitto", "port": 8883, "ssl": True,
             "username": "addons", "password": "p\"w", "protocol": "3.1.1"},
}  # fmt: skip


class Supervisor(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        good = self.path == "/services/mqtt" and self.headers["Authorization"] == "Bearer token"
        self.send_response(200 if good else 400)
        self.end_headers()
        self.wfile.write(json.dumps(ANSWER if good else {"result": "error"}).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def supervisor() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Supervisor)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_defaults_of_the_add_on_give_a_good_site(tmp_path: Path, supervisor: str) -> None:
    options = yaml.safe_load((ADDON / "config.yaml").read_text())["options"]
    data, own = tmp_path / "data", tmp_path / "config"
    data.mkdir()
    (data / "options.json").write_text(json.dumps(options))

    config, given = prepare(
        data, own, {"BUSBAR_SUPERVISOR": supervisor, "SUPERVISOR_TOKEN": "token", "TZ": "Europe/Oslo"}
    )
    site = read_file(config)

    assert list(service_problems(site)) == []
    assert (site.broker.host, site.broker.port, site.broker.tls) == ("core-mosquitto", 8883, True)
    assert (site.broker.username, given["BUSBAR_MQTT_PASSWORD"]) == ("addons", 'p"w')
    assert site.ocpp is not None
    assert site.ocpp.host == "0.0.0.0"
    assert site.site.timezone == "Europe/Oslo"


def test_a_charger_keeps_its_password_over_restarts(tmp_path: Path, supervisor: str) -> None:
    environ = {"BUSBAR_SUPERVISOR": supervisor, "SUPERVISOR_TOKEN": "token"}
    prepare(tmp_path, tmp_path / "config", environ)
    before = (tmp_path / "config" / "chargers.txt").read_text()

    prepare(tmp_path, tmp_path / "config", environ)

    assert (tmp_path / "config" / "chargers.txt").read_text() == before
    assert "left" in before


def test_the_owners_own_file_wins(tmp_path: Path, supervisor: str) -> None:
    (tmp_path / "busbar.toml").write_text("[site]\n")

    config, _ = prepare(tmp_path, tmp_path, {"BUSBAR_SUPERVISOR": supervisor, "SUPERVISOR_TOKEN": "token"})

    assert config.read_text() == "[site]\n"


def test_without_a_broker_it_says_what_to_install(tmp_path: Path, supervisor: str) -> None:
    with pytest.raises(BadConfig, match="install the Mosquitto broker add-on"):
        prepare(tmp_path, tmp_path, {"BUSBAR_SUPERVISOR": supervisor, "SUPERVISOR_TOKEN": "wrong"})


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"data": {}}', b'{"data": {"host": 5}}', b"\xff"])
def test_an_answer_that_names_no_broker_is_a_sentence(raw: bytes) -> None:
    with pytest.raises(BadConfig, match="names no MQTT broker"):
        broker_of(raw)


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"limit_a": "x"}', b"\xff"])
def test_options_that_cannot_be_read_are_a_sentence(raw: bytes) -> None:
    with pytest.raises(BadConfig, match="options"):
        options_of(raw)


def test_options_we_do_not_know_are_ignored() -> None:
    assert options_of(b'{"limit_a": 35, "new": 1}').limit_a == 35
    assert broker_of(json.dumps(ANSWER).encode()) == Broker(
        host="core-mosquitto", port=8883, ssl=True, username="addons", password='p"w'
    )
