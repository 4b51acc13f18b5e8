"""The first busbar.toml of a house, from a few answers. Pure."""

import re
from typing import Literal

from msgspec import Struct

BACKGROUND_SHARE = 0.6
"""Of the breaker: the worst house load that is proposed until it was measured."""
SIMULATED = "simulated"

Where = Literal["compose", "machine", "up"]
"""compose: containers; machine: systemd units beside the machine's mosquitto; up: `busbar up` with its own broker."""


class Answers(Struct, frozen=True, kw_only=True):
    """What `busbar setup` asks."""

    where: Where = "compose"
    name: str = "Home"
    timezone: str = "Europe/Berlin"
    limit_a: float = 25.0
    phases: Literal[1, 3] = 3
    meter: str = SIMULATED
    """Name or address of the SunSpec meter or inverter; `simulated`: a house that does not exist."""
    chargers: tuple[str, ...] = ("left",)
    ocpp_tls: bool = False


class ChargerSecret(Struct, frozen=True):
    """The password of a charge point, and what stands for it in the configuration."""

    password: str
    hashed: str


def toml_of(answers: Answers, chargers: dict[str, ChargerSecret], folder: str = "/etc/busbar") -> str:
    """The configuration. It passes `busbar config check` for every answer that is accepted.

    `folder` is where `busbar up` finds the certificates; containers and units always find them in /etc/busbar.
    """
    parts = [
        "# One house. `busbar config check` says what is wrong with it, `busbar config example` shows every key.",
        _site(answers),
        _broker(answers),
        _circuit(answers),
        _meter(answers),
        *(_ocpp(answers, chargers, folder) if answers.chargers else ()),
        *(_simulator(answers, chargers) if answers.meter == SIMULATED else ()),
    ]
    return "\n\n".join(parts) + "\n"


def _site(answers: Answers) -> str:
    phases = "" if answers.phases == 3 else '\nphases = ["a"]'
    return f"[site]\nname = {_text(answers.name)}\ntimezone = {_text(answers.timezone)}{phases}"


def _broker(answers: Answers) -> str:
    if answers.where == "up":
        return '[broker]\nhost = "embedded"'
    host = "broker" if answers.where == "compose" else "localhost"
    return (
        f'[broker]\nhost = "{host}"\nport = 8883\ntls = true\nca_file = "/etc/busbar/ca.pem"\n'
        "# Each service logs in as itself; the broker lets it write its own topics and no others.\n"
        'username = "{service}"\npassword = "BUSBAR_MQTT_PASSWORD"'
    )


def _circuit(answers: Answers) -> str:
    return (
        f'[circuits.main]\nlimit_a = {answers.limit_a:g}\nmeter = "grid"\n'
        "# The worst the house itself may draw beside what Busbar manages: 60 % of the breaker, until it was measured.\n"
        "# `busbar doctor` compares it with the highest it has seen.\n"
        f"assumed_background_a = {answers.limit_a * BACKGROUND_SHARE:g}"
    )


def place_of(meter: str) -> tuple[str, int | None] | None:
    """Name and port of a meter written as `name`, `name:port`, `[IPv6]:port` or an IPv6 address; None when it is none."""
    found = re.fullmatch(
        r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<name>[^\s:/\[\]]+))(?::(?P<port>[0-9]{1,5}))?", meter
    )
    if found is None:
        return (meter, None) if re.fullmatch(r"[0-9a-fA-F:.]*::?[0-9a-fA-F:.]+", meter) else None
    port = int(found["port"]) if found["port"] else None
    return None if port is not None and not 1 <= port <= 65_535 else (found["six"] or found["name"], port)


def _meter(answers: Answers) -> str:
    if answers.meter == SIMULATED:
        place = '{ host = "127.0.0.1", port = 15020, unit = 200 }'
    else:
        host, port = place_of(answers.meter) or (answers.meter, None)
        at = "" if port is None else f", port = {port}"
        place = f"{{ host = {_text(host)}{at}, unit = 200 }}"
    return (
        "# `busbar meter scan` finds the unit of a meter; docs/meter.md tells of meters that speak otherwise.\n"
        f"[meters.grid]\nmodbus = {place}"
    )


def _ocpp(answers: Answers, chargers: dict[str, ChargerSecret], folder: str) -> tuple[str, ...]:
    host = "127.0.0.1" if answers.where == "up" and answers.meter == SIMULATED else "0.0.0.0"
    lines = f'[ocpp]\nhost = "{host}"\nport = 9000\nsecurity = {2 if answers.ocpp_tls else 1}'
    if answers.ocpp_tls:
        # systemd hands the key to this one service; its unit says LoadCredential.
        place = folder if answers.where == "up" else "/etc/busbar"
        of_unit = answers.where == "machine"
        key = "/run/credentials/busbar@ocpp.service/ocpp.key" if of_unit else f"{place}/ocpp.key"
        lines += f"\ncert_file = {_text(f'{place}/ocpp.pem')}\nkey_file = {_text(key)}"
    legs = "" if answers.phases == 3 else '\nlegs = ["a"]'
    return (lines, *(
        f"[chargers.{name}]\ncharge_point = {_text(name)}{legs}\npassword = {_text(chargers[name].hashed)}"
        for name in answers.chargers
    ))  # fmt: skip


def _simulator(answers: Answers, chargers: dict[str, ChargerSecret]) -> tuple[str, ...]:
    # In compose the charge points of the simulated house knock at the container of the OCPP service.
    url = '\nocpp_url = "ws://ocpp:9000/"' if answers.where == "compose" else ""
    legs = 3 if answers.phases == 3 else 1
    return (f"# The simulated house; remove these sections when the real one is connected.\n[simulator]{url}", *(
        f"[simulator.cars.{name}]\ncar_legs = {legs}\npassword = {_text(chargers[name].password)}"
        for name in answers.chargers
    ))  # fmt: skip


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
