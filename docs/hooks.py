"""Brings what stands outside docs/ into the site: the contract, its examples, and files the pages link to."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
ADDED = (
    "contracts/README.md",
    "contracts/TOPICS.md",
    "contracts/asyncapi.json",
    "contracts/config.schema.json",
    "contracts/explain.schema.json",
    "tests/sabotage/faults.toml",
)


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Add the files, and one page with all golden messages."""
    for name in ADDED:
        files.append(File.generated(config, name, content=(ROOT / name).read_text(encoding="utf-8")))
    files.append(File.generated(config, "contracts/examples.md", content=examples_page()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """In the repository docs/ and contracts/ lie side by side; in the site contracts/ lies inside."""
    if "/" not in page.file.src_uri:
        markdown = re.sub(r"\]\(\.\./(contracts|tests)/", r"](\1/", markdown)
    return re.sub(r"\]\((contracts/)?examples\)", r"](\1examples.md)", markdown)


def examples_page() -> str:
    """Every golden message, by its type."""
    lines = ["# Examples", "", "Golden messages; they are added and never edited.", ""]
    for folder in sorted((ROOT / "contracts" / "examples").iterdir()):
        lines += [f"## {folder.name}", ""]
        for path in sorted(folder.glob("*.json")):
            lines += [f"`{path.name}`", "", "```json", path.read_text(encoding="utf-8").strip(), "```", ""]
    return "\n".join(lines)
