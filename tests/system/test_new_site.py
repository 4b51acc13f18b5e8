"""From nothing to a managed house: `busbar setup`, a guarded broker with TLS, the services, and the doctor's word."""

import asyncio
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from busbar_cli.broker import find_mosquitto, free_port, is_listening
from busbar_cli.certificates import make_server
from busbar_cli.setup import answers_of, make
from busbar_cli.up import Supervisor
from busbar_shared.bus import MqttBus
from busbar_shared.config.broker import BrokerConfig
from busbar_shared.config.load import read

DEPLOY = Path(__file__).parents[2] / "deploy"
pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        find_mosquitto() is None, reason="accounts are mosquitto's, and there is none on this machine"
    ),
]


class NewSite:
    """A folder that `busbar setup` wrote, its guarded broker, and the environment of its services."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.site_folder = folder, folder / "site"
        make(
            self.site_folder,
            answers_of("machine", "Oak", "Europe/Berlin", 25, 3, "simulated", "left", ocpp_tls=False),
        )
        self.port, self.health_port = free_port(), free_port()
        self.config = self.site_folder / "busbar.toml"
        self.config.write_text(
            self.config.read_text()
            .replace("port = 8883", f"port = {self.port}")
            .replace("/etc/busbar", str(self.site_folder))
            .replace("port = 15020", f"port = {(modbus := free_port())}")
            .replace("port = 9000", f"port = {free_port()}")
            .replace("[simulator]", f'[simulator]\nmodbus_port = {modbus}\nspeed = 1\nstart = "00:30"')
        )
        self.environ = {
            **os.environ,
            "BUSBAR_CONFIG": str(self.config),
            "BUSBAR_STATE_DIR": str(folder / "state"),
            "BUSBAR_MQTT_PASSWORD_FILE": str(self.site_folder / "secrets" / "{service}"),
        }
        self._broker = self._start_broker()

    def _start_broker(self) -> "subprocess.Popen[bytes]":
        conf, site = self.folder / "m.conf", str(self.site_folder)
        text = (DEPLOY / "mosquitto" / "mosquitto.conf").read_text()
        for path, here in (
            ("/mosquitto/config/acl.health", str(DEPLOY / "mosquitto" / "acl.health")),
            ("/mosquitto/config", site),
            ("/run/secrets", site),
            ("/mosquitto/data/", f"{self.folder}/"),
            ("listener 8883", f"listener {self.port} 127.0.0.1"),
            ("listener 1884", f"listener {self.health_port}"),
        ):
            assert path in text
            text = text.replace(path, here)
        conf.write_text(f"user root\n{text}")
        mosquitto = find_mosquitto()
        assert mosquitto is not None
        with open(self.folder / "broker.log", "wb") as log:
            process = subprocess.Popen([mosquitto, "-c", str(conf)], stderr=log, stdout=log)
        until = time.monotonic() + 10
        while not is_listening(self.port):
            assert time.monotonic() < until, (self.folder / "broker.log").read_text()
            time.sleep(0.02)
        return process

    def reread(self) -> None:
        """Let the broker read its files again, as `systemctl reload` does."""
        self._broker.send_signal(signal.SIGHUP)

    def shown_serial(self) -> int:
        """The serial number of the certificate that the broker shows now."""
        context = ssl.create_default_context(cafile=self.site_folder / "ca.pem")
        with (
            socket.create_connection(("localhost", self.port), 5) as wire,
            context.wrap_socket(wire, server_hostname="localhost") as secured,
        ):
            shown = secured.getpeercert()
        assert shown is not None
        return int(str(shown["serialNumber"]), 16)

    def close(self) -> None:
        """End the broker."""
        self._broker.kill()
        self._broker.wait()

    async def busbar(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """A command line as the owner."""
        return await asyncio.to_thread(
            subprocess.run, [sys.executable, "-m", "busbar_cli", *arguments], env=self.environ,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip


@pytest.fixture
def new_site(tmp_path: Path) -> Iterator[NewSite]:
    """A new site with its broker running."""
    made = NewSite(tmp_path)
    yield made
    made.close()


async def test_from_setup_to_a_house_of_which_the_doctor_finds_nothing_bad(new_site: NewSite) -> None:
    supervisor = Supervisor(
        read(new_site.config.read_text()), new_site.config, logs=new_site.folder, environ=new_site.environ
    )
    await supervisor.start()
    try:
        until = time.monotonic() + 60
        while (healthy := await new_site.busbar("health", "allocator")).returncode != 0:
            assert time.monotonic() < until, healthy.stderr
        assert "online and ready" in healthy.stdout

        while (done := await new_site.busbar("doctor", "--json")).returncode != 0:
            assert time.monotonic() < until, done.stdout
        found = {one["about"]: one for one in json.loads(done.stdout)["findings"]}

        assert found["accounts"]["text"].startswith("simulator, meter, ocpp, allocator log in")
        assert found["charger left-1"]["level"] == "good"
        assert found["leases"]["level"] == "good"
        assert found["certificate"]["level"] == "good"

        # A broker that no longer lets the allocator say anything: the doctor hears that it does not arrive.
        acl = new_site.site_folder / "acl"
        acl.write_text(acl.read_text().replace("topic write hems/service/allocator/event\n", ""))
        new_site.reread()
        done = await new_site.busbar("doctor", "--json", "--seconds", "1")
        found = {one["about"]: one for one in json.loads(done.stdout)["findings"]}
        assert done.returncode == 1
        assert "access list forbids" in found["account allocator"]["text"]
    finally:
        await supervisor.stop()


async def test_a_stranger_and_a_plain_wire_are_not_let_in(new_site: NewSite) -> None:
    plain = new_site.config.read_text().replace("tls = true", "tls = false")
    (new_site.folder / "plain.toml").write_text(plain)
    strange = new_site.config.read_text().replace(
        f"{new_site.site_folder}/ca.pem", "/etc/ssl/certs/ca-certificates.crt"
    )
    (new_site.folder / "strange.toml").write_text(strange)

    for name in ("plain", "strange"):
        done = await new_site.busbar("health", "meter", "--config", str(new_site.folder / f"{name}.toml"))
        assert done.returncode == 1
        assert "does not answer" in done.stderr


async def test_the_door_of_the_health_check_shows_the_uptime_and_takes_nothing(new_site: NewSite) -> None:
    plain = BrokerConfig(host="127.0.0.1", port=new_site.health_port)
    async with MqttBus(plain, client_id="health", service="health") as bus:
        uptime, everything = bus.listen_raw("$SYS/broker/uptime"), bus.listen_raw("hems/#")
        await bus.connected.wait()
        async with asyncio.timeout(30):
            assert b"seconds" in (await anext(uptime)).payload

        await bus.say_raw("hems/site/settings/set", b"{}", qos=1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.7):
                await anext(everything)


async def test_a_new_certificate_is_shown_without_a_restart_of_the_broker(new_site: NewSite) -> None:
    before = new_site.shown_serial()

    make_server(new_site.site_folder, "broker", ("localhost", "127.0.0.1"))
    new_site.reread()
    until = time.monotonic() + 5
    while new_site.shown_serial() == before:
        assert time.monotonic() < until, "the broker still shows the old certificate"
        await asyncio.sleep(0.1)
