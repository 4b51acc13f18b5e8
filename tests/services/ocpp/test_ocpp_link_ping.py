"""Asking a connection whether its other end still lives."""

import asyncio
from typing import Any, cast

import pytest

from busbar_ocpp.link import Credentials, Link
from busbar_shared.clock import RealClock


class Line:
    """A connection whose pong comes when the test says so."""

    def __init__(self) -> None:
        self.pinged = asyncio.Event()
        self.pong: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def ping(self) -> asyncio.Future[float]:
        self.pinged.set()
        return self.pong


def link_on(line: Line) -> Link:
    return Link(cast(Any, line), "1.6", Credentials(id="CP-1"), RealClock())


async def test_a_pong_is_life() -> None:
    line = Line()
    line.pong.set_result(0.01)

    assert await link_on(line).answers_ping(5.0)


async def test_no_pong_in_time_is_none() -> None:
    assert not await link_on(Line()).answers_ping(0.01)


async def test_a_stop_that_meets_the_pong_is_not_lost() -> None:
    line = Line()
    asking = asyncio.create_task(link_on(line).answers_ping(5.0))
    await line.pinged.wait()
    await asyncio.sleep(0)

    line.pong.set_result(0.01)
    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking
