"""The demo plays a home energy manager of somebody else: it sends the Charge Amps charger its windows."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec

from busbar_contracts.chargeamps import ChargeAmpsStatus, SchedulePeriod, ScheduleSet
from busbar_shared.bus import Bus
from busbar_shared.clock import Clock

ROOT = "hems/charge-amps/1"
FIRST = timedelta(seconds=25)
"""Time enough for the services to come up; the house has room for it then."""
LENGTH = timedelta(seconds=100)
EVERY = timedelta(minutes=4)
COUNT = 190
"""Half a day of windows, and no more than one message may carry."""
AGAIN_S = 3.0


def windows(now: datetime) -> ScheduleSet:
    """A window that opens soon, and many more after it."""
    starts = [now.replace(microsecond=0) + FIRST + number * EVERY for number in range(COUNT)]
    return ScheduleSet(
        periods=tuple(SchedulePeriod(start=start, end=start + LENGTH) for start in starts),
        source="demo",
        command_id=f"demo-{starts[0]:%H%M%S}",
    )


async def send_windows(bus: Bus, clock: Clock) -> None:
    """Send the windows until the scheduler's status says that it has taken them.

    It may not have subscribed yet when we begin, and a message that nobody hears is not kept.
    """
    schedule = windows(clock.now().astimezone(UTC))
    heard = bus.listen_raw(f"{ROOT}/status")
    sending = asyncio.create_task(_send(bus, clock, msgspec.json.encode(schedule)))
    try:
        async for one in heard:
            if _has_taken(one.payload, schedule):
                return
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def _send(bus: Bus, clock: Clock, payload: bytes) -> None:
    while True:
        await bus.say_raw(f"{ROOT}/schedule/set", payload, qos=1)
        await clock.sleep(AGAIN_S)


def _has_taken(said: bytes, schedule: ScheduleSet) -> bool:
    try:
        status = msgspec.json.decode(said, type=ChargeAmpsStatus)
    except msgspec.MsgspecError:
        return False
    return status.command_id == schedule.command_id
