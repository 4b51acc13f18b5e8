"""The short form of the kill matrix: three houses at once, each with one part frozen at full power."""

import asyncio
from pathlib import Path

import pytest

from kills import BREAKER_A, MATRIX, SHORT, TOLERANCE_A, Row, measure

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

DOCS = Path(__file__).parents[2] / "docs" / "kill-matrix.md"


def judged(row: Row) -> None:
    """What must be so of every row of the matrix."""
    name = f"{row.fault.what} {row.fault.how}"
    assert row.verdict == "ok", f"{name}: a phase was overloaded by the loads"
    assert max(row.highest_a) <= BREAKER_A + TOLERANCE_A, f"{name}: {row.highest_a} A behind {BREAKER_A:g} A"
    if row.fault.falls:
        assert row.safe_s is not None, name
        assert row.safe_s <= row.fault.within_s, f"{name}: {row.safe_s:.1f} s of {row.fault.within_s:g} s"


async def test_frozen_parts_are_safe_in_the_stated_time_and_resume_by_themselves(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(len(SHORT))]
    for folder in folders:
        folder.mkdir()

    found = await asyncio.gather(
        *(measure([fault], folder, judged) for fault, folder in zip(SHORT, folders, strict=True))
    )

    assert [len(rows) for rows in found] == [1] * len(SHORT)


@pytest.mark.parametrize("fault", MATRIX, ids=lambda fault: f"{fault.what} {fault.how}")
def test_the_table_in_the_docs_has_every_fault(fault: object) -> None:
    from kills import Fault

    assert isinstance(fault, Fault)
    assert f"| {fault.what} | {fault.how} | {fault.within_s:g} s |" in DOCS.read_text(encoding="utf-8")
