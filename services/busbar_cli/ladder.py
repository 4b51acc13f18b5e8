"""The table of the safety ladder with a site's own figures (docs/safety.md argues it)."""

from msgspec import Struct

from busbar_shared.config.root import Site

DEAD_TIME_MOST_S = 60.0


class Rung(Struct, frozen=True):
    """What happens when one part dies."""

    what: str
    who: str
    within: str
    within_s: float | None


def ladder(site: Site) -> list[Rung]:
    """Every rung that this site has, with its own times."""
    rows = [_meter(site), _lease(site)]
    if site.ocpp is not None:
        validity_s = site.ocpp.profile_validity_s
        rows.append(
            Rung(
                "OCPP service, or the link of a charger",
                "the charger, by the profile inside it",
                f"{validity_s:g} + 10 s",
                validity_s + 10,
            )
        )
    for name, plug in site.plugs.items():
        timed = (
            plug.driver == "shelly"
            or (plug.driver == "zigbee2mqtt" and plug.on_time_proven)
            or (plug.driver == "tasmota" and plug.use_pulse_time)
        )
        timed = timed and plug.safe_state == "off"
        within_s = plug.device_lease_s if timed else 10.0
        who = "the plug's own timer" if timed else "the restart by the supervisor"
        rows.append(Rung(f"plug service ({name})", who, f"{within_s:g} s", within_s))
    for name, inverter in site.inverters.items():
        if inverter.writable:
            rows.append(
                Rung(
                    f"meter service with orders out ({name})",
                    "the inverter",
                    f"{inverter.revert_s:g} s",
                    inverter.revert_s,
                )
            )
    for name, battery in site.batteries.items():
        if battery.writable:
            rows.append(
                Rung(
                    f"meter service with orders out ({name})",
                    "the battery",
                    f"{battery.revert_s:g} s",
                    battery.revert_s,
                )
            )
    return rows


def _meter(site: Site) -> Rung:
    period_s = site.meters[site.grid_meter()].every_s if site.circuits else 1.0
    lost_s = max(site.site.meter_lost_after_s, 6 * period_s)
    return Rung(
        "grid meter",
        "allocator",
        f"{lost_s:g} + 1 s + dead time of the load (at most {DEAD_TIME_MOST_S:g} s)",
        lost_s + 1,
    )


def _lease(site: Site) -> Rung:
    lease_s = site.site.lease_s
    return Rung(
        "allocator, or broker",
        "each actuator service",
        f"{lease_s:g} + 1 s + dead time of the load (at most {DEAD_TIME_MOST_S:g} s)",
        lease_s + 1,
    )
