"""What goes wrong in a soak: drawn by a seed, done to a running house, and undone again."""

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from busbar_contracts.topics import TOPICS
from whole_house import SERVICES, WholeHouse

IDS = {
    "meter": "grid", "inverter": "roof", "battery": "house", "charger": "left", "connector": "1", "plug": "pump",
    "heater": "water", "load": "left-1", "connector_id": "1", "series": "import", "service": "stranger", "device": "d",
}  # fmt: skip
DEVICE_TOPICS = (
    "shellyplus1pm-pump/events/rpc", "shellyplus1pm-pump/status/switch:0", "busbar-whole/rpc", "stat/boiler/RESULT",
    "tele/boiler/SENSOR", "tele/boiler/LWT", "stat/boiler/STATUS8", "house/water", "homeassistant/status",
)  # fmt: skip


class _Filled(dict[str, str]):
    """Some name for a parameter that came to the contract later."""

    def __missing__(self, name: str) -> str:
        return "x"


@dataclass(frozen=True)
class Mischief:
    """One thing that was done, in words, and how it is done."""

    words: str
    do: Callable[[WholeHouse], Awaitable[None]]


def kill(dice: Random) -> Mischief:
    """End a service as a crash would; the supervisor starts it again."""
    name = dice.choice(SERVICES)

    async def do(whole: WholeHouse) -> None:
        if whole.house.supervisor.children[name].pid is not None:
            whole.house.kill(name)

    return Mischief(f"{name} killed", do)


def restart_broker(_: Random) -> Mischief:
    """End the broker as a crash would; the supervisor starts it again."""

    async def do(whole: WholeHouse) -> None:
        if whole.house.supervisor.children["broker"].pid is not None:
            whole.house.kill("broker")

    return Mischief("broker killed", do)


def freeze(dice: Random) -> Mischief:
    """Stop a process for a while and let it go on."""
    name, seconds = dice.choice((*SERVICES, "broker")), dice.uniform(1, 40)

    async def do(whole: WholeHouse) -> None:
        if whole.house.supervisor.children[name].pid is None:
            return
        whole.house.kill(name, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            if whole.house.supervisor.children[name].pid is not None:
                whole.house.kill(name, signal.SIGCONT)

    return Mischief(f"{name} frozen for {seconds:.0f} s", do)


def isolate(dice: Random) -> Mischief:
    """Cut a line for a while."""
    name, seconds = dice.choice((*SERVICES, "modbus", "chargers")), dice.uniform(1, 40)

    async def do(whole: WholeHouse) -> None:
        whole.lines[name].cut()
        try:
            await asyncio.sleep(seconds)
        finally:
            whole.lines[name].mend()

    return Mischief(f"line of {name} cut for {seconds:.0f} s", do)


def jump(dice: Random) -> Mischief:
    """Move the calendar of the services by an hour, forth or back, and back again after a while."""
    seconds, lasting_s = dice.choice((3600.0, -3600.0)), dice.uniform(10, 40)

    async def do(whole: WholeHouse) -> None:
        whole.jump(seconds)
        await asyncio.sleep(lasting_s)
        whole.jump(0)

    return Mischief(f"clocks {seconds:+.0f} s for {lasting_s:.0f} s", do)


def nonsense(dice: Random) -> bytes:
    """A payload that is no message of ours."""
    whole = json.dumps(
        {"at": "2026-06-21T10:00:00Z", "limit_a": dice.choice([-1, 1e9, "16", None]), "lease_s": 30}
    ).encode()
    return dice.choice((
        b"", dice.randbytes(dice.randint(1, 2000)), b"{" * dice.randint(1, 5000), b"[" * 2000 + b"]" * 2000, b"null",
        whole, whole[: dice.randint(1, len(whole) - 1)], b"1e999", b'"' + b"a" * dice.randint(1, 200_000) + b'"',
    ))  # fmt: skip


def rain(dice: Random) -> Mischief:
    """Nonsense on the contract's topics and on those of the devices."""
    drops = []
    for _ in range(dice.randint(20, 200)):
        names = [one.address.format_map(_Filled(IDS)) for one in TOPICS if "simulator" not in one.address]
        drops.append((dice.choice([*names, *DEVICE_TOPICS]), nonsense(dice)))

    async def do(whole: WholeHouse) -> None:
        for topic, payload in drops:
            await whole.house.bus.say_raw(topic, payload, qos=1)

    return Mischief(f"{len(drops)} bad payloads", do)


def device(dice: Random) -> Mischief:
    """Something that happens to the house or to a device in it."""
    for_s = round(dice.uniform(2, 40))
    words, wish = dice.choice((
        (f"meter and inverter silent for {for_s} s", {"silent": True, "for_s": for_s}),
        (f"left charger without link for {for_s} s", {"offline": ["left"], "for_s": for_s}),
        (f"right charger without link for {for_s} s", {"offline": ["right"], "for_s": for_s}),
        ("left charger without power", {"reboot": ["left"]}),
        ("right charger without power", {"reboot": ["right"]}),
        ("left car pulled", {"unplug": ["left-1"]}),
        ("left car plugged", {"plug": ["left-1"]}),
        (f"3 kW more for {for_s} s", {"extra_w": [0.0, 3000.0, 0.0], "for_s": for_s}),
        (f"inverter off the grid for {for_s} s", {"trip_s": for_s}),
        ("button of the pump pressed", {"press": ["pump"]}),
    ))  # fmt: skip

    async def do(whole: WholeHouse) -> None:
        await whole.house.bus.say_raw("busbar-simulator/whole/wish", json.dumps(wish), qos=1)
        lasting_s = wish.get("for_s", wish.get("trip_s", 0))
        await asyncio.sleep(lasting_s if isinstance(lasting_s, int) else 0)

    return Mischief(words, do)


WITHOUT_ENDS = (freeze, isolate, isolate, jump, rain, device, device)
"""Processes live on, so that their memory can be seen over a long time."""
WITH_ENDS = (*WITHOUT_ENDS, kill, kill, kill, restart_broker)


def draw(dice: Random, *, ends: bool) -> Mischief:
    """The next thing that goes wrong. `ends`: services may also be killed."""
    kinds = WITH_ENDS if ends else (*WITHOUT_ENDS, restart_broker)
    return dice.choice(kinds)(dice)
