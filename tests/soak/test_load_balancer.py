"""The documented load balancers for real: two sites behind one nginx by URL, and behind one HAProxy by name.

The configurations are read from docs/scale.md; only addresses and files are put in.
"""

import asyncio
import contextlib
import json
import os
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from balancers import Program, documented, names, program, put
from busbar_cli.broker import find_mosquitto, free_port
from busbar_cli.certificates import make_authority, make_server
from busbar_cli.up import Supervisor
from busbar_contracts.charger import ChargerState
from busbar_ocpp.passwords import hashed
from busbar_shared.config.load import read
from busbar_shared.life import connect as connect_bus
from houses import DARK_HOUSE, QUICK, VALIDITY_S, House, charging, running

PASSWORD = "0123456789abcdef0123"
SITES = {"oak-street-7": "127.0.0.11", "elm-lane-2": "127.0.0.12"}
"""Two sites, each with its OCPP service on an address of its own, as on machines of their own."""

pytestmark = [pytest.mark.soak, pytest.mark.system, pytest.mark.timeout(420)]


def needs(name: str) -> Any:
    """Skip where this program is not installed."""
    return pytest.mark.skipif(program(name) is None, reason=f"{name} is not installed on this machine")


def site_behind(name: str, ocpp_port: int, url: str) -> str:
    """A quick house whose charger reaches its service over the balancer, with its password (security profile 1)."""
    more = f'ocpp_url = "{url}"\n{DARK_HOUSE}\n[simulator.cars.left]\npassword = "{PASSWORD}"'
    text = QUICK.format(
        mqtt=free_port(), modbus=free_port(), ocpp=ocpp_port, mode="standard", start="00:30", more=more
    )
    return put(
        text,
        {
            'id = "test"': f'id = "{name}"',
            "security = 0": f'security = 1\nhost = "{SITES[name]}"\npath_prefix = "/{name}/"',
            "fallback_a = 6": f'fallback_a = 6\npassword = "{hashed(PASSWORD)}"',
        },
    )


def nginx(folder: Path, port: int, names_port: int, ocpp_port: int) -> Program:
    """The documented nginx, with the addresses and files of this test."""
    [block] = documented("nginx")
    inside = put(
        block,
        {
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "/etc/nginx/ocpp.pem": f"{folder}/ocpp.pem",
            "/etc/nginx/ocpp.key": f"{folder}/ocpp.key",
            "resolver 10.0.0.2;": f"resolver 127.0.0.1:{names_port} ipv6=off;",
            ":9000;": f":{ocpp_port};",
        },
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n{user}"
        f"events {{ worker_connections 256; }}\nhttp {{\naccess_log {folder}/access.log;\n{paths}{inside}\n}}\n"
    )
    command = [
        str(program("nginx")),
        "-p",
        str(folder),
        "-e",
        f"{folder}/error.log",
        "-c",
        f"{folder}/nginx.conf",
    ]
    return Program(command, folder, ("127.0.0.1", port))


class Fleet:
    """Two houses and the balancer in front of them."""

    def __init__(self, balancer: Program, port: int, folder: Path, houses: dict[str, House]) -> None:
        self.balancer, self.port, self.folder, self.houses = balancer, port, folder, houses

    def calls(self, name: str) -> int:
        """How often the charger of this site has come in so far."""
        return (self.folder / name / "ocpp.log").read_text().count("left connected from")

    async def knock(self, path: str, password: str = PASSWORD) -> int:
        """The HTTP status that a charge point gets there; 101 when it comes in."""
        context = ssl.create_default_context(cafile=self.folder / "ca.pem")
        user = path.rpartition("/")[2]
        try:
            async with connect(
                f"wss://{user}:{password}@127.0.0.1:{self.port}{path}", ssl=context, proxy=None,
                subprotocols=[Subprotocol("ocpp1.6")], open_timeout=20,
            ):  # fmt: skip
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code


@asynccontextmanager
async def fleet(folder: Path) -> AsyncIterator[Fleet]:
    """Two sites behind nginx, both cars at full power."""
    make_authority(folder, "Fleet")
    make_server(folder, "ocpp", ("localhost", "127.0.0.1"))
    port, ocpp_port = free_port(), free_port()
    async with contextlib.AsyncExitStack() as stack:
        known = {f"ocpp-{name}": address for name, address in SITES.items()}
        balancer = nginx(folder, port, await stack.enter_async_context(names(known)), ocpp_port)
        balancer.start()
        stack.callback(balancer.kill)
        houses = {}
        for name in SITES:
            own = folder / name
            own.mkdir()
            text = site_behind(name, ocpp_port, f"wss://127.0.0.1:{port}/{name}")
            trusts = {"SSL_CERT_FILE": str(folder / "ca.pem")}
            houses[name] = await stack.enter_async_context(running(text, own, more=trusts))
        for house in houses.values():
            await linked_and_charging(house)
        yield Fleet(balancer, port, folder, houses)


async def linked_and_charging(house: House) -> None:
    """A charger that nobody has told anything charges too, so its link counts."""

    def linked() -> bool:
        state = house.scene.chargers.get("left-1")
        return state is not None and state.link and state.limit is not None and state.limit.confirmed

    await house.until(linked, 90, "the charger comes in over the balancer")
    await charging(house, seconds=90)


@needs("nginx")
async def test_two_sites_behind_one_nginx(tmp_path: Path) -> None:
    async with fleet(tmp_path) as made:
        oak, elm = made.houses.values()
        first, second = SITES
        calls = made.calls(second)

        # One site's service dies: its charger falls back by itself, and the other site notices nothing.
        began = time.monotonic()
        await oak.stop("ocpp")
        await oak.until(lambda: oak.amps() < 6.5, VALIDITY_S + 10 + 15, "the charger falls back by itself")
        print(f"behind nginx safe {time.monotonic() - began:.1f} s after its service died")
        assert await made.knock(f"/{first}/CP-LEFT") == 502
        oak.restart("ocpp")
        began = time.monotonic()
        await linked_and_charging(oak)
        print(f"full power again {time.monotonic() - began:.1f} s after it was back")
        assert made.calls(second) == calls, "the other site's charger kept its link all the while"
        assert elm.amps() > 15

        # A certificate is renewed: who comes next is shown the new one, and no link is lost.
        before, calls = await shown(made), made.calls(first) + made.calls(second)
        make_server(tmp_path, "ocpp", ("localhost", "127.0.0.1"))
        made.balancer.reload()
        until = time.monotonic() + 30
        while await shown(made) == before:
            assert time.monotonic() < until, "nginx still shows the old certificate"
            await asyncio.sleep(0.2)
        await asyncio.sleep(15)
        assert made.calls(first) + made.calls(second) == calls, "no charger had to come again"

        # The balancer itself dies: every charger falls back by itself, and comes back with it.
        began = time.monotonic()
        made.balancer.kill()
        for house in (oak, elm):
            await house.until(lambda house=house: house.amps() < 6.5, VALIDITY_S + 10 + 15, "all fall back")  # type: ignore[misc]
        print(f"all safe {time.monotonic() - began:.1f} s after the balancer died")
        made.balancer.start()
        began = time.monotonic()
        for house in (oak, elm):
            await linked_and_charging(house)
        print(f"all at full power {time.monotonic() - began:.1f} s after the balancer was back")

        assert [house.truth.verdict for house in (oak, elm)] == ["ok", "ok"]


@needs("nginx")
async def test_who_knocks_at_the_balancer(tmp_path: Path) -> None:
    async with fleet(tmp_path) as made:
        name, other = SITES
        assert await made.knock(f"/{name}/CP-LEFT", "a-wrong-password-of-20") == 401
        assert await made.knock(f"/{other}/CP-NOBODY") == 404
        assert await made.knock("/CP-LEFT") == 404
        assert await made.knock("/nowhere/CP-LEFT") == 502
        assert await made.knock("/../oak-street-7/CP-LEFT") == 400
        assert await made.knock(f"/{other}/../{name}/CP-LEFT") == 404
        assert 503 in [await made.knock(f"/{name}/CP-NOBODY") for _ in range(80)], "guessing is slowed down"
        assert all(house.amps() > 15 for house in made.houses.values())


async def shown(made: Fleet) -> str:
    """The serial number of the certificate that the balancer shows now."""
    context = ssl.create_default_context(cafile=made.folder / "ca.pem")
    reader, writer = await asyncio.open_connection("127.0.0.1", made.port, ssl=context)
    del reader
    try:
        return str(writer.get_extra_info("ssl_object").getpeercert()["serialNumber"])
    finally:
        writer.close()


# -- security profile 3: TLS goes through to the service --------------------------------------------


def client_certificate(folder: Path, name: str) -> None:
    """NAME.pem and NAME.key of a charge point, signed by the authority of this folder."""
    subprocess.run(
        ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    subprocess.run(
        ["openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2",
         "-set_serial", "7", "-out", f"{name}.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


def haproxy(folder: Path, port: int, ocpp_port: int) -> Program:
    """The documented HAProxy for charge points, with the addresses of this test."""
    block = next(one for one in documented("haproxy") if "req.ssl_sni" in one)
    inside = put(
        block,
        {
            "bind :443": f"bind 127.0.0.1:{port}",
            "10.0.1.7:9000": f"{SITES['oak-street-7']}:{ocpp_port}",
            "10.0.2.4:9000": f"{SITES['elm-lane-2']}:{ocpp_port}",
        },
    )
    (folder / "haproxy.cfg").write_text(inside)
    return Program(
        [str(program("haproxy")), "-db", "-f", f"{folder}/haproxy.cfg"], folder, ("127.0.0.1", port)
    )


BOOT = [2, "1", "BootNotification", {"chargePointVendor": "Other", "chargePointModel": "One"}]


@needs("haproxy")
@pytest.mark.skipif(find_mosquitto() is None, reason="its broker is mosquitto, and there is none here")
async def test_client_certificates_go_through_haproxy_by_name(tmp_path: Path) -> None:
    make_authority(tmp_path, "Fleet")
    client_certificate(tmp_path, "CP-LEFT")
    client_certificate(tmp_path, "CP-OTHER")
    port, ocpp_port = free_port(), free_port()
    balancer = haproxy(tmp_path, port, ocpp_port)
    balancer.start()
    started: list[Supervisor] = []
    try:
        for name, address in SITES.items():
            make_server(tmp_path, name, (f"{name}.ocpp.example.org",))
            own = tmp_path / name
            own.mkdir()
            text = put(
                QUICK.format(
                    mqtt=free_port(),
                    modbus=free_port(),
                    ocpp=ocpp_port,
                    mode="standard",
                    start="00:30",
                    more="",
                ),
                {
                    "security = 0": f'security = 3\nhost = "{address}"\ncert_file = "{tmp_path}/{name}.pem"\n'
                    f'key_file = "{tmp_path}/{name}.key"\nca_file = "{tmp_path}/ca.pem"'
                },
            )
            (own / "busbar.toml").write_text(text)
            supervisor = Supervisor(
                read(text), own / "busbar.toml", only=["ocpp"], logs=own, environ={"BUSBAR_STATE_DIR": str(own / "state")}
            )  # fmt: skip
            started.append(supervisor)
            await supervisor.start()

        for name in SITES:
            assert await boots(tmp_path, port, name, "CP-LEFT") == "Accepted"
            assert await seen(read((tmp_path / name / "busbar.toml").read_text()))
            with pytest.raises(InvalidStatus, match="401"):
                await boots(tmp_path, port, name, "CP-LEFT", own="CP-OTHER")
        with pytest.raises((OSError, EOFError, ssl.SSLError)):
            await boots(tmp_path, port, "nowhere", "CP-LEFT")
    finally:
        await asyncio.gather(*(one.stop() for one in started))
        balancer.kill()


async def boots(folder: Path, port: int, site: str, id: str, own: str = "") -> str:
    """What the service of this site answers to a charge point's boot."""
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    context.load_cert_chain(folder / f"{own or id}.pem", folder / f"{own or id}.key")
    until = time.monotonic() + 40
    while True:
        try:
            async with connect(
                f"wss://{site}.ocpp.example.org/{id}", host="127.0.0.1", port=port, ssl=context, proxy=None,
                subprotocols=[Subprotocol("ocpp1.6")],
            ) as link:  # fmt: skip
                await link.send(json.dumps(BOOT))
                async with asyncio.timeout(30):
                    while (answer := json.loads(await link.recv()))[0] != 3:
                        pass
                return str(answer[2]["status"])
        except OSError:
            # The service may not have opened its door yet.
            if site not in SITES or time.monotonic() > until:
                raise
            await asyncio.sleep(0.5)


async def seen(site: Any) -> bool:
    """Whether the service has said on its own bus that the charger came."""
    async with connect_bus(site, "test", os.environ) as bus, asyncio.timeout(30):
        async for heard in bus.listen(ChargerState):
            if heard.message.link or heard.message.vendor:
                return True
    return False
