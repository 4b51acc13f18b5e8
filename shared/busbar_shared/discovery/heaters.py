"""What the heat service shows."""

from collections.abc import Iterator

from busbar_contracts.load import HeatMode, HeatState
from busbar_shared.config.loads import HeaterConfig
from busbar_shared.config.root import Site
from busbar_shared.discovery.entity import Device, Entity, Setting, Sight, Source
from busbar_shared.discovery.kinds import choice, energy, power, remark, temperature, whole, yes_no
from busbar_shared.discovery.pages import id_of, page
from busbar_shared.discovery.words import SG_STATES, name_of


def heaters(site: Site) -> tuple[Device, ...]:
    """Every heater."""
    return tuple(
        Device(
            id=id_of(site, "heater", name),
            page=page(site, "heater", name, "Heater"),
            sources={"state": Source(kind=HeatState, ids={"heater": name})},
            entities=tuple(_entities(name, heater)),
            needs=("state",),
            link=("state", "link"),
        )
        for name, heater in site.heaters.items()
    )


def _entities(name: str, heater: HeaterConfig) -> Iterator[Entity]:
    yield yes_no("on", "on", name=None, device_class="running")
    if heater.kind != "sg_ready":
        yield temperature("temperature", "temperature_c", measured=True)
        yield temperature("target", "target_c")
        yield temperature("storage_target", "storage_c")
    else:
        yield sg_state(name)
    yield power("power", "power_w", sampled="power_at")
    yield energy("energy", "energy_wh")
    yield yes_no("comfort_demand", "comfort_demand", icon="mdi:radiator")
    yield choice("order", "order", HeatMode)
    yield yes_no(
        "problem", work=_has_problem, device_class="problem", category="diagnostic",
        attributes=whole("state", "problem"),
    )  # fmt: skip
    yield remark("last_refusal", "last_refusal")


def sg_state(name: str) -> Entity:
    """The SG Ready state in force; by hand another can be set, until it is automatic again."""
    words = {shown: None if state == "0" else int(state) for state, shown in SG_STATES.items()}
    return Entity(
        key="sg_state",
        platform="select",
        name=name_of("sg_state"),
        path="sg_state",
        into=lambda state: SG_STATES.get(str(state)),
        options=tuple(SG_STATES.values()),
        setting=Setting(address=f"hems/heat/{name}/manual/set", field="sg_state", words=words),
        icon="mdi:heat-pump",
        at_once=True,
    )


def _has_problem(seen: Sight) -> bool | None:
    return None if seen.get("state") is None else bool(seen.get("state", "problem"))
