"""Draws docs/terminal-*.svg: what commands say of a running house, the one that the dashboard shows too.

`PYTHONPATH=tests python tests/docs/draw_commands.py` makes them anew; each run is a little different, so no test
compares them.
"""

import asyncio
import io
import os
import re
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

sys.path.insert(0, str(Path(__file__).parent))

from draw_dashboard import HOUSE

from houses import quick_site, running

DOCS = Path(__file__).parents[2] / "docs"
AFTER_S = 75.0
WIDTH, MOST_LINES = 100, 34
# Without rich's web fonts: a page of ours fetches nothing from elsewhere.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.S)

COMMANDS = {
    "status": "busbar status",
    "explain": "busbar explain --live",
    "doctor": "busbar doctor",
    "watch": "busbar watch --topic 'charger/+/+/limit/set' --seconds 12",
    "help": "busbar --help",
}
"""Name of a picture to the command it shows."""


async def typed(command: str, environ: dict[str, str]) -> str:
    """What a terminal of this width shows after the command, with its colours."""
    line = command.replace("busbar", f"{sys.executable} -m busbar_cli", 1)
    process = await asyncio.create_subprocess_shell(
        line, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    out, _ = await process.communicate()
    return out.decode()


def drawn(command: str, said: str) -> str:
    """The picture."""
    lines = said.rstrip().splitlines()
    shown = lines[:MOST_LINES] + (["..."] if len(lines) > MOST_LINES else [])
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ {command}", style="bold"))
    for line in shown:
        text = Text.from_ansi(line)
        text.truncate(WIDTH, overflow="ellipsis")
        console.print(text)
    return console.export_svg(title=command, code_format=FORMAT)


async def draw(folder: Path) -> None:
    """Run the house for a while, then ask."""
    async with running(quick_site(text=HOUSE, start="12:10", mode="solar_priority"), folder):
        await asyncio.sleep(AFTER_S)
        environ = {
            **os.environ, "BUSBAR_CONFIG": str(folder / "busbar.toml"), "PYTHONPATH": ":".join(sys.path),
            "BUSBAR_STATE_DIR": str(folder / "state"), "FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color",
        }  # fmt: skip
        for name, command in COMMANDS.items():
            picture = drawn(command, await typed(command, environ))
            (DOCS / f"terminal-{name}.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(draw(Path(place)))
