"""The whole kill matrix, half an hour long; writes its table into docs/kill-matrix.md. Run by `make soak`."""

import asyncio
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kill_judge import Row, judged, measure
from kills import CAR, MATRIX, PAIRS, WHOLE, Fault, as_table
from soak_report import put

pytestmark = [pytest.mark.soak, pytest.mark.system, pytest.mark.timeout(3600)]

PAGE = Path(__file__).parents[2] / "docs" / "kill-matrix.md"
HOUSES: tuple[tuple[str, Sequence[Fault]], ...] = (
    ("car", CAR[0::2]), ("car", CAR[1::2]), ("car", PAIRS), ("whole", WHOLE)
)  # fmt: skip


async def test_every_part_fails_and_the_page_is_written(tmp_path: Path) -> None:
    def tell(row: Row) -> None:
        print(as_table([row]).splitlines()[-1], flush=True)

    async def in_a_house(number: int, kind: str, faults: Sequence[Fault]) -> list[Row]:
        folder = tmp_path / str(number)
        folder.mkdir()
        return await measure(kind, faults, folder, tell)

    measured = await asyncio.gather(
        *(in_a_house(number, kind, faults) for number, (kind, faults) in enumerate(HOUSES))
    )
    rows = sorted((row for some in measured for row in some), key=lambda row: MATRIX.index(row.fault))
    commit = await asyncio.to_thread(
        subprocess.check_output, ["git", "rev-parse", "--short", "HEAD"], cwd=PAGE.parent, text=True
    )
    put(
        "measured",
        f"Measured at commit {commit.strip()} on {datetime.now(UTC).date()}.\n\n{as_table(rows)}",
        PAGE,
    )
    for row in rows:
        judged(row)
