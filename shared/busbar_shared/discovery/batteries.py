"""What the battery service shows: what the owner wants of each battery, and what was decided.

Where no battery service is configured the allocator keeps the settings, and shows them.
"""

from collections.abc import Iterator

from busbar_contracts.battery import BatteryDecision, BatterySettings
from busbar_shared.config.root import Site
from busbar_shared.discovery.entity import Device, Range, Setting, Source
from busbar_shared.discovery.kinds import choice, number, power, remark, select, switch, text, whole, yes_no
from busbar_shared.discovery.pages import id_of, page, site_page
from busbar_shared.discovery.words import BATTERY_MODES

WHOLE = Range(0, 100, 1)
DECISION_STALE_S = 60.0


def battery_settings(site: Site) -> Iterator[Device]:
    """What may be set of each battery, on its page."""
    for name in site.batteries:
        address = f"hems/battery/{name}/settings/set"
        yield Device(
            id=id_of(site, "battery-settings", name),
            page=page(site, "battery", name, "Battery"),
            sources={"settings": Source(kind=BatterySettings, ids={"battery": name})},
            entities=(
                *(
                    number(
                        key,
                        f"{key}_percent",
                        WHOLE,
                        Setting(address=address, field=f"{key}_percent"),
                        source="settings",
                        unit="%",
                        icon="mdi:battery-sync",
                    )
                    for key in ("soc_min", "soc_target", "soc_max")
                ),
                select("priority_mode", "mode", BATTERY_MODES, address, "mode", source="settings"),
                switch(
                    "grid_charging",
                    "grid_charging",
                    address,
                    "grid_charging",
                    source="settings",
                    category="config",
                    icon="mdi:transmission-tower-export",
                ),
                remark("setting_refusal", "refused", source="settings"),
            ),
            needs=("settings",),
        )


def battery_flow(site: Site) -> tuple[Device, ...]:
    """The settings of every battery, and the decision on the page of the site."""
    decision = Device(
        id=id_of(site, "battery-flow"),
        page=site_page(site),
        sources={"state": Source(kind=BatteryDecision, stale_s=DECISION_STALE_S)},
        entities=(
            power("wanted_battery_power", "battery_w"),
            text("flow_reason", "reason", icon="mdi:comment-question-outline",
                 attributes=whole("state", "reason")),
            choice("flow_control", "control", ("apply", "release"), category="diagnostic"),
            yes_no("dry_run", "dry_run", category="diagnostic"),
            power("solar_limit", "solar_limit_w", measured=False, at_once=True),
            power("expected_export", "export_w", category="diagnostic"),
            power("expected_import", "import_w", category="diagnostic"),
        ),
        needs=("state",),
    )  # fmt: skip
    return (decision, *battery_settings(site))
