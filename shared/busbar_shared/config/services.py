"""[battery_flow], [chargeamps], [prices], [simulator], [log]: what single services must be told."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from busbar_contracts.battery import PriorityMode
from busbar_contracts.units import PositiveWatts, Seconds
from busbar_shared.config.site import Phase


class BatteryFlowSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The battery service."""

    dry_run: Annotated[bool, Meta(description="Observe and explain only.")] = True
    mode: Annotated[PriorityMode, Meta(description="Who gets the surplus first.")] = "battery_first"
    export_limit_w: Annotated[
        PositiveWatts | None, Meta(description="Most export; 0: none at all; null: not limited.")
    ] = None
    generation_limit_w: Annotated[
        PositiveWatts | None, Meta(description="Most generation; null: not limited.")
    ] = None
    import_limit_w: Annotated[
        PositiveWatts | None, Meta(description="Peak shaving: most import; null: not limited.")
    ] = None
    zero_export_below_price: Annotated[
        float | None, Meta(description="No export while the export price is below this; null: never.")
    ] = None
    grid_charging: Annotated[bool, Meta(description="The battery may be charged from the grid.")] = False
    grid_charging_max_w: Annotated[PositiveWatts | None, Meta(description="Most grid power into it.")] = None
    grid_charging_below_price: Annotated[
        float | None, Meta(description="Only while the import price is at most this.")
    ] = None
    grid_charging_windows: Annotated[
        tuple[
            Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$")], ...
        ],
        Meta(description="Only inside these local times, for example 01:00-05:00."),
    ] = ()
    import_target_w: Annotated[
        PositiveWatts | None, Meta(description="Import wanted while charging from the grid.")
    ] = None
    export_target_w: Annotated[PositiveWatts | None, Meta(description="Export wanted.")] = None
    deadband_w: Annotated[PositiveWatts, Meta(description="Smaller orders are not given.")] = 50.0
    ramp_w_per_s: Annotated[PositiveWatts, Meta(description="Fastest change ordered.")] = 1000.0
    zero_dwell_s: Annotated[Seconds, Meta(description="Pause at zero when the direction turns.")] = 5.0
    permissive_soc: Annotated[
        bool, Meta(description="Discharge although the state of charge is unknown.")
    ] = False
    limits_mandatory: Annotated[
        bool,
        Meta(
            description="Law or contract demands the export and generation limit: they stand when Busbar dies."
        ),
    ] = True
    exact_setpoints: Annotated[
        tuple[str, ...],
        Meta(
            description="Batteries without a control loop of their own; they get an exact power, never a window."
        ),
    ] = ()
    cap_rise_percent_per_s: Annotated[
        float, Meta(gt=0, le=100, description="Fastest rise of an inverter's cap, of its rating.")
    ] = 5.0


class ChargeAmpsConnector(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One connector of a Charge Amps charger."""

    charge_point: Annotated[str, Meta(description="Its serial id in the cloud.")]
    circuit: Annotated[str | None, Meta(description="Circuit it hangs on; null: the root.")] = None
    legs: Annotated[
        tuple[Phase, ...], Meta(min_length=1, max_length=3, description="Site phase of each leg.")
    ] = ("a", "b", "c")
    max_current_a: Annotated[float, Meta(ge=6, le=32, description="Most current per phase.")] = 16.0
    connector: Annotated[
        Annotated[int, Meta(ge=1, le=99)] | None,
        Meta(description="The charge point's own number of it; null: the name of this table."),
    ] = None
    alias: Annotated[
        Annotated[str, Meta(pattern="^[a-z][a-z0-9_-]{0,30}$")] | None,
        Meta(
            description="Its topics are under <topic_root>/<alias>, for charge points whose numbers collide."
        ),
    ] = None


class ChargeAmpsSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The Charge Amps scheduler."""

    operation_mode: Annotated[Literal["standalone", "hems"], Meta(description="Who plans.")] = "standalone"
    price_threshold: Annotated[float, Meta(description="Slots above this price are left out.")] = 0.25
    top_x_charge_count: Annotated[
        int, Meta(ge=1, le=1000, description="Unique price levels per local day.")
    ] = 16
    api: Annotated[Literal["web", "eapi"], Meta(description="Which cloud surface.")] = "web"
    base_url: Annotated[str | None, Meta(description="Of the cloud; null: the vendor's.")] = None
    email: Annotated[
        str | None,
        Meta(description="Environment variable that holds the e-mail, or of which NAME_FILE names a file."),
    ] = "CHARGEAMPS_EMAIL"
    password: Annotated[
        str | None,
        Meta(description="Environment variable that holds the password, or of which NAME_FILE names a file."),
    ] = "CHARGEAMPS_PASSWORD"
    api_key: Annotated[str | None, Meta(description="Environment variable that holds the API key.")] = (
        "CHARGEAMPS_API_KEY"
    )
    connectors: Annotated[dict[str, ChargeAmpsConnector], Meta(description="By connector number.")] = {}
    topic_root: Annotated[str | None, Meta(description="Root of its topics; null: <root>/charge-amps.")] = (
        None
    )
    price_series: Annotated[str, Meta(description="Series of hems/prices it plans on.")] = "import"
    hems_timeout_action: Annotated[
        Literal["none", "standalone"], Meta(description="What happens when the HEMS is silent.")
    ] = "none"
    hems_stale_after_s: Annotated[Seconds, Meta(description="When the HEMS counts as silent.")] = 86_400.0
    hems_idle: Annotated[
        Literal["hold", "release"], Meta(description="Without a schedule: no charging, or free charging.")
    ] = "hold"
    naive_timestamps: Annotated[
        Literal["reject", "local"], Meta(description="What times without offset mean.")
    ] = "reject"
    poll_idle_s: Annotated[Seconds, Meta(description="Between two looks at the cloud.")] = 60.0
    poll_charging_s: Annotated[Seconds, Meta(description="The same while charging.")] = 30.0
    publisher: Annotated[
        Literal["none", "allocator"], Meta(description="Send windows from cheap slots over the contract.")
    ] = "none"
    automation_enabled: Annotated[
        bool, Meta(description="Standalone: plan by prices; false gives the charger back to its owner.")
    ] = True
    price_topic: Annotated[
        str | None,
        Meta(
            description="A further topic with prices: the neutral form, or a bare list of {start, end, price}."
        ),
    ] = None
    week_counting: Annotated[
        Literal["elapsed", "wall"],
        Meta(description="How the cloud counts seconds of the week; differs only when the clock changes."),
    ] = "elapsed"
    restore_foreign_schedule: Annotated[
        bool, Meta(description="Put the owner's own schedule back when the charger is given back.")
    ] = True


class PriceSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One source of prices."""

    kind: Annotated[
        Literal["nordpool", "entsoe", "tibber", "octopus", "energidataservice", "file", "mqtt"],
        Meta(description="Where they come from."),
    ]
    area: Annotated[str | None, Meta(description="Price area of the source.")] = None
    currency: Annotated[str, Meta(min_length=3, max_length=3, description="ISO 4217.")] = "EUR"
    file: Annotated[str | None, Meta(description="For kind file: CSV or JSON.")] = None
    topic: Annotated[str | None, Meta(description="For kind mqtt: a list of {start, end, price}.")] = None
    token: Annotated[str | None, Meta(description="Environment variable that holds the token.")] = None
    vat_percent: Annotated[float, Meta(ge=0, le=100, description="Value added tax on top.")] = 0.0
    fixed_per_kwh: Annotated[float, Meta(description="Added per kWh after tax.")] = 0.0
    per_hour: Annotated[
        dict[str, float], Meta(description="Added per kWh by local hours, for example 06-22 = 0.05.")
    ] = {}
    options: Annotated[
        dict[str, Any], Meta(description="What else the source needs; see docs/prices.md.")
    ] = {}


class PricesSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The price service."""

    series: Annotated[
        dict[str, PriceSource], Meta(description="By the name of the series: import, export, ...")
    ] = {}
    every_s: Annotated[Seconds, Meta(description="Between two looks at a source.")] = 900.0


class SimulatorSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The simulated house."""

    seed: Annotated[int, Meta(description="Same seed, same day.")] = 1
    speed: Annotated[
        float,
        Meta(gt=0, le=3600, description="How fast the calendar runs: sun, house and charge; not the wires."),
    ] = 60.0
    start: Annotated[str, Meta(description="Local time at which the day begins, HH:MM.")] = "10:30"
    day_csv: Annotated[
        str | None, Meta(description="A recorded day instead of the generator; see docs/simulator.md.")
    ] = None
    modbus_port: Annotated[
        int, Meta(ge=0, le=65535, description="Of the inverter and meter; 0: any free one.")
    ] = 15020
    house: Annotated[dict[str, Any], Meta(description="House load; see docs/simulator.md.")] = {}
    sun: Annotated[dict[str, Any], Meta(description="Sun; see docs/simulator.md.")] = {}
    battery: Annotated[dict[str, Any], Meta(description="Hybrid battery; see docs/simulator.md.")] = {}
    cars: Annotated[
        dict[str, dict[str, Any]],
        Meta(description="By charger: the car that is plugged in; see docs/simulator.md."),
    ] = {}
    plugs: Annotated[
        dict[str, dict[str, Any]], Meta(description="By plug: the simulated device; see docs/simulator.md.")
    ] = {}
    heaters: Annotated[
        dict[str, dict[str, Any]], Meta(description="By heater: the simulated device; see docs/simulator.md.")
    ] = {}
    chargeamps: Annotated[
        dict[str, Any], Meta(description="The simulated Charge Amps cloud; see docs/charge-amps.md.")
    ] = {}
    ocpp_url: Annotated[
        str | None, Meta(description="Where its charge points connect; null: the site's own OCPP service.")
    ] = None


class LogSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is written to the log."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Least level that is written.")
    ] = "info"
    json: Annotated[bool, Meta(description="One JSON object a line instead of text.")] = False
