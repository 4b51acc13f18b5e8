"""Orders from the bus into registers, and what becomes of them when their leases or their sender end."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from busbar_contracts.battery import BatteryReading, BatterySetpoint
from busbar_contracts.meter import Control, InverterLimit, InverterReading
from services.meter.meter_house import GRID, STEERED, event, house, reads, running, said, steered, until
from services.meter.modbus_servers import CrookedServer


def stamp(seq: int = 1, issuer: str = "battery", lease_s: float = 30.0, age_s: float = 0.0) -> dict[str, Any]:
    at = datetime.now(UTC) - timedelta(seconds=age_s)
    return {
        "issuer": issuer,
        "instance": "i",
        "seq": seq,
        "issued_at": at,
        "lease_s": lease_s,
        "reason": "test",
    }


def limit(watts: float, mandatory: bool = False, **more: Any) -> InverterLimit:
    return InverterLimit(limit_w=watts, mandatory=mandatory, **stamp(**more))


def window(low: float | None, high: float | None, grid: bool = False, **more: Any) -> BatterySetpoint:
    return BatterySetpoint(min_w=low, max_w=high, grid_charging=grid, **stamp(**more))


@pytest.fixture
async def server():
    async with CrookedServer(unit1=dict(STEERED), unit200=dict(GRID)) as crooked:
        yield crooked


async def test_a_limit_reaches_the_registers_and_the_reading(server: CrookedServer, tmp_path: Path) -> None:
    async with running(steered(server.port), tmp_path) as bus:
        await said(bus, InverterReading)
        bus.feed(limit(4100), inverter="roof")
        roof = await said(bus, InverterReading, lambda each: each.control is Control.OURS)

        assert [reads(server, point) for point in ("WMaxLimPct", "RvrtTms", "WMaxLim_Ena")] == [5000, 60, 1]
        assert (roof.limit_w, roof.limit_issuer) == (4100, "battery")


async def test_the_end_of_the_service_releases_inverter_and_battery(
    server: CrookedServer, tmp_path: Path
) -> None:
    async with running(steered(server.port), tmp_path) as bus:
        await said(bus, BatteryReading)
        bus.feed(limit(4100), inverter="roof")
        bus.feed(window(2000, 2000, grid=False), battery="cellar")
        await until(lambda: reads(server, "StorCtl_Mod") == 3 and reads(server, "WMaxLim_Ena") == 1)
        assert reads(server, "ChaGriSet") == 0

    assert [reads(server, point) for point in ("WMaxLim_Ena", "StorCtl_Mod", "ChaGriSet")] == [0, 0, 1]


async def test_the_end_of_a_lease_releases_the_battery(server: CrookedServer, tmp_path: Path) -> None:
    async with running(steered(server.port), tmp_path) as bus:
        await said(bus, BatteryReading)
        bus.feed(window(-1280, 0, lease_s=5.0), battery="cellar")
        ours = await said(bus, BatteryReading, lambda each: each.control is Control.OURS)
        assert [reads(server, point) for point in ("StorCtl_Mod", "OutWRte", "InWRte")] == [3, 1000, 0]

        await until(lambda: reads(server, "StorCtl_Mod") == 0)

    assert (ours.window_min_w, ours.window_max_w) == (-1280, 0)


async def test_a_mandatory_limit_outlives_its_orders_at_the_fallback(
    server: CrookedServer, tmp_path: Path
) -> None:
    async with running(steered(server.port, fallback_limit_w=2050.0), tmp_path) as bus:
        await said(bus, InverterReading)
        bus.feed(limit(4100, mandatory=True, lease_s=5.0), inverter="roof")
        await until(lambda: reads(server, "WMaxLimPct") == 5000)
        assert reads(server, "RvrtTms") == 0
        await until(lambda: reads(server, "WMaxLimPct") == 2500)

    assert [reads(server, point) for point in ("WMaxLimPct", "WMaxLim_Ena", "RvrtTms")] == [2500, 1, 0]


async def test_the_smallest_of_two_limits_wins_and_is_named(server: CrookedServer, tmp_path: Path) -> None:
    async with running(steered(server.port), tmp_path) as bus:
        await said(bus, InverterReading)
        bus.feed(limit(4100), inverter="roof")
        bus.feed(limit(820, issuer="grid-operator"), inverter="roof")

        roof = await said(bus, InverterReading, lambda each: each.limit_w == 820)

    assert roof.limit_issuer == "grid-operator"


async def test_a_smaller_economic_limit_brings_no_timer_while_a_mandatory_one_holds(
    server: CrookedServer, tmp_path: Path
) -> None:
    async with running(steered(server.port), tmp_path) as bus:
        await said(bus, InverterReading)
        bus.feed(limit(820), inverter="roof")
        await until(lambda: reads(server, "RvrtTms") == 60)
        bus.feed(limit(4100, mandatory=True, issuer="grid-operator"), inverter="roof")
        await until(lambda: reads(server, "RvrtTms") == 0)

        assert [reads(server, point) for point in ("WMaxLimPct", "WMaxLim_Ena")] == [1000, 1]

    assert [reads(server, point) for point in ("WMaxLimPct", "WMaxLim_Ena", "RvrtTms")] == [5000, 1, 0]


async def test_after_a_crash_the_next_instance_releases_what_was_left(
    server: CrookedServer, tmp_path: Path
) -> None:
    async with running(steered(server.port), tmp_path) as bus:
        await said(bus, BatteryReading)
        bus.feed(window(2000, 2000, grid=True, lease_s=6.0), battery="cellar")
        await until(lambda: reads(server, "StorCtl_Mod") == 3)
        # A kill -9 leaves the state file and the registers as they are now.
        left = (tmp_path / "orders.json").read_bytes()
        registers = dict(server.units[1])
    server.units[1].update(registers)
    (tmp_path / "orders.json").write_bytes(left)

    async with running(steered(server.port), tmp_path) as bus:
        await said(bus, BatteryReading)
        await until(lambda: reads(server, "StorCtl_Mod") == 0)

        assert reads(server, "ChaGriSet") == 1


async def test_after_a_crash_a_lease_that_still_runs_is_taken_up(
    server: CrookedServer, tmp_path: Path
) -> None:
    async with running(steered(server.port), tmp_path) as bus:
        await said(bus, BatteryReading)
        bus.feed(window(0, 0, lease_s=60), battery="cellar")
        await until(lambda: reads(server, "StorCtl_Mod") == 3)
        left, registers = (tmp_path / "orders.json").read_bytes(), dict(server.units[1])
    server.units[1].update(registers)
    (tmp_path / "orders.json").write_bytes(left)

    async with running(steered(server.port), tmp_path) as bus:
        cellar = await said(bus, BatteryReading, lambda each: each.control is Control.OURS)

        assert (cellar.window_min_w, cellar.window_max_w, reads(server, "StorCtl_Mod")) == (0, 0, 3)


@pytest.mark.parametrize(
    ("order", "ids", "retained", "code"),
    [
        pytest.param(limit(10), {"inverter": "roof"}, True, "retained_order", id="a retained order"),
        pytest.param(
            window(0, 0, issuer="stranger"), {"battery": "cellar"}, False, "wrong_issuer", id="a stranger's"
        ),
        pytest.param(
            window(0, 0, age_s=90), {"battery": "cellar"}, False, "first_order_too_old", id="an old one"
        ),
        pytest.param(
            window(500, -500), {"battery": "cellar"}, False, "empty_window", id="a window turned inside out"
        ),
        pytest.param(limit(10), {"inverter": "barn"}, False, "unknown_target", id="for a device nobody has"),
    ],
)
async def test_orders_that_do_not_count_change_nothing(
    server: CrookedServer, tmp_path: Path, order: Any, ids: dict[str, str], retained: bool, code: str
) -> None:
    async with running(steered(server.port), tmp_path) as bus:
        await said(bus, InverterReading)
        bus.feed(order, retained=retained, **ids)
        await event(bus, code)
        bus.said.clear()
        await said(bus, InverterReading)

    assert server.written == []


async def test_a_device_that_is_not_writable_in_the_configuration_is_never_written(
    server: CrookedServer, tmp_path: Path
) -> None:
    async with running(house(server.port), tmp_path) as bus:
        await said(bus, InverterReading)
        bus.feed(limit(10), inverter="roof")
        assert "writable = true" in await event(bus, "not_writable")

    assert server.written == []


async def test_while_an_older_instance_lives_nothing_is_written(
    server: CrookedServer, tmp_path: Path
) -> None:
    async with running(steered(server.port), tmp_path, passive=True) as bus:
        await said(bus, InverterReading)
        bus.feed(limit(10), inverter="roof")
        bus.said.clear()
        await said(bus, InverterReading, lambda each: each.detail.startswith("an older instance"))

    assert server.written == []


async def test_a_device_that_refuses_is_reported_and_not_pestered(
    server: CrookedServer, tmp_path: Path
) -> None:
    server.refuse_writes = 3
    async with running(steered(server.port), tmp_path) as bus:
        await said(bus, BatteryReading)
        bus.feed(window(0, 0), battery="cellar")
        cellar = await said(bus, BatteryReading, lambda each: each.control is Control.REJECTED)
        bus.said.clear()
        await said(bus, BatteryReading)
        asked = [request for request in server.requests if request[1] == 16]

    assert "illegal value" in cellar.detail
    assert len(asked) == 1


async def test_only_control_points_are_ever_written(server: CrookedServer, tmp_path: Path) -> None:
    async with running(steered(server.port), tmp_path) as bus:
        await said(bus, BatteryReading)
        for seq, (low, high) in enumerate([(0, 0), (2000, 2000), (-1000, 3000), (None, None)], start=1):
            bus.feed(window(low, high, grid=seq == 2, seq=seq), battery="cellar")
            bus.feed(limit(1000 * seq, seq=seq), inverter="roof")
            bus.said.clear()
            await said(bus, BatteryReading)

    touched = {start + step for _, start, values in server.written for step in range(len(values))}
    controls = {40150 + offset for offset in (5, 6, 7, 8, 9)} | {
        40176 + offset for offset in (5, 12, 13, 15, 17)
    }
    assert touched <= controls
    assert touched & {40150 + 5, 40176 + 13}
