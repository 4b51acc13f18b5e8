"""The files of a new site: written so that a container can read them and a stranger cannot."""

import re
from pathlib import Path

from busbar_shared.config.load import BadConfig

OURS = (
    "busbar.toml", "acl", "acl.local", "passwords", "compose.env", "secrets", "own", "state",
    "ca.pem", "ca.key", "broker.pem", "broker.key", "ocpp.pem", "ocpp.key",
)  # fmt: skip


def refuse_a_folder_of_others(folder: Path) -> None:
    """Nobody else may look into a site's folder, which would be the end of a machine whose /etc it is."""
    if not folder.is_dir() or (folder / "busbar.toml").exists():
        return
    others = sorted(one.name for one in folder.iterdir() if one.name not in OURS)
    if others:
        raise BadConfig(f"{folder} has other things in it ({others[0]}); a site needs a folder of its own")


OWN = {
    "meter": (),
    "prices": ("entsoe_token", "tibber_token"),
    "chargeamps": ("email", "password", "api_key"),
}
"""Services that may need something of the owner's, and the files for it: a register map, prices, a token, a login."""


def make_own_folders(folder: Path) -> None:
    """Where the owner puts files for one service alone; its container sees them as /run/own. They begin empty."""
    for name, files in OWN.items():
        folder_for_containers(folder / "own" / name)
        for file in files:
            if not (folder / "own" / name / file).exists():
                write(folder / "own" / name / file, "", 0o644)


def literal(text: str) -> str:
    """The text as a value of compose's env file, where a blank, # or $ would mean something."""
    if re.fullmatch(r"[\w/.,:@+-]+", text, re.ASCII):
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def folder_for_containers(folder: Path) -> None:
    """A folder that a container's own user can read, whatever the umask; the one around it keeps others out."""
    for one in (folder.parent, folder):
        if not one.exists():
            one.mkdir()
            one.chmod(0o755)


def text_of(file: Path) -> str:
    """What is in this file; nothing where it is not there. Raises BadConfig where it is no text."""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise BadConfig(f"{file} is not UTF-8: byte {error.start}") from error


def own_rights(file: Path) -> str:
    """The owner's lines for the broker's access list. Raises BadConfig for one that the broker would not understand.

    mosquitto.conf(5): a topic line belongs to the user above it, and a broker of version 2.1 ends at a line it cannot
    read.
    """
    text, known = text_of(file), False
    for number, line in enumerate(text.splitlines(), 1):
        word, _, rest = line.strip().partition(" ")
        if not word or word.startswith("#"):
            continue
        if word not in ("user", "topic", "pattern") or not rest.strip():
            raise BadConfig(f"{file}, line {number}: user, topic or pattern, and of what (found {line!r})")
        known = known or word == "user"
        if word == "topic" and not known:
            raise BadConfig(f"{file}, line {number}: say first whose it is: user NAME (found {line!r})")
    return text


def lines_of(file: Path) -> dict[str, str]:
    """Name and hash of each account in the broker's password file."""
    return dict(line.split(":", 1) for line in text_of(file).splitlines() if ":" in line)


def write(file: Path, text: str, mode: int) -> None:
    """Write it with these rights."""
    # In place where it exists: a container sees the file it was started with, not another of the same name.
    file.touch(mode=mode)
    file.chmod(mode)
    file.write_text(text, encoding="utf-8")
