"""The thin shell around the write planners: read the block, ask what to write, write it, remember."""

from collections.abc import Callable, Mapping

import msgspec

from busbar_contracts.meter import Control
from busbar_meter.block import Block
from busbar_meter.control import Standing
from busbar_meter.hand import Hand, MapHand, in_the_way_it_wants, stepped, stepped_by_map
from busbar_meter.inverter_limit import Limit, limit_aim, limit_model, reference_w
from busbar_meter.keeper import Keeper, Step
from busbar_meter.limit_control import LimitControl, limit_control_aim
from busbar_meter.map_control import BatteryControl, control_aim, unmet, value_at
from busbar_meter.orders import LimitKept, LimitOrders, WindowKept, WindowOrders
from busbar_meter.setpoint_704 import offers_setpoint, setpoint_aim
from busbar_meter.storage_window import Most, Window, window_aim
from busbar_meter.sunspec_battery import charge_max, discharge_max
from busbar_meter.turn_rest import TurnRest
from busbar_meter.unit import PartRead
from busbar_meter.writes import Aim, NotOffered
from busbar_shared.clock import Clock
from busbar_shared.config.devices import BatteryConfig, InverterConfig


class LimitActuator:
    """Keeps one inverter at the limit in force."""

    def __init__(self, config: InverterConfig, clock: Clock, remember: Callable[[], None]) -> None:
        self.config = config
        self.orders = LimitOrders(config.fallback_limit_w)
        self.keeper = Keeper()
        self.originals: dict[str, float] = {}
        self._clock = clock
        self._remember = remember

    async def act(self, hand: Hand, *, leaving: bool = False) -> Standing:
        """Bring the inverter to what is ordered; at the end of the service, to what must stay."""
        hand = in_the_way_it_wants(hand, self.keeper)
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
        step = await stepped(hand, number, self.keeper, aim, self._clock, self._remember)
        return _limit_standing(step, wanted)

    @property
    def idle(self) -> bool:
        """Nothing is ordered, and nothing of ours is in the device."""
        return not self.keeper.touched and self.orders.wanted(self._clock.monotonic(), None) is None

    async def act_by_map(
        self, control: LimitControl, hand: MapHand, rating: float | None, *, leaving: bool = False
    ) -> Standing:
        """The same for an inverter that is limited by the control section of a register map."""
        places, registers = control.registers, hand.registers
        if not self.keeper.touched:
            values = {name: value_at(places[name], registers) for name in control.restore}
            self.originals = {name: value for name, value in values.items() if value is not None}
        wanted = self.orders.wanted(self._clock.monotonic(), rating)
        if leaving:
            wanted = self.orders.left_behind()
        aim: Aim | NotOffered = limit_control_aim(
            control,
            registers,
            wanted,
            reference_w=rating,
            fallback_w=self.config.fallback_limit_w,
            originals=self.originals,
        )
        refused = "" if self.keeper.touched else unmet(control.require, places, registers)
        if refused:
            aim = NotOffered(refused)
        step = await stepped_by_map(hand, places, self.keeper, aim, self._clock, self._remember)
        return _limit_standing(step, wanted)

    def kept(self) -> LimitKept:
        """What must outlive a crash."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        return self.orders.kept(now, monotonic, touched=self.keeper.touched, originals=self.originals)

    def restore(self, kept: LimitKept) -> None:
        """After a restart: what was in force, and whether the device may still carry something of ours."""
        self.keeper.touched, self.originals = kept.touched, dict(kept.originals)
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
        self._rest = TurnRest()

    async def act(self, hand: Hand, *, leaving: bool = False) -> Standing:
        """Bring the battery to what is ordered; at the end of the service, back to itself."""
        hand = in_the_way_it_wants(hand, self.keeper)
        blocks = hand.part.blocks
        if not self.keeper.touched and 124 in blocks:
            self.original_grid = blocks[124].whole("ChaGriSet")
        now = self._clock.monotonic()
        ordered = None if leaving else self.orders.wanted(now)
        wanted = self._rest.eased(ordered, hand.manner.turn_rest_s, now)
        aim = self._aim(hand, wanted)
        refused = aim.why if isinstance(aim, NotOffered) and wanted is not None else ""
        if refused and self.keeper.touched:
            # What cannot be carried out must not leave the order before it in the device.
            aim = self._aim(hand, None)
        number = 704 if _by_setpoint(blocks) else 124
        step = await stepped(hand, number, self.keeper, aim, self._clock, self._remember)
        if refused:
            return Standing(control=Control.REJECTED, detail=refused)
        standing = _window_standing(step, wanted)
        if wanted is not ordered and not standing.detail:
            return msgspec.structs.replace(standing, detail="it rests before it turns from charging")
        return standing

    async def act_by_map(
        self, control: BatteryControl, hand: MapHand, most: Most, *, leaving: bool = False
    ) -> Standing:
        """The same for a battery that is steered by the control section of its register map."""
        if not self.keeper.touched:
            values = {name: value_at(control.registers[name], hand.registers) for name in control.restore}
            self.originals = {name: round(value) for name, value in values.items() if value is not None}
        wanted = None if leaving else self.orders.wanted(self._clock.monotonic())
        aim = self._map_aim(control, hand, wanted, most)
        refused = aim.why if isinstance(aim, NotOffered) and wanted is not None else ""
        if refused and self.keeper.touched:
            aim = self._map_aim(control, hand, None, most)
        places = control.registers
        step = await stepped_by_map(hand, places, self.keeper, aim, self._clock, self._remember)
        if refused:
            return Standing(control=Control.REJECTED, detail=refused)
        return _window_standing(step, wanted)

    def _map_aim(
        self, control: BatteryControl, hand: MapHand, wanted: Window | None, most: Most
    ) -> Aim | NotOffered:
        return control_aim(
            control,
            hand.registers,
            wanted,
            most=most,
            revert_s=self.config.revert_s,
            originals=self.originals,
        )

    def _aim(self, hand: Hand, wanted: Window | None) -> Aim | NotOffered:
        if _by_setpoint(hand.part.blocks):
            return setpoint_aim(
                hand.part.blocks,
                wanted,
                most=most_of(hand.part, self.config),
                revert_s=self.config.revert_s,
                manner=hand.manner,
                supervised=self._supervised,
                dc_coupled=self.config.inverter is not None,
            )
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


def _by_setpoint(blocks: Mapping[int, Block]) -> bool:
    """Whether a battery is steered by model 704: only one that does not offer model 124."""
    return 124 not in blocks and offers_setpoint(blocks)


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


def _limit_standing(step: Step, wanted: Limit | None) -> Standing:
    ours = wanted is not None and step.control in (Control.OURS, Control.CONTENDED, Control.RELEASED)
    return Standing(
        control=step.control,
        limit_w=wanted.watts if wanted is not None and ours else None,
        issuer=wanted.issuer if wanted is not None and ours else None,
        detail=step.detail,
    )


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
