"""A house on a Modbus server: a hybrid inverter at unit 1, a grid meter at unit 200, and the service."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec

from busbar_meter.main import run
from busbar_shared.clock import RealClock
from busbar_shared.config.root import Site
from busbar_shared.fakes import FakeBus
from busbar_shared.life import Service
from services.meter.modbus_servers import CrookedServer
from services.meter.register_images import block, common, image

SCALES = {"A_SF": -2, "V_SF": -1, "W_SF": 0, "TotWh_SF": 0, "Hz_SF": -2}
INVERTER = block(103, W=4200, St=4, AphA=610, AphB=610, AphC=610, PhVphA=2300, **{**SCALES, "TotWh_SF": None})
METER = block(203, W=-2100, WphA=-700, WphB=-700, WphC=-700, AphA=304, AphB=305, AphC=306, PhVphA=2301, PhVphB=2302,
              PhVphC=2303, Hz=5000, TotWhImp=5, TotWhExp=6, **SCALES)  # fmt: skip
STORAGE = block(124, WChaMax=1280, WChaMax_SF=1, ChaState=6500, ChaState_SF=-2, ChaSt=4, StorCtl_Mod=0)
NAMEPLATE = block(
    120, WRtg=8200, WRtg_SF=0, MaxChaRte=5000, MaxChaRte_SF=0, MaxDisChaRte=5000, MaxDisChaRte_SF=0
)
HYBRID = image(common(), INVERTER, NAMEPLATE, STORAGE)
STEERED = image(
    common(),
    INVERTER,
    NAMEPLATE,
    block(123, WMaxLimPct=10000, WMaxLimPct_WinTms=0, WMaxLimPct_RvrtTms=0, WMaxLimPct_RmpTms=0, WMaxLim_Ena=0,
          WMaxLimPct_SF=-2, Conn=1),
    block(124, WChaMax=1280, WChaMax_SF=1, ChaState=6500, ChaState_SF=-2, ChaSt=4, StorCtl_Mod=0, OutWRte=10000,
          InWRte=10000, InOutWRte_RvrtTms=0, ChaGriSet=1, InOutWRte_SF=-2),
)  # fmt: skip
GRID = image(common(name="Smart Meter TS 65A-3"), METER)


# A busy machine may keep an honest server waiting this long; where silence is the subject, tests wait less.
PATIENCE_S = 10.0


def house(port: int, timeout_s: float = PATIENCE_S, **more: Any) -> Site:
    """A house with a hybrid inverter at unit 1 and a grid meter at unit 200 of the same address."""

    def at(unit: int, **place: Any) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": port,
            "unit": unit,
            "timeout_s": timeout_s,
            "pause_s": 0.0,
            **place,
        }

    return msgspec.convert(
        {
            "circuits": {"main": {"limit_a": 25, "meter": "grid"}},
            "meters": {"grid": {"modbus": at(200), "every_s": 0.2}},
            "inverters": {"roof": {"modbus": at(1), "every_s": 0.2, "hybrid": True}},
            "batteries": {"cellar": {"modbus": at(1), "every_s": 0.2, "inverter": "roof"}},
            **more,
        },
        Site,
    )


@contextlib.asynccontextmanager
async def running(
    site: Site, tmp_path: Path, *, passive: bool = False, supervised: bool = True
) -> AsyncIterator[FakeBus]:
    """The service at work; it is ended as SIGTERM ends it."""
    bus = FakeBus(clock=RealClock())
    environ = {"BUSBAR_PARENT": "1"} if supervised else {}
    service = Service(
        name="meter",
        site=site,
        bus=bus,
        clock=RealClock(),
        state_dir=tmp_path,
        passive=passive,
        environ=environ,
    )
    task = asyncio.create_task(run(service))
    try:
        yield bus
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def said(bus: FakeBus, kind: type, where: Callable[[Any], bool] = lambda message: True) -> Any:
    """The first message of a kind that fits, waiting for it."""
    async with asyncio.timeout(30):
        while True:
            for _, message in bus.said:
                if isinstance(message, kind) and where(message):
                    return message
            await asyncio.sleep(0.01)


async def event(bus: FakeBus, code: str) -> str:
    async with asyncio.timeout(30):
        while True:
            for name, text in bus.events:
                if name == code:
                    return text
            await asyncio.sleep(0.01)


def steered(port: int, **inverter: Any) -> Site:
    """The same house, with an inverter and a battery that may be written to."""
    site = house(port)
    roof = msgspec.structs.replace(site.inverters["roof"], writable=True, **inverter)
    cellar = msgspec.structs.replace(site.batteries["cellar"], writable=True)
    return msgspec.structs.replace(site, inverters={"roof": roof}, batteries={"cellar": cellar})


async def until(happened: Callable[[], Any]) -> Any:
    """What happened, waiting for it."""
    async with asyncio.timeout(30):
        while not (found := happened()):
            await asyncio.sleep(0.01)
        return found


def reads(server: CrookedServer, point: str) -> int:
    """The raw register of a point of the steered inverter's controls, as the device holds it now."""
    places = {"WMaxLimPct": 40150 + 5, "RvrtTms": 40150 + 7, "WMaxLim_Ena": 40150 + 9, "StorCtl_Mod": 40176 + 5,
              "OutWRte": 40176 + 12, "InWRte": 40176 + 13, "ChaGriSet": 40176 + 17}  # fmt: skip
    return server.units[1][places[point]]
