"""What was found, as lines for busbar.toml and as the automation that brings the entities to Busbar.

A statestream retains its values and repeats nothing, so nobody could tell an old value from a steady one.
The automation therefore says each value again every few seconds, not retained, and leaves out what Home
Assistant itself has not heard of for a minute.
"""

import re
from collections.abc import Iterable

from busbar_cli.detect import Finding, wiring

BRIDGE = "busbar-bridge"
FRESH_S = 60
SECTIONS = {"meter": ("meters", "grid"), "inverter": ("inverters", "roof"), "battery": ("batteries", "house")}


def snippet(found: Iterable[Finding]) -> str:
    """Lines for busbar.toml."""
    known = tuple(found)
    lines = [
        f"# Found by `busbar detect`. Wiring: {wiring(known)}; look at it, and at every sign, before you trust it."
    ]
    lines += ["[site]", f'wiring = "{wiring(known)}"', ""]
    for kind, (section, name) in SECTIONS.items():
        mine = [one for one in known if one.kind == kind]
        if mine:
            lines += _device(section, name, kind, mine)
    for one in known:
        if one.kind == "plug":
            lines += _plug(one)
    return "\n".join(lines)


def _device(section: str, name: str, kind: str, mine: list[Finding]) -> list[str]:
    lines = [f"[{section}.{name}]  # {mine[0].brand}: {mine[0].device}", 'driver = "mqtt"', "every_s = 5"]
    lines += _phases(mine) if kind == "meter" else []
    lines += [f"[{section}.{name}.mqtt]", 'kind = "free"', f"[{section}.{name}.mqtt.values]"]
    for one in mine:
        turned = ", sign = -1" if one.export_positive and not one.point.endswith("soc_percent") else ""
        lines.append(
            f'"{one.point}" = {{ {_place(one, kind)}, unit = "{one.unit}"{turned} }}  # {_where(one)}'
        )
    if kind == "meter" and mine[0].export_positive is None:
        lines.append(
            "# Import must be positive: compare with the meter's display and write sign = -1 where it is not."
        )
    if kind == "battery":
        lines.append("# Charging must be positive: write sign = -1 at power_w where it is not.")
    return [*lines, ""]


def _phases(mine: list[Finding]) -> list[str]:
    """What a meter must say of itself that does not see all three phases."""
    seen = [phase for phase in "abc" if any(one.point.startswith(f"{phase}.") for one in mine)]
    if not seen:
        return [
            "# It knows only the total, so no phase can be protected. Write how uneven the phases may be:",
            "# assumed_unbalance_a = 10",
        ]
    if len(seen) == len("abc"):
        return []
    listed = ", ".join(f'"{phase}"' for phase in seen)
    return [f"phases = [{listed}]  # nothing was found of the others; a breaker there is not watched"]


def _place(one: Finding, kind: str) -> str:
    if _direct(one):
        return f'topic = "{one.seen.topic}"'
    return f'topic = "{BRIDGE}/{kind}", path = "{_field(one)}"'


def _plug(one: Finding) -> list[str]:
    name = re.sub(r"[^a-z0-9_-]", "-", one.device)[:63]
    topic = f"{BRIDGE}/plug/{one.device}"
    return [
        f"[plugs.{name}]  # {one.brand}: {one.switch}",
        'driver = "generic"',
        '# phases = ["a"]  # the phase its socket hangs on: no entity knows it, so it counts on every one',
        f"[plugs.{name}.generic]",
        f'state = {{ topic = "{topic}", path = "on" }}',
        f'power = {{ topic = "{topic}", path = "power", unit = "{one.unit}" }}',
        f'command = "{topic}/set"',
        "silent_after_s = 60",
        "",
    ]


def automation(found: Iterable[Finding]) -> str:
    """The automation for Home Assistant; empty when nothing needs one."""
    known = [one for one in found if not _direct(one)]
    if not known:
        return ""
    plugs = [one for one in known if one.kind == "plug"]
    lines = [
        "- alias: Busbar bridge",
        "  description: Says values to Busbar every five seconds, and switches what Busbar asks for.",
        "  mode: queued",
        "  trigger:",
        '    - platform: time_pattern\n      seconds: "/5"',
    ]
    for one in plugs:
        # Each by name: a wildcard would let anybody on the broker switch anything in the house.
        lines.append(f'    - platform: mqtt\n      id: switch\n      topic: "{BRIDGE}/plug/{one.device}/set"')
    lines.append("  action:")
    said = [step for kind in SECTIONS for step in _said(kind, known)]
    said += [step for one in plugs for step in _said_plug(one)]
    if not plugs:
        return "\n".join([*lines, *_indented(said, 4)]) + "\n"
    lines += ["    - choose:", *_switching(), "      default:", *_indented(said, 8)]
    return "\n".join(lines) + "\n"


def _said(kind: str, known: list[Finding]) -> list[str]:
    mine = [one for one in known if one.kind == kind]
    values = ", ".join(f"'{_field(one)}': {_fresh(one.seen.entity_id)}" for one in mine)
    return _publish(f"{BRIDGE}/{kind}", values) if mine else []


def _said_plug(one: Finding) -> list[str]:
    state = f"states('{one.switch}')"
    on = f"({state} == 'on') if {state} in ('on', 'off') else none"
    return _publish(f"{BRIDGE}/plug/{one.device}", f"'on': {on}, 'power': {_fresh(one.seen.entity_id)}")


def _switching() -> list[str]:
    entity = "switch.{{ trigger.topic.split('/')[2] }}"
    return [
        "        - conditions:\n            - condition: trigger\n              id: switch",
        "          sequence:",
        "            - service: \"switch.turn_{{ 'on' if trigger.payload == 'ON' else 'off' }}\"",
        f'              target:\n                entity_id: "{entity}"',
    ]


def _publish(topic: str, values: str) -> list[str]:
    return [
        "- service: mqtt.publish",
        "  data:",
        f'    topic: "{topic}"',
        "    payload: >-",
        f"      {{{{ {{{values}}} | tojson }}}}",
    ]


def _indented(lines: list[str], spaces: int) -> list[str]:
    return [" " * spaces + line for line in lines]


def _fresh(entity: str) -> str:
    """The state as a number while Home Assistant hears of it, else nothing. `last_reported` is from 2024.4."""
    heard = f"states.{entity}.last_reported"
    return f"(states('{entity}') | float(none)) if (now() - {heard}).total_seconds() < {FRESH_S} else none"


def _field(one: Finding) -> str:
    return one.point.replace(".", "_")


def _direct(one: Finding) -> bool:
    """It is on a topic of its own that speaks by itself, and needs no bridge."""
    return one.brand == "Solar Assistant"


def _where(one: Finding) -> str:
    return one.seen.topic if _direct(one) else one.seen.entity_id
