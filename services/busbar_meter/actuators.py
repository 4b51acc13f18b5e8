"""The thin shell around the write planners: read the block, ask what to write, write it, remember."""

from collections.abc import Callable
from typing import Literal

import msgspec
from msgspec import Struct

from busbar_contracts.meter import Control
from busbar_meter.answers import ILLEGAL_FUNCTION, DeviceRefused, DeviceSilent, Wire
from busbar_meter.control import Standing
from busbar_meter.inverter_limit import limit_aim, limit_model, reference_w
from busbar_meter.keeper import Keeper, Step
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
        ours = wanted is not None and step.control in (Control.OURS, Control.CONTENDED)
        return Standing(
            control=step.control,
            issuer=wanted.issuer if wanted is not None and ours else None,
            min_w=wanted.min_w if wanted is not None and ours else None,
            max_w=wanted.max_w if wanted is not None and ours else None,
            detail=step.detail,
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
        now, monotonic = self._clock.now(), self._clock.monotonic()
        return self.orders.kept(now, monotonic, touched=self.keeper.touched, original_grid=self.original_grid)

    def restore(self, kept: WindowKept) -> None:
        """After a restart: what was in force, and whether the device may still carry something of ours."""
        self.keeper.touched, self.original_grid = kept.touched, kept.original_grid
        self.orders.restore(kept, self._clock.now(), self._clock.monotonic())


def most_of(part: PartRead, config: BatteryConfig) -> Most:
    """What the battery may do: the smaller of its own figures and the configured ones."""
    charge, discharge = charge_max(part.blocks), discharge_max(part.blocks)
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
    step = keeper.step(clock.monotonic(), hand.part.blocks[model], aim)
    if not step.writes or isinstance(aim, NotOffered):
        return step
    if not hand.allowed():
        return Step((), Control.UNKNOWN, "an older instance of this service lives and gives the orders")
    if not keeper.touched:
        # Written down before the first write, so that a crash in between is known after it.
        keeper.touched = True
        remember()
    try:
        await carry_out(hand.wire, hand.unit, hand.part.starts[model], step.writes, hand.manner.write_with)
    except DeviceRefused as error:
        # Exception 1: the function is not known here. Kostal wants 6, APsystems 16, others do not say.
        other = OTHER[hand.manner.write_with] if error.code == ILLEGAL_FUNCTION else None
        keeper.refused(clock.monotonic(), str(error), other)
        return Step((), Control.REJECTED, str(error))
    except Unwritable as error:
        keeper.refused(clock.monotonic(), str(error))
        return Step((), Control.REJECTED, str(error))
    except DeviceSilent:
        keeper.unsure()
        raise
    keeper.wrote(clock.monotonic(), aim)
    return step
