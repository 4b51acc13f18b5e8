"""The whole kill matrix, some minutes long; writes its table into docs/kill-matrix.md. Run by `make soak`."""

import asyncio
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kills import MATRIX, Row, as_table, measure

pytestmark = [pytest.mark.soak, pytest.mark.system, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "kill-matrix.md"
BEGIN, END = "<!-- measured -->\n", "<!-- end -->"


def write(rows: list[Row], commit: str) -> None:
    """Put the table into the page."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    told = f"Measured at commit {commit} on {datetime.now(UTC).date()}.\n\n{as_table(rows)}\n\n"
    PAGE.write_text(f"{before}{BEGIN}\n{told}{END}{after}", encoding="utf-8")


async def test_every_part_dies_and_the_page_is_written(tmp_path: Path) -> None:
    halves = [MATRIX[0::2], MATRIX[1::2]]
    folders = [tmp_path / str(number) for number in range(len(halves))]
    for folder in folders:
        folder.mkdir()

    def tell(row: Row) -> None:
        print(as_table([row]).splitlines()[-1], flush=True)

    measured = await asyncio.gather(
        *(measure(half, folder, tell) for half, folder in zip(halves, folders, strict=True))
    )
    rows = sorted((row for half in measured for row in half), key=lambda row: MATRIX.index(row.fault))
    commit = await asyncio.to_thread(
        subprocess.check_output, ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True
    )
    write(rows, commit.strip())

    for row in rows:
        assert row.verdict == "ok", row
        assert max(row.highest_a) <= 25.2, row
        assert not row.fault.falls or (row.safe_s is not None and row.safe_s <= row.fault.within_s), row
