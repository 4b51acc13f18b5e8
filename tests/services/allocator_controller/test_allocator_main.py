"""The service as its bus sees it: hears structs, says structs, keeps its settings."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from allocator_house import a_site

from busbar_allocator.main import run
from busbar_contracts.allocation import Allocation, SiteLimit, SiteSettings, SiteSettingsSet
from busbar_contracts.charger import ChargerLimit, ChargerState, ConnectorStatus
from busbar_contracts.load import LoadMode, LoadSettings, LoadSettingsSet
from busbar_contracts.meter import MeterReading, PhaseSample
from busbar_shared.clock import VirtualClock, settle
from busbar_shared.config.root import Site
from busbar_shared.fakes import FakeBus
from busbar_shared.life import Service

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)


class Evening:
    """The service running on a bus of lists and a clock that we move."""

    def __init__(self, state_dir: Path, **changes: Any) -> None:
        self.clock = VirtualClock(NOON)
        self.bus = FakeBus(clock=self.clock)
        site = msgspec.convert(a_site(**changes), Site)
        self.service = Service("allocator", site, self.bus, self.clock, state_dir)  # type: ignore[arg-type]

    async def __aenter__(self) -> "Evening":
        self.task = asyncio.create_task(run(self.service))
        await settle()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def seconds(self, count: int, grid_a: float | None = 5.0) -> None:
        """Let time pass, with a reading each second unless the meter is silent."""
        for _ in range(count):
            if grid_a is not None:
                sample = PhaseSample(current_a=grid_a)
                reading = MeterReading(at=self.clock.now(), power_w=None, a=sample, b=sample, c=sample)
                self.bus.feed(reading, meter="grid")
            await self.clock.advance(1.0)

    def plug_in(self) -> None:
        """A car at the charger."""
        state = ChargerState(at=self.clock.now(), status=ConnectorStatus.PREPARING, link=True)
        self.bus.feed(state, charger="left", connector="1")

    def last(self, kind: type[Any]) -> Any:
        """The last message of this kind that was said."""
        return next((message for _, message in reversed(self.bus.said) if isinstance(message, kind)), None)


async def test_a_car_that_is_plugged_in_gets_a_leased_limit_with_a_reason(tmp_path: Path) -> None:
    async with Evening(tmp_path) as evening:
        evening.plug_in()
        await evening.seconds(9)

        limit = evening.last(ChargerLimit)
        assert limit.limit_a >= 6
        assert (limit.issuer, limit.lease_s) == ("allocator", 30.0)
        assert limit.reason
        assert evening.last(Allocation).loads["left-1"].limit_a == limit.limit_a


async def test_without_a_reading_nothing_is_ordered(tmp_path: Path) -> None:
    async with Evening(tmp_path) as evening:
        evening.plug_in()
        await evening.seconds(9, grid_a=None)

        assert evening.last(ChargerLimit) is None


async def test_an_order_is_renewed_at_a_third_of_its_lease(tmp_path: Path) -> None:
    async with Evening(tmp_path) as evening:
        evening.plug_in()
        await evening.seconds(60)
        before = len([one for _, one in evening.bus.said if isinstance(one, ChargerLimit)])
        await evening.seconds(30)

        assert len([one for _, one in evening.bus.said if isinstance(one, ChargerLimit)]) == before + 3


async def test_an_overloaded_phase_is_cut_by_the_reading_that_shows_it(tmp_path: Path) -> None:
    async with Evening(tmp_path) as evening:
        evening.plug_in()
        await evening.seconds(40)
        assert evening.last(ChargerLimit).limit_a == 16

        sample = PhaseSample(current_a=30.0)
        reading = MeterReading(at=evening.clock.now(), power_w=None, a=sample, b=sample, c=sample)
        evening.bus.feed(reading, meter="grid")
        await settle()

        # Nobody saw the car take its grant: on a wire that is over its limit the doubt is against it.
        assert evening.last(ChargerLimit).limit_a == 0


async def test_a_mode_change_is_answered_in_the_same_second_and_kept(tmp_path: Path) -> None:
    async with Evening(tmp_path) as evening:
        evening.plug_in()
        await evening.seconds(40)

        evening.bus.feed(LoadSettingsSet(mode=LoadMode.SOLAR_ONLY), load="left-1")
        await evening.seconds(1)

        assert evening.last(ChargerLimit).limit_a == 0
        assert evening.last(LoadSettings).mode is LoadMode.SOLAR_ONLY
    async with Evening(tmp_path) as again:
        assert again.last(LoadSettings).mode is LoadMode.SOLAR_ONLY


async def test_a_setting_that_cannot_be_is_refused_with_a_sentence_and_changes_nothing(
    tmp_path: Path,
) -> None:
    async with Evening(tmp_path) as evening:
        evening.bus.feed(LoadSettingsSet(min_a=4.0), load="left-1")
        evening.bus.feed(LoadSettingsSet(mode=LoadMode.OFF), load="left-1")
        await settle()

        said = [text for code, text in evening.bus.events if code == "setting_refused"]
        assert said == [
            "min_a 4 A is outside 6 to 16 A, its configuration",
            "mode 'off' is not one of standard, solar_priority, solar_only, excess",
        ]
        assert evening.last(LoadSettings).min_a == 6


async def test_the_file_wins_again_when_its_value_changes(tmp_path: Path) -> None:
    async with Evening(tmp_path) as evening:
        evening.bus.feed(SiteSettingsSet(import_limit_w=5000.0))
        await settle()
    async with Evening(tmp_path, site={"import_limit_w": 9000.0}) as again:
        assert again.last(SiteSettings).import_limit_w == 9000
        assert [code for code, _ in again.bus.events] == ["file_wins"]


async def test_an_outside_limit_counts_while_its_lease_holds(tmp_path: Path) -> None:
    async with Evening(tmp_path) as evening:
        evening.plug_in()
        await evening.seconds(40)
        limit = SiteLimit(
            issuer="operator", instance="1", seq=1, issued_at=evening.clock.now(), lease_s=60.0,
            reason="dimmed", import_limit_w=4200.0,
        )  # fmt: skip
        evening.bus.feed(limit)
        await evening.seconds(1, grid_a=21.0)

        assert evening.last(ChargerLimit).limit_a == 0
        assert evening.last(Allocation).import_limit_source == "operator"
        await evening.seconds(61)
        assert evening.last(Allocation).import_limit_w is None


async def test_a_retained_order_from_outside_is_refused(tmp_path: Path) -> None:
    async with Evening(tmp_path) as evening:
        limit = SiteLimit(
            issuer="operator",
            instance="1",
            seq=1,
            issued_at=NOON,
            lease_s=60.0,
            reason="",
            import_limit_w=4200.0,
        )
        evening.bus.feed(limit, retained=True)
        await settle()

        assert [code for code, _ in evening.bus.events] == ["retained_order"]
