"""What a test bench may ask of the simulated house while it runs: an oven, a trip, a lost link, a pulled cable.

Said as JSON on `busbar-simulator/<site>/wish`, outside the contract: no service of Busbar speaks there.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from busbar_simulator.line import LineFault
from busbar_simulator.plant.car import Car
from busbar_simulator.plant.phases import Phases, added, less
from busbar_simulator.station.faults import Fault
from busbar_simulator.world import World

Watts = Annotated[float, Meta(ge=-100_000, le=100_000)]


class Wish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All fields may be left out; `for_s` undoes extra_w, silent and offline after so many real seconds."""

    extra_w: Annotated[
        tuple[Watts, Watts, Watts] | None, Meta(description="House load added, per phase.")
    ] = None
    trip_s: Annotated[float | None, Meta(description="All inverters fall off the grid for so long.")] = None
    silent: Annotated[bool | None, Meta(description="The Modbus server answers nothing.")] = None
    line_faults: Annotated[
        tuple[LineFault, ...] | None, Meta(description="What goes wrong on it from now.")
    ] = None
    offline: Annotated[tuple[str, ...], Meta(description="Chargers that lose their link.")] = ()
    unplug: Annotated[tuple[str, ...], Meta(description="Loads whose cable is pulled.")] = ()
    plug: Annotated[tuple[str, ...], Meta(description="Loads whose cable is put in again.")] = ()
    reboot: Annotated[tuple[str, ...], Meta(description="Chargers that lose their power.")] = ()
    press: Annotated[tuple[str, ...], Meta(description="Plugs whose button is pressed.")] = ()
    faults: Annotated[
        dict[str, tuple[Fault, ...]], Meta(description="By charger: all it does wrong from now.")
    ] = {}
    soc_percent: Annotated[float | None, Meta(description="Of all batteries.")] = None
    for_s: Annotated[float | None, Meta(description="How long.")] = None


class NotGranted(Exception):
    """The wish was not understood or names what is not there; nothing was changed."""


def grant(world: World, payload: bytes) -> None:
    """Do what is wished, or NotGranted."""
    try:
        wish = msgspec.json.decode(payload, type=Wish)
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotGranted(str(error)) from error
    _check(world, wish)
    house = world.built.house
    if wish.extra_w is not None:
        given = wish.extra_w
        house.extra_w = added(house.extra_w, given)
        _undo(world, wish.for_s, lambda: _take_back(world, given))
    for inverter in house.inverters.values():
        if wish.trip_s is not None:
            inverter.trip(wish.trip_s)
        if wish.soc_percent is not None and inverter.storage is not None:
            inverter.storage.soc_percent = min(max(wish.soc_percent, 0.0), 100.0)
    if wish.silent is not None:
        world.server.silent = wish.silent
        _undo(world, wish.for_s, lambda: _speak_again(world))
    if wish.line_faults is not None:
        world.server.line.faults = frozenset(wish.line_faults)
    _chargers(world, wish)
    for load in wish.press:
        thing = house.things[load]
        thing.on = not thing.on


def _check(world: World, wish: Wish) -> None:
    house = world.built.house
    asked = [(name, name in world.links) for name in (*wish.offline, *wish.reboot, *wish.faults)]
    asked += [(name, name in house.sockets) for name in (*wish.plug, *wish.unplug)]
    asked += [(name, name in house.things) for name in wish.press]
    unknown = [name for name, known in asked if not known]
    if unknown:
        raise NotGranted(f"there is no {unknown[0]!r}")


def _chargers(world: World, wish: Wish) -> None:
    for charger in wish.offline:
        world.links[charger].drop(wish.for_s or 0.0)
    for charger in wish.reboot:
        world.links[charger].station.reboot("PowerLoss")
    for charger, faults in wish.faults.items():
        station = world.links[charger].station
        station.spec = replace(station.spec, faults=frozenset(faults))
        station.profiles.faults = station.spec.faults
    for load in wish.unplug:
        socket = world.built.house.sockets[load]
        if socket.car is not None:
            world.parked[load], socket.car = socket.car, None
    for load in wish.plug:
        _plug_in(world, load)


def _plug_in(world: World, load: str) -> None:
    socket = world.built.house.sockets[load]
    car: Car | None = world.parked.get(load)
    if socket.car is None and car is not None:
        car.replug()
        socket.car = car


def _undo(world: World, after_s: float | None, undo: Callable[[], None]) -> None:
    if after_s is not None:
        world.later.append((world.built.house.elapsed_s + after_s, undo))


def _take_back(world: World, given: Phases) -> None:
    world.built.house.extra_w = less(world.built.house.extra_w, given)


def _speak_again(world: World) -> None:
    world.server.silent = False
