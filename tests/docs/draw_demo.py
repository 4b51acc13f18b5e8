"""Draws docs/demo.svg: the picture that `busbar demo` shows after some seconds, taken from a real run.

`python tests/docs/draw_demo.py` makes it anew; each run is a little different, so no test compares it.
"""

import asyncio
import io
import re
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from busbar_cli.demo import ACCOUNT, demo_config
from busbar_cli.demo_hems import send_windows
from busbar_cli.scene import Scene
from busbar_cli.up import Supervisor
from busbar_cli.view import picture
from busbar_shared.clock import RealClock
from busbar_shared.config.load import read
from busbar_shared.life import connect

PICTURE = Path(__file__).parents[2] / "docs" / "demo.svg"
AFTER_S = 75.0
# Without rich's web fonts: a page of ours fetches nothing from elsewhere.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.S)


async def draw(folder: Path) -> str:
    """Run the demo's house for a while and draw what is known then."""
    text = demo_config()
    (folder / "busbar.toml").write_text(text, encoding="utf-8")
    site, environ = read(text), ACCOUNT | {"BUSBAR_STATE_DIR": str(folder / "state")}
    supervisor = Supervisor(site, folder / "busbar.toml", logs=folder, environ=environ)
    await supervisor.start()
    try:
        scene = Scene(site)
        async with connect(site, "picture", environ) as bus:
            hearing = asyncio.create_task(scene.hear(bus))
            sending = asyncio.create_task(send_windows(bus, RealClock()))
            await asyncio.sleep(AFTER_S)
            hearing.cancel()
            sending.cancel()
    finally:
        await supervisor.stop()
    scene.events = []
    console = Console(record=True, width=110, file=io.StringIO(), force_terminal=True)
    console.print(picture(scene))
    return console.export_svg(title="busbar demo", code_format=FORMAT, unique_id="demo")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        PICTURE.write_text(asyncio.run(draw(Path(made))), encoding="utf-8")
