"""What the OCPP service shows: each charger with its connectors."""

from collections.abc import Callable, Iterator
from typing import Any

from busbar_contracts.charger import ChargerState, ConnectorStatus, LeaseQuality
from busbar_shared.config.root import Site
from busbar_shared.config.wiring import Connector, connectors
from busbar_shared.discovery.entity import Device, Entity, Sight, Source
from busbar_shared.discovery.kinds import (
    button,
    choice,
    current,
    energy,
    event,
    money,
    percent,
    power,
    remark,
    text,
    yes_no,
)
from busbar_shared.discovery.loads import charger_page
from busbar_shared.discovery.pages import id_of
from busbar_shared.discovery.words import Words

NO_CAR = (ConnectorStatus.AVAILABLE, ConnectorStatus.RESERVED, ConnectorStatus.UNAVAILABLE)
HAPPENS = ("car_connected", "car_disconnected", "disobedient", "obeys_again")
BUTTONS = {
    "start": ("start", "mdi:play"),
    "stop": ("stop", "mdi:stop"),
    "unlock": ("unlock", "mdi:lock-open-variant"),
}


def chargers(site: Site) -> tuple[Device, ...]:
    """Every connector, on the page of its charger."""
    return tuple(_connectors(site))


def _connectors(site: Site) -> Iterator[Device]:
    for one in connectors(site):
        several = len(site.chargers[one.charger].all_connectors()) > 1
        ids = {"charger": one.charger, "connector": one.connector}
        yield Device(
            id=id_of(site, "charger", one.load),
            page=charger_page(site, one.charger),
            sources={"state": Source(kind=ChargerState, ids=ids)},
            entities=tuple(_entities(one, Words(one.connector if several else None), _currency(site))),
            needs=("state",),
            link=("state", "link"),
            happenings={"happened": happened},
        )


def _currency(site: Site) -> str | None:
    """Of the prices by which sessions are reckoned; None where there are none."""
    series = site.prices.series.get("import") if site.prices is not None else None
    return series.currency if series is not None else None


def _entities(one: Connector, words: Words, currency: str | None) -> Iterator[Entity]:
    measured: dict[str, Any] = {"sampled": "sampled_at"}
    yield choice("status", "status", ConnectorStatus, name=words.main("status"), icon="mdi:ev-plug-type2")
    yield yes_no("car", work=_car, name=words("car"), device_class="plug")
    yield power("power", "power_w", name=words("power"), **measured)
    for leg in range(1, len(one.legs) + 1):
        key = f"current_l{leg}"
        yield current(key, f"l{leg}.current_a", name=words(key), **measured)
    yield energy("energy", "energy_wh", name=words("energy"))
    yield energy("session_energy", "session.energy_wh", name=words("session_energy"))
    if currency is not None:
        yield money("session_cost", work=_cost(currency), unit=currency, name=words("session_cost"))
    yield percent("car_charge", "soc_percent", name=words("car_charge"), **measured)
    yield current(
        "told", "limit.limit_a", name=words("told"), category="diagnostic", measured=False, at_once=True,
        attributes=_told,
    )  # fmt: skip
    yield text("told_by", "limit.issuer", name=words("told_by"), category="diagnostic")
    yield choice("lease", "lease", LeaseQuality, name=words("lease"), category="diagnostic")
    yield yes_no(
        "disobedient", "disobedient", name=words("disobedient"), device_class="problem", category="diagnostic"
    )
    yield current("fallback", "fallback_a", name=words("fallback"), category="diagnostic", measured=False)
    yield text("firmware", "firmware", name=words("firmware"), category="diagnostic", icon="mdi:chip",
               attributes=_identity)  # fmt: skip
    yield remark("last_refusal", "last_refusal", name=words("last_refusal"))
    yield remark("last_answer", "last_answer", name=words("last_answer"))
    yield event("happened", HAPPENS, name=words("happened"), icon="mdi:ev-station")
    address = f"hems/charger/{one.charger}/{one.connector}/command/set"
    for key, (action, icon) in BUTTONS.items():
        yield button(key, address, f'{{"action": "{action}"}}', name=words(key), icon=icon)
    yield button(
        "reset",
        address,
        '{"action": "reset"}',
        name=words("reset"),
        device_class="restart",
        category="config",
    )


def _cost(currency: str) -> Callable[[Sight], float | None]:
    """What the session cost so far; unknown where it was reckoned in another currency than is shown."""

    def of(seen: Sight) -> float | None:
        cost: float | None = seen.get("state", "session.cost")
        return cost if seen.get("state", "session.currency") == currency else None

    return of


def _car(seen: Sight) -> bool | None:
    """Whether a car is plugged in; a faulted connector does not tell."""
    status = seen.get("state", "status")
    if seen.get("state", "session") is not None:
        return True
    if status in (None, ConnectorStatus.FAULTED, ConnectorStatus.UNKNOWN):
        return None
    return status not in NO_CAR


def _told(seen: Sight) -> dict[str, Any]:
    until = seen.get("state", "limit.until")
    return {
        "reason": seen.get("state", "limit.reason") or "",
        "confirmed": seen.get("state", "limit.confirmed"),
        "until": None if until is None else until.isoformat(),
    }


def _identity(seen: Sight) -> dict[str, Any]:
    return {
        "vendor": seen.get("state", "vendor"),
        "model": seen.get("state", "model"),
        "ocpp": seen.get("state", "ocpp_version"),
        "quirks": list(seen.get("state", "quirks") or ()),
    }


def happened(before: Sight | None, now: Sight) -> tuple[str, str] | None:
    """A car comes or goes, or the charger begins or ends to draw more than it may."""
    if before is None:
        return None
    was, is_now = (bool(one.get("state", "disobedient")) for one in (before, now))
    if was != is_now:
        return (
            ("disobedient", "draws more than its limit")
            if is_now
            else ("obeys_again", "keeps its limit again")
        )
    had, has = _car(before), _car(now)
    if had is None or has is None or had == has:
        return None
    return ("car_connected", "a car was plugged in") if has else ("car_disconnected", "the car was unplugged")
