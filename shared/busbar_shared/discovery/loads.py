"""What the allocator shows of each load: what the owner wants of it, what it gets, and why."""

from collections.abc import Iterator, Sequence
from typing import Any

from busbar_contracts.allocation import Allocation, LoadGrant
from busbar_contracts.load import LoadMode, LoadSettings
from busbar_shared.config.root import Site
from busbar_shared.config.wiring import EVSE_MODES, HEAT_MODES, PLUG_MODES, Connector, connectors
from busbar_shared.discovery.entity import Device, Entity, Page, Range, Setting, Sight, Source
from busbar_shared.discovery.kinds import button, current, number, power, remark, select, short, switch, text
from busbar_shared.discovery.pages import id_of, page
from busbar_shared.discovery.words import MODES, Words

ALLOCATION_STALE_S = 30.0
"""It is said each 10 s; the third that is missing makes it old."""

ALONE = Words(None)
PRIORITIES = Range(1, 10, 1)
HEAT_PARTS = ("/storage", "/comfort")
"""A heater is two loads of the allocator's: what it may store, and what keeps it warm."""


def loads(site: Site) -> tuple[Device, ...]:
    """The settings and the grant of every load, on the page of its device."""
    return (*_connectors(site), *_plugs(site), *_heaters(site))


def _connectors(site: Site) -> Iterator[Device]:
    for one in connectors(site):
        several = len(site.chargers[one.charger].all_connectors()) > 1
        words = Words(one.connector if several else None)
        yield _device(
            site,
            one.load,
            charger_page(site, one.charger),
            (
                *_wishes(one.load, EVSE_MODES, words),
                *_currents(one, words),
                *_car_wishes(one.load, words),
                *_grant(words),
                *_detection(one.load, words),
            ),
            ("grant",),
        )


def _plugs(site: Site) -> Iterator[Device]:
    hands = hands_of_heaters(site)
    for name in site.plugs:
        if name not in hands:
            entities = (
                *_wishes(name, PLUG_MODES, ALONE),
                *_grant(ALONE, in_watts=True),
                *_detection(name, ALONE),
            )
            yield _device(site, name, page(site, "plug", name, "Plug"), entities, ("grant",))


def _heaters(site: Site) -> Iterator[Device]:
    for name in site.heaters:
        entities = (
            *_wishes(name, HEAT_MODES, ALONE),
            *_grant(ALONE, in_watts=True),
            *_detection(name, ALONE),
        )
        yield _device(site, name, page(site, "heater", name, "Heater"), entities, ("storage", "comfort"))


def charger_page(site: Site, charger: str) -> Page:
    """The page of a charger with all its connectors."""
    return page(site, "charger", charger, "Charger")


def hands_of_heaters(site: Site) -> frozenset[str]:
    """Plugs that only switch a heater: the heater is the load."""
    named = [heater.plug for heater in site.heaters.values()]
    named += [heater.topics.get(key) for heater in site.heaters.values() for key in ("plug_a", "plug_b")]
    return frozenset(name for name in named if isinstance(name, str))


def _device(
    site: Site, load: str, where: Page, entities: tuple[Entity, ...], grants: Sequence[str]
) -> Device:
    parts = {"grant": load, "storage": load + HEAT_PARTS[0], "comfort": load + HEAT_PARTS[1]}
    sources = {
        name: Source(kind=Allocation, part=("loads", parts[name]), stale_s=ALLOCATION_STALE_S)
        for name in grants
    }
    return Device(
        id=id_of(site, "load", load),
        page=where,
        sources={"settings": Source(kind=LoadSettings, ids={"load": load}), **sources},
        entities=entities,
        needs=("settings",),
    )


def _wishes(load: str, modes: Sequence[LoadMode], words: Words) -> tuple[Entity, ...]:
    address = f"hems/load/{load}/settings/set"
    has = {mode.value: MODES[mode.value] for mode in modes}
    return (
        select(
            "mode", "mode", has, address, "mode", source="settings", name=words("mode"), icon="mdi:ev-station"
        ),
        number(
            "priority",
            "priority",
            PRIORITIES,
            Setting(address=address, field="priority", whole=True),
            source="settings",
            name=words("priority"),
            icon="mdi:sort-numeric-ascending",
        ),
        switch(
            "enabled",
            "enabled",
            address,
            "enabled",
            source="settings",
            name=words("enabled"),
            category="config",
            icon="mdi:power",
        ),
        remark("setting_refusal", "refused", source="settings", name=words("setting_refusal")),
    )


def _currents(one: Connector, words: Words) -> tuple[Entity, ...]:
    if one.min_a >= one.max_a:
        return ()
    address, step = f"hems/load/{one.load}/settings/set", max(one.step_a, 0.1)
    return tuple(
        number(
            key,
            field,
            Range(one.min_a, one.max_a, step),
            Setting(address=address, field=field),
            source="settings",
            name=words(key),
            device_class="current",
            unit="A",
        )
        for key, field in (("min_current", "min_a"), ("max_current", "max_a"))
    )


def _car_wishes(load: str, words: Words) -> tuple[Entity, ...]:
    address = f"hems/load/{load}/settings/set"
    return (
        switch(
            "boost",
            "boost",
            address,
            "boost",
            source="settings",
            name=words("boost"),
            icon="mdi:rocket-launch",
        ),
        number(
            "session_limit",
            "",
            Range(0, 200, 1),
            Setting(address=address, field="session_limit_wh", factor=1000, zero_is_none=True),
            work=_none_is_zero("session_limit_wh", 1000),
            name=words("session_limit"),
            device_class="energy",
            unit="kWh",
        ),
        number(
            "charge_limit",
            "",
            Range(0, 100, 1),
            Setting(address=address, field="soc_limit_percent", zero_is_none=True),
            work=_none_is_zero("soc_limit_percent", 1),
            name=words("charge_limit"),
            unit="%",
            icon="mdi:battery-charging-80",
        ),
    )


def _none_is_zero(field: str, per: float) -> Any:
    """0 stands for no limit, because a number of Home Assistant cannot be emptied by hand."""

    def shown(seen: Sight) -> float | None:
        if seen.get("settings") is None:
            return None
        value = seen.get("settings", field)
        return 0.0 if value is None else value / per

    return shown


def _grant(words: Words, *, in_watts: bool = False) -> tuple[Entity, ...]:
    limit = (
        power(
            "limit",
            name=words("limit"),
            work=lambda seen: _of_grant(seen, "limit_w"),
            at_once=True,
            icon="mdi:speedometer",
        )
        if in_watts
        else current(
            "limit",
            name=words("limit"),
            work=lambda seen: _of_grant(seen, "limit_a"),
            at_once=True,
            icon="mdi:speedometer",
        )
    )
    return (
        limit,
        current(
            "available_current",
            name=words("available_current"),
            work=lambda seen: _of_grant(seen, "available_a"),
        ),
        text(
            "reason",
            name=words("reason"),
            icon="mdi:comment-question-outline",
            work=lambda seen: short(found) if (found := _of_grant(seen, "reason")) is not None else None,
            attributes=_explained,
        ),
    )


def _explained(seen: Sight) -> dict[str, Any]:
    return {
        "text": _of_grant(seen, "reason") or "",
        "binding": _of_grant(seen, "binding"),
        "target_a": _of_grant(seen, "target_a"),
    }


def _of_grant(seen: Sight, field: str) -> Any:
    grant = _grant_of(seen)
    return None if grant is None else getattr(grant, field)


def _grant_of(seen: Sight) -> LoadGrant | None:
    """The grant; of a heater the one for storing while there is one, else the one that keeps it warm."""
    storage: LoadGrant | None = seen.get("storage")
    if storage is not None and storage.limit_a > 0:
        return storage
    found: LoadGrant | None = seen.get("grant") or seen.get("comfort") or storage
    return found


def _detection(load: str, words: Words) -> tuple[Entity, ...]:
    return (
        button(
            "apply_phases",
            f"hems/load/{load}/settings/set",
            '{"apply_detection": true}',
            name=words("apply_phases"),
            icon="mdi:check-network",
            category="diagnostic",
        ),
        text(
            "detected_phases",
            name=words("detected_phases"),
            category="diagnostic",
            icon="mdi:transmission-tower",
            work=_detected,
            attributes=lambda seen: {
                "confidence": _of_detection(seen, "confidence"),
                "applied": _of_detection(seen, "applied"),
                "advice": _of_detection(seen, "advice") or "",
            },
        ),
    )


def _detected(seen: Sight) -> str | None:
    legs = _of_detection(seen, "legs")
    return None if legs is None else "-".join(legs).upper()


def _of_detection(seen: Sight, field: str) -> Any:
    """A fact of what was detected; both parts of a heater say the same of their wires."""
    detection = getattr(_grant_of(seen), "detection", None)
    return getattr(detection, field, None)
