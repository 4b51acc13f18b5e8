"""What the pages say is there: links lead somewhere, commands, keys and messages are taken."""

import re
import shlex
import tomllib
from collections.abc import Iterator
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
