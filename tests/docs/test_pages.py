"""What the pages say is there: links lead somewhere, commands exist, event codes are explained."""

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import typer
import yaml

from busbar_cli.main import app
from busbar_contracts.topics import match
from busbar_shared.config.load import read
from busbar_shared.config.root import Site
from busbar_shared.judge import decode

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "contracts" / "README.md",
    ROOT / "deploy" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SHELL = {"sh", "bash", "console"}


def pages() -> list[Any]:
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES]


def prose(text: str) -> str:
    return FENCE.sub("", text)


def anchors(page: Path) -> set[str]:
    """What can be linked to in a page: its headings as GitHub and MkDocs write them."""
    found = set()
    for line in prose(page.read_text(encoding="utf-8")).splitlines():
        if line.startswith("#"):
            words = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
            found.add(words.replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", pages())
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for link in LINK.findall(prose(page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor.lower() not in anchors(target)
        ):
            lost.append(link)
    assert lost == []


def commands(text: str) -> Iterator[str]:
    """Every busbar command in a page's shell blocks and inline code."""
    for language, block in FENCE.findall(text):
        if language in SHELL:
            for line in block.replace("\\\n", " ").splitlines():
                for part in re.split(r"\||&&|;", line.split(" #")[0]):
                    if part.strip().startswith("busbar "):
                        yield part.strip()
    yield from re.findall(r"`(busbar [^`]+)`", prose(text))


def problem(command: str) -> str | None:
    """What is wrong with a command line, or None: its words must be known to the command line itself."""
    words = shlex.split(command)[1:]
    here: Any = typer.main.get_command(app)
    context: Any = SimpleNamespace(resilient_parsing=False, obj=None)
    while words and hasattr(here, "list_commands") and not words[0].startswith("-"):
        # In a table get/set are two commands.
        name = words.pop(0).strip(",")
        found = [here.get_command(context, one) for one in name.split("/")]
        if None in found:
            return f"{command}: there is no {name!r}"
        here = found[0]
    options = {name for one in here.params for name in getattr(one, "opts", []) + one.secondary_opts} | {
        "--help"
    }
    for word in words:
        option = word.strip("[],").partition("=")[0]
        if option.startswith("-") and not re.fullmatch(r"-?\d.*", option) and option not in options:
            return f"{command}: there is no option {option!r}"
    return None


@pytest.mark.parametrize("page", pages())
def test_every_command_exists(page: Path) -> None:
    wrong = [said for said in map(problem, commands(page.read_text(encoding="utf-8"))) if said is not None]
    assert wrong == []


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("busbar stauts", id="a command nobody has"),
        pytest.param("busbar meter scna 192.168.1.20", id="a subcommand nobody has"),
        pytest.param("busbar status --yaml", id="an option nobody has"),
    ],
)
def test_a_wrong_command_would_be_found(command: str) -> None:
    assert problem(command) is not None


SECTIONS = set(Site.__struct_fields__)


@pytest.mark.parametrize("page", pages())
def test_every_key_of_a_toml_block_is_one_that_the_file_may_have(page: Path) -> None:
    for language, block in FENCE.findall(page.read_text(encoding="utf-8")):
        if language == "toml":
            data = tomllib.loads(block)
            if "title" not in data:  # a register map, which has a check and a page of its own
                msgspec.convert(data, Site)


MESSAGES = (
    re.compile(r"mosquitto_pub .*-t '?(?P<topic>hems/[\w/-]+)'? -m '(?P<payload>[^']+)'"),
    re.compile(r"`(?P<topic>hems/[\w/-]+/set)` with `(?P<payload>\{[^`]+\})`"),
    re.compile(r"`(?P<payload>\{[^`]+\})` on `(?P<topic>hems/[\w/-]+/set)`"),
)


def messages() -> list[Any]:
    """Every message that a page tells its reader to publish."""
    return [
        pytest.param(found["topic"], found["payload"], id=f"{page.stem}: {found['payload']}")
        for page in PAGES
        for pattern in MESSAGES
        for found in pattern.finditer(page.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(("topic", "payload"), messages())
def test_every_message_a_reader_is_told_to_publish_is_taken(topic: str, payload: str) -> None:
    found = match(topic)
    assert found is not None
    assert found[0].direction == "receive"
    decode(found[0], payload.encode())


def test_the_first_own_site_of_the_quick_start_is_good() -> None:
    text = (ROOT / "docs" / "quick-start.md").read_text(encoding="utf-8")
    [site] = [block for language, block in FENCE.findall(text) if language == "toml"]

    assert read(site).services() == ("meter", "ocpp", "allocator")


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


def test_every_page_is_in_the_table_of_contents_of_the_site() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))

    def leaves(part: Any) -> Iterator[str]:
        if isinstance(part, str):
            yield part
        for one in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            yield from leaves(one)

    listed = list(leaves(site["nav"]))

    assert len(listed) == len(set(listed))
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - set(listed) == set()


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
