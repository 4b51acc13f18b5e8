"""The short form of the kill matrix: three houses at once, in each two parts go wrong at full power.

What was measured must give the very table that stands in docs/kill-matrix.md; BUSBAR_WRITE_DOCS=1 writes it.
"""

import asyncio
import os
from pathlib import Path

import pytest

from kill_judge import judged, measure
from kills import MATRIX, SHORT, Fault, as_short_table
from soak_report import put

pytestmark = [pytest.mark.system, pytest.mark.timeout(480)]

PAGE = Path(__file__).parents[2] / "docs" / "kill-matrix.md"


async def test_parts_that_fail_are_safe_in_the_stated_time_and_the_page_says_so(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(len(SHORT))]
    for folder in folders:
        folder.mkdir()

    found = await asyncio.gather(
        *(measure("car", faults, folder, judged) for faults, folder in zip(SHORT, folders, strict=True))
    )

    table = as_short_table([row for rows in found for row in rows])
    if os.environ.get("BUSBAR_WRITE_DOCS") == "1":
        put("short", table, PAGE)
    assert table in PAGE.read_text(encoding="utf-8"), f"the page differs from what was measured:\n{table}"


@pytest.mark.parametrize("fault", MATRIX, ids=lambda fault: f"{fault.what} {fault.how}")
def test_the_table_in_the_docs_has_every_fault(fault: Fault) -> None:
    assert f"| {fault.what} | {fault.how} | {fault.within_s:g} s |" in PAGE.read_text(encoding="utf-8")
