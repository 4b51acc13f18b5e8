"""The pictures and tables of the modes page are those that the engine draws today."""

from pathlib import Path

import pytest

from scenarios.draw_days import mode_table, pictures, source_table

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["modes-day.svg", "distribution-day.svg"])
def test_a_picture_is_current(name: str) -> None:
    """`python tests/scenarios/draw_days.py` draws them anew."""
    assert (DOCS / name).read_text() == pictures()[name]


def test_the_tables_of_the_modes_page_are_current() -> None:
    page = (DOCS / "modes.md").read_text()

    figures = [row.split("|")[2:] for row in [*mode_table(), *source_table()]]
    rows = [line.split("|")[2:] for line in page.splitlines() if line.startswith("|")]
    assert all(figure in rows for figure in figures)
