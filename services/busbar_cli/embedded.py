"""The embedded broker as a process of its own: amqtt on loopback. The only place that imports amqtt.

It is for demos and trials: it does not enforce keepalive and sends every client retained messages it
did not ask for. Nothing in Busbar rests on either; a household should run mosquitto.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys


async def serve(port: int) -> None:
    """Run until SIGTERM or the end of the process that started it."""
    from amqtt.broker import Broker

    logging.basicConfig(level=logging.ERROR)
    logging.getLogger("amqtt").setLevel(logging.ERROR)
    logging.getLogger("transitions").setLevel(logging.ERROR)
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}", "max_connections": 200}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await broker.start()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    parent = os.environ.get("BUSBAR_PARENT")
    while not stop.is_set() and (parent is None or os.getppid() == int(parent)):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await stop.wait()
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
