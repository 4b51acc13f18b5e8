"""pysunspec2's own client and our unit read the same server: the same values, point by point."""

import asyncio
import math

import pytest
import sunspec2.modbus.client as independent

from busbar_meter.answers import LineAddress
from busbar_meter.block import Block
from busbar_meter.unit import Unit
from busbar_meter.values import NUMBERS
from busbar_meter.walk import whole_block
from busbar_meter.wire import ModbusWire
from busbar_shared.clock import RealClock
from services.meter.modbus_servers import CrookedServer
from services.meter.register_images import block, common, image

MODULES = [{"IDStr": "MPPT 1", "DCW": 2000, "DCA": 512}, {"IDStr": "StCha 3", "DCW": 1400}]
PORTS = [{"PrtTyp": 0, "DCW": 3000, "DCV": 6000}, {"PrtTyp": 1, "DCW": -1500}]
CHAINS = {
    "a hybrid in whole numbers": image(
        common(),
        block(
            103,
            W=13950,
            W_SF=-1,
            AphA=606,
            A_SF=-2,
            WH=123456,
            WH_SF=0,
            St=4,
            Hz=4999,
            Hz_SF=-2,
            VAr=-20,
            VAr_SF=1,
        ),
        block(120, WRtg=82, WRtg_SF=2, MaxChaRte=5000, MaxChaRte_SF=0),
        block(121, WMax=8000, WMax_SF=0, VRef=230, VRef_SF=0),
        block(123, WMaxLimPct=10000, WMaxLimPct_SF=-2, WMaxLim_Ena=0, Conn=1),
        block(124, WChaMax=1280, WChaMax_SF=1, ChaState=6512, ChaState_SF=-2, OutWRte=-5000, InOutWRte_SF=-2),
        block(160, DCW_SF=0, DCA_SF=-2, N=2, inputs=MODULES),
        block(203, W=-2100, W_SF=0, AphA=-304, A_SF=-2, TotWhImp=7_000_000, TotWh_SF=-1),
    ),
    "floats at base zero": image(
        common("KOSTAL"), block(113, W=4200.25, WH=16_700_000.0, St=4), block(213, W=-1.5, AphA=2.5), base=0
    ),
    "the models of 2018": image(
        common(),
        block(701, W=-300, W_SF=1, TotWhInj=2**40, TotWh_SF=0, Hz=50010, Hz_SF=-3),
        block(702, WMaxRtg=800, W_SF=1, CtrlModes=3),
        block(704, WMaxLimPct=1000, WMaxLimPct_SF=-1, WSet=-2500, WSet_SF=0, WMaxLimPctRvrtTms=70000),
        block(713, SoC=655, Pct_SF=-1, WHRtg=100, WH_SF=2),
        block(714, NPrt=2, DCW_SF=0, DCV_SF=-1, inputs=PORTS),
        block(802, W=-1200, W_SF=0, SoC=80, SoC_SF=0, ChaSt=3),
    ),
}


def read_by_pysunspec(port: int) -> dict[int, dict[str, object]]:
    device = independent.SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=port, timeout=2)
    device.scan()
    try:
        return {
            found.model_id: {name: point.cvalue for name, point in found.points.items()}
            for found in device.model_list
        }
    finally:
        device.close()


def same(ours: float | None, theirs: object) -> bool:
    # An accumulator of zero is "not accumulated" for us and zero for them.
    if ours is None or theirs is None:
        return ours is theirs or theirs == 0
    return math.isclose(ours, float(theirs), rel_tol=1e-9)


def differences(found: Block, theirs: dict[str, object]) -> list[str]:
    return [
        f"{name}: {found.number(name)} and {theirs[name]}"
        for name, point in found.model.points.items()
        if point.type in NUMBERS and name in theirs and not same(found.number(name), theirs[name])
    ]


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
async def test_both_readers_say_the_same(chain: dict[int, int]) -> None:
    async with CrookedServer(unit1=chain) as server:
        theirs = await asyncio.to_thread(read_by_pysunspec, server.port)
        wire = ModbusWire(LineAddress("tcp", "127.0.0.1", server.port), RealClock(), gap_s=0)
        unit = Unit(1, RealClock())
        await unit.prepare(wire)
        ours = {place.model: await whole_block(wire, 1, place) for place in unit.chain.places}
        wire.close()

    assert set(ours) == set(theirs)
    assert [differences(found, theirs[number]) for number, found in ours.items()] == [[] for _ in ours]


def test_the_comparison_would_notice_a_difference() -> None:
    assert not same(1.0, 1.1)
