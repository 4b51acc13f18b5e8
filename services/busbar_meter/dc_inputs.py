"""The DC inputs of an inverter: which are modules and which are the battery (models 160 and 714)."""

from collections.abc import Mapping

from busbar_meter.block import Block, Repetition

# What a battery that is there says of itself. A model full of blanks is none (SMA Sunny Boy, model 124).
EVIDENCE = {124: ("WChaMax", "ChaState"), 713: ("WHRtg", "SoC"), 802: ("WHRtg", "SoC")}
# Model 714 Prt.PrtTyp
PORT_PV, PORT_ESS = 0, 1


def storage_there(blocks: Mapping[int, Block]) -> bool:
    """Whether a battery hangs on the device, by what its models really say."""
    return any(
        blocks[number].number(point)
        for number, points in EVIDENCE.items()
        if number in blocks
        for point in points
    )


def input_name(module: Repetition) -> str:
    """The name of an input as compared: stripped and without case."""
    return (module.text("IDStr") or "").strip().casefold()


def battery_side(name: str, battery_inputs: tuple[str, ...] = ()) -> str | None:
    """Whether an input of model 160 is the battery: "discharge", "charge", "both", or None for modules.

    Fronius hybrids carry the battery as two unsigned inputs, "StCha 3" and "StDisCha 4" (Fronius
    GEN24 register map).
    """
    if "stdischa" in name:
        return "discharge"
    if "stcha" in name:
        return "charge"
    return "both" if name in battery_inputs else None


def solar_power(blocks: Mapping[int, Block], battery_inputs: tuple[str, ...] = ()) -> float | None:
    """DC watts of all module inputs; None when no input tells."""
    known: list[float] = []
    if 160 in blocks:
        for module in blocks[160].repetitions():
            watts = module.number("DCW")
            if watts is not None and battery_side(input_name(module), battery_inputs) is None:
                known.append(watts)
    elif 714 in blocks:
        for port in blocks[714].repetitions():
            watts = port.number("DCW")
            if watts is not None and port.whole("PrtTyp") == PORT_PV:
                known.append(abs(watts))
    return sum(known) if known else None


def battery_power_160(block: Block, *, online: bool) -> float | None:
    """Charging minus discharging of the storage inputs; None when the device has none or is silent.

    A storage input that is not implemented counts as zero only while the battery says it is online:
    Fronius blanks the side that rests.
    """
    sides: dict[str, list[float | None]] = {"charge": [], "discharge": []}
    for module in block.repetitions():
        side = battery_side(input_name(module))
        if side in sides:
            sides[side].append(module.number("DCW"))
    values = [*sides["charge"], *sides["discharge"]]
    if not values or (None in values and not online):
        return None
    return sum(value or 0.0 for value in sides["charge"]) - sum(value or 0.0 for value in sides["discharge"])


def battery_power_714(block: Block, sign: int) -> float | None:
    """Power of the storage ports of model 714, charging positive.

    `sign` +1 when the device counts charging as positive; the model does not say (its energies are
    named "injected" and "absorbed" as seen from the device).
    """
    known = [
        watts
        for port in block.repetitions()
        if port.whole("PrtTyp") == PORT_ESS and (watts := port.number("DCW")) is not None
    ]
    return sum(known) * sign if known else None
