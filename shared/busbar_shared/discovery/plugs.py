"""What the plug service shows."""

from busbar_contracts.load import PlugState
from busbar_shared.config.root import Site
from busbar_shared.discovery.entity import Device, Source
from busbar_shared.discovery.kinds import energy, power, remark, switch, yes_no
from busbar_shared.discovery.pages import id_of, page


def plugs(site: Site) -> tuple[Device, ...]:
    """Every plug; its switch is the owner's hand, which is respected for a while."""
    return tuple(
        Device(
            id=id_of(site, "plug", name),
            page=page(site, "plug", name, "Plug"),
            sources={"state": Source(kind=PlugState, ids={"plug": name})},
            entities=(
                switch(
                    "switch",
                    "on",
                    f"hems/plug/{name}/manual/set",
                    "on",
                    name=None,
                    icon="mdi:power-socket-eu",
                ),
                power("power", "power_w", sampled="sampled_at"),
                energy("energy", "energy_wh"),
                power("learned_power", "learned_w", measured=False, category="diagnostic"),
                yes_no("idle", "idle", icon="mdi:check-circle-outline"),
                yes_no("manual", "manual", icon="mdi:hand-back-right-outline", category="diagnostic"),
                remark("last_refusal", "last_refusal"),
            ),
            needs=("state",),
            link=("state", "link"),
        )
        for name in site.plugs
    )
