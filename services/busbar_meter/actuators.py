"""The thin shell around the write planners: read the block, ask what to write, write it, remember."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from busbar_contracts.meter import Control
from busbar_meter.answers import ILLEGAL_FUNCTION, DeviceRefused, DeviceSilent, Wire
from busbar_meter.block import Block
from busbar_meter.control import Standing
from busbar_meter.inverter_limit import limit_aim, limit_model, reference_w
from busbar_meter.keeper import Keeper, Step
from busbar_meter.map_control import BatteryControl, ControlRead, control_aim, value_at
from busbar_meter.orders import LimitKept, LimitOrders, WindowKept, WindowOrders
from busbar_meter.quirks import Manner
from busbar_meter.storage_window import Most, Window, window_aim
from busbar_meter.sunspec_battery import charge_max, discharge_max
from busbar_meter.unit import PartRead
from busbar_meter.values import Unwritable
from busbar_meter.writes import Aim, NotOffered, carry_out
from busbar_shared.clock import Clock
from busbar_shared.config.devices import BatteryConfig, InverterConfig

OTHER: dict[str, Literal["single", "multiple"]] = {"single": "multiple", "multiple": "single"}


class MapHand(Struct, frozen=True):
    """Where a battery without model 124 is written to, and its control registers as just read."""

    wire: Wire
    unit: int
    control: BatteryControl
    registers: Mapping[int, int]
    allowed: Callable[[], bool]


class Hand(Struct, frozen=True):
    """Where and how one device is written to."""

    wire: Wire
    unit: int
    part: PartRead
    manner: Manner
    # False while an older instance of this service lives.
    allowed: Callable[[], bool]


class LimitActuator:
    """Keeps one inverter at the limit in force."""

    def __init__(self, config: InverterConfig, clock: Clock, remember: Callable[[], None]) -> None:
        self.config = config
        self.orders = LimitOrders(config.fallback_limit_w)
        self.keeper = Keeper()
        self._clock = clock
        self._remember = remember

    async def act(self, hand: Hand, *, leaving: bool = False) -> Standing:
        """Bring the inverter to what is ordered; at the end of the service, to what must stay."""
        hand = _in_the_way_it_wants(hand, self.keeper)
        blocks = hand.part.blocks
        rating = reference_w(blocks, self.config.rating_w)
        wanted = self.orders.wanted(self._clock.monotonic(), rating)
        if leaving:
            wanted = self.orders.left_behind()
        aim = limit_aim(
            blocks,
            wanted,
            rating_w=self.config.rating_w,
            revert_s=self.config.revert_s,
            manner=hand.manner,
            fallback_w=self.config.fallback_limit_w,
        )
        model = limit_model(blocks)
        number = model if isinstance(model, int) else None
        step = await _stepped(hand, number, self.keeper, aim, self._clock, self._remember)
        ours = wanted is not None and step.control in (Control.OURS, Control.CONTENDED, Control.RELEASED)
        return Standing(
            control=step.control,
            limit_w=wanted.watts if wanted is not None and ours else None,
            issuer=wanted.issuer if wanted is not None and ours else None,
            detail=step.detail,
        )

    def kept(self) -> LimitKept:
        """What must outlive a crash."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        return self.orders.kept(now, monotonic, touched=self.keeper.touched)

    def restore(self, kept: LimitKept) -> None:
        """After a restart: what was in force, and whether the device may still carry something of ours."""
        self.keeper.touched = kept.touched
        self.orders.restore(kept, self._clock.now(), self._clock.monotonic())


class WindowActuator:
    """Keeps one battery inside the window in force."""

    def __init__(
        self, config: BatteryConfig, clock: Clock, remember: Callable[[], None], *, supervised: bool
    ) -> None:
        self.config = config
        self.orders = WindowOrders(config.setpoint_issuer)
        self.keeper = Keeper()
        self.original_grid: int | None = None
        self.originals: dict[str, int] = {}
        self._clock = clock
        self._remember = remember
        self._supervised = supervised

    async def act(self, hand: Hand, *, leaving: bool = False) -> Standing:
        """Bring the battery to what is ordered; at the end of the service, back to itself."""
        hand = _in_the_way_it_wants(hand, self.keeper)
        blocks = hand.part.blocks
        if not self.keeper.touched and 124 in blocks:
            self.original_grid = blocks[124].whole("ChaGriSet")
        wanted = None if leaving else self.orders.wanted(self._clock.monotonic())
        aim = self._aim(hand, wanted)
        refused = aim.why if isinstance(aim, NotOffered) and wanted is not None else ""
        if refused and self.keeper.touched:
            # What cannot be carried out must not leave the order before it in the device.
            aim = self._aim(hand, None)
        step = await _stepped(hand, 124, self.keeper, aim, self._clock, self._remember)
        if refused:
            return Standing(control=Control.REJECTED, detail=refused)
        return _window_standing(step, wanted)

    async def act_by_map(self, hand: MapHand, most: Most, *, leaving: bool = False) -> Standing:
        """The same for a battery that is steered by the control section of its register map."""
        control = hand.control
        if not self.keeper.touched:
            values = {name: value_at(control.registers[name], hand.registers) for name in control.restore}
            self.originals = {name: round(value) for name, value in values.items() if value is not None}
        wanted = None if leaving else self.orders.wanted(self._clock.monotonic())
        aim = self._map_aim(hand, wanted, most)
        refused = aim.why if isinstance(aim, NotOffered) and wanted is not None else ""
        if refused and self.keeper.touched:
            aim = self._map_aim(hand, None, most)
        device = ControlRead(control, hand.registers)
        now = self._clock.monotonic()
        step = self.keeper.step(now, device, aim)
        if step.writes and not isinstance(aim, NotOffered) and hand.allowed():
            carrying = carry_out(hand.wire, hand.unit, 0, step.writes, "multiple")
            step = await _written(carrying, step, aim, self.keeper, self._clock, self._remember)
        if refused:
            return Standing(control=Control.REJECTED, detail=refused)
        return _window_standing(step, wanted)

    def _map_aim(self, hand: MapHand, wanted: Window | None, most: Most) -> Aim | NotOffered:
        return control_aim(
            hand.control,
            hand.registers,
            wanted,
            most=most,
            revert_s=self.config.revert_s,
            originals=self.originals,
        )

    def _aim(self, hand: Hand, wanted: Window | None) -> Aim | NotOffered:
        return window_aim(
            hand.part.blocks,
            wanted,
            most=most_of(hand.part, self.config),
            revert_s=self.config.revert_s,
            manner=hand.manner,
            supervised=self._supervised,
            original_grid=self.original_grid,
        )

    def kept(self) -> WindowKept:
        """What must outlive a crash."""
        return self.orders.kept(
            self._clock.now(),
            self._clock.monotonic(),
            touched=self.keeper.touched,
            original_grid=self.original_grid,
            originals=self.originals,
        )

    def restore(self, kept: WindowKept) -> None:
        """After a restart: what was in force, and whether the device may still carry something of ours."""
        self.keeper.touched, self.original_grid = kept.touched, kept.original_grid
        self.originals = dict(kept.originals)
        self.orders.restore(kept, self._clock.now(), self._clock.monotonic())


def most_of(part: PartRead, config: BatteryConfig) -> Most:
    """What the battery may do: the smaller of its own figures and the configured ones."""
    return most_within(charge_max(part.blocks), discharge_max(part.blocks), config)


def most_within(charge: float | None, discharge: float | None, config: BatteryConfig) -> Most:
    """The same from the device's own figures, unknown ones None."""
    return Most(
        charge_w=config.charge_limit_w if charge is None else min(charge, config.charge_limit_w),
        discharge_w=config.discharge_limit_w
        if discharge is None
        else min(discharge, config.discharge_limit_w),
        device_charge_w=charge,
        device_discharge_w=discharge,
    )


def _in_the_way_it_wants(hand: Hand, keeper: Keeper) -> Hand:
    if keeper.write_with is None:
        return hand
    manner = msgspec.structs.replace(hand.manner, write_with=keeper.write_with)
    return msgspec.structs.replace(hand, manner=manner)


async def _stepped(
    hand: Hand,
    model: int | None,
    keeper: Keeper,
    aim: Aim | NotOffered,
    clock: Clock,
    remember: Callable[[], None],
) -> Step:
    if model is None or model not in hand.part.times:
        why = aim.why if isinstance(aim, NotOffered) else f"model {model} could not be read in this cycle"
        return Step((), Control.UNAVAILABLE, why)
    block = hand.part.blocks[model]
    if not keeper.steady(_references(hand.part.blocks)) and not (isinstance(aim, Aim) and aim.releases):
        return Step(
            (), Control.UNKNOWN, "what the percentages refer to has changed; waiting for a second reading"
        )
    step = keeper.step(clock.monotonic(), block, aim)
    if not step.writes or isinstance(aim, NotOffered):
        return step
    if not hand.allowed():
        return Step((), Control.UNKNOWN, "an older instance of this service lives and gives the orders")
    carrying = carry_out(hand.wire, hand.unit, hand.part.starts[model], step.writes, hand.manner.write_with)
    # Exception 1: the function is not known here. Kostal wants 6, APsystems 16, others do not say.
    return await _written(carrying, step, aim, keeper, clock, remember, OTHER[hand.manner.write_with])


def _references(blocks: Mapping[int, Block]) -> tuple[float | None, ...]:
    """Everything a command is multiplied or divided by."""
    wanted = ((121, "WMax"), (120, "WRtg"), (702, "WMax"), (124, "WChaMax"))
    factors = ((123, "WMaxLimPct"), (704, "WMaxLimPct"), (124, "InWRte"))
    return (
        *(blocks[model].number(point) if model in blocks else None for model, point in wanted),
        *(
            blocks[model].scale_of(blocks[model].model.points[point]) if model in blocks else None
            for model, point in factors
        ),
    )


async def _written(
    carrying: Awaitable[None],
    step: Step,
    aim: Aim,
    keeper: Keeper,
    clock: Clock,
    remember: Callable[[], None],
    other: Literal["single", "multiple"] | None = None,
) -> Step:
    """Carry the writes of a step out, and let the keeper know what became of them."""
    if not keeper.touched:
        # Written down before the first write, so that a crash in between is known after it.
        keeper.touched = True
        remember()
    try:
        await carrying
    except DeviceRefused as error:
        # A device may also take the points, but not several of them in one request.
        bundled = other == "single" and any(len(each.points) > 1 for each in step.writes)
        retry = other if bundled or error.code == ILLEGAL_FUNCTION else None
        keeper.refused(clock.monotonic(), str(error), retry)
        return Step((), Control.REJECTED, str(error))
    except Unwritable as error:
        keeper.refused(clock.monotonic(), str(error))
        return Step((), Control.REJECTED, str(error))
    except DeviceSilent:
        keeper.unsure()
        raise
    keeper.wrote(clock.monotonic(), aim)
    return step


def _window_standing(step: Step, wanted: Window | None) -> Standing:
    if wanted is None or step.control not in (Control.OURS, Control.CONTENDED):
        return Standing(control=step.control, detail=step.detail)
    return Standing(
        control=step.control,
        issuer=wanted.issuer,
        min_w=wanted.min_w,
        max_w=wanted.max_w,
        detail=step.detail,
    )
