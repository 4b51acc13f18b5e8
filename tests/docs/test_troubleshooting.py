"""The page of symptoms explains what the services really say: every event code, and only reasons that are given."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))

SAYS = {"event", "_event", "report", "_report", "_report_once", "_refuse", "_refused", "refused",
        "Note", "Noted", "Notice", "Refusal", "Refused", "Problem", "Doubt"}  # fmt: skip
"""Calls whose first argument is the code of an event."""


def event_codes() -> set[str]:
    """Every code that stands in the source of a service."""
    found = set()
    for folder in ("services", "shared"):
        for path in (ROOT / folder).rglob("*.py"):
            if "simulator" in str(path.parent) or path.parent.name == "discovery":
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and node.args:
                    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                    if name in SAYS:
                        found |= constants(node.args[0])
    return found


def constants(node: ast.expr) -> set[str]:
    """The codes an expression may be."""
    if isinstance(node, ast.IfExp):
        return constants(node.body) | constants(node.orelse)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value} if re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", node.value) else set()
    return set()


def test_every_event_code_is_explained() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)

    unexplained = {code for code in event_codes() if f"`{code}`" not in text}

    assert len(event_codes()) > 60
    assert unexplained == set()


@cache
def said_in_code() -> str:
    """Every text in the allocator, with one mark where a figure or a name is put in."""
    texts = []
    for path in sorted((ROOT / "services" / "busbar_allocator").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return "\n".join(texts)


def reasons() -> list[str]:
    """Every reason that the page of symptoms explains."""
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    start, meaning = text.split("## The car does not start")[1], text.split("## What a reason means")[1]
    tables = (start.split("\n## ")[0] + meaning.split("\n## ")[0]).splitlines()
    return [
        reason
        for row in tables
        if row.startswith("| `")
        for reason in re.findall(r"`([^`]+)`", row.split(" | ")[0])
    ]


@pytest.mark.parametrize("reason", reasons())
def test_every_reason_that_is_explained_is_one_that_is_given(reason: str) -> None:
    # Figures, phases, names and what is left out divide a sentence into the parts that are always there.
    parts = re.split(
        r"\.\.\.|[\d.]+(?: A\b| W\b| %|)|\b(?:main|left|left-1|right-1|and|on phase [ABC]\b|phase [AB]\b|[ABC]\b|Available|off$)",
        reason,
    )
    fixed = [part.strip(" ,;:()") for part in parts]
    longest = max(fixed, key=len)

    assert len(longest) >= 3
    assert longest in said_in_code()
