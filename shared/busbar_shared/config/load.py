"""Reads busbar.toml: everything is checked before the first connection is opened, and what is wrong is a sentence."""

import os
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from busbar_shared.config.checks import problems
from busbar_shared.config.root import Site
from busbar_shared.judge import split, value_at


class BadConfig(Exception):
    """The configuration cannot be used. The message has one sentence a line; each names the key and the value."""


def read_file(path: Path) -> Site:
    """The site in this file. Raises BadConfig."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadConfig(f"{path.name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadConfig(f"{path.name} is not UTF-8: byte {error.start}") from error
    return read(text)


def read(text: str) -> Site:
    """The site in this text. Raises BadConfig with every problem found."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"not TOML: {error}") from error
    except RecursionError as error:
        raise BadConfig("not TOML that can be read: nested too deeply") from error
    if wrong := list(_wrong_sections(data)):
        raise BadConfig("\n".join(wrong))
    try:
        site = msgspec.convert(data, Site)
    except msgspec.ValidationError as error:
        raise BadConfig(str(error)) from error
    if wrong := list(problems(site)):
        raise BadConfig("\n".join(wrong))
    return site


def _wrong_sections(data: Mapping[str, Any]) -> Iterator[str]:
    kinds = typing.get_type_hints(Site)
    for name, value in data.items():
        if name not in kinds:
            yield f"{name}: no such section; there are {', '.join(kinds)}"
            continue
        yield from _wrong(name, value, kinds[name])


def _wrong(where: str, value: Any, kind: Any) -> Iterator[str]:
    entry = _entry_type(kind)
    if entry is not None and isinstance(value, dict):
        for key, one in value.items():
            if not _is_id(key):
                yield f"{where}.{key}: an id has lower case letters, digits, - and _, at most 63 (found {key!r})"
            yield from _wrong(f"{where}.{key}", one, entry)
        return
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        text, path = split(str(error))
        found = value_at(value, path)
        shown = "" if found is None or isinstance(found, (dict, list)) else f" (found {found!r})"
        yield f"{where}{path.removeprefix('$')}: {text}{shown}"


def _entry_type(kind: Any) -> Any:
    """The struct in a table of structs, or None."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return None
    if typing.get_origin(kind) is dict:
        entry = typing.get_args(kind)[1]
        return entry if isinstance(entry, type) and issubclass(entry, msgspec.Struct) else None
    return None


def _is_id(key: str) -> bool:
    return (
        0 < len(key) <= 63
        and key[0].isascii()
        and key[0].isalnum()
        and all(one.isascii() and (one.islower() or one.isdigit() or one in "-_") for one in key)
    )


def secret(name: str | None, environ: Mapping[str, str] = os.environ, *, service: str = "") -> str | None:
    """The secret in the environment variable NAME, or in the file that NAME_FILE names; None when neither is set.

    `{service}` in the name of the file stands for the service, so that one setting serves `busbar up`.
    Raises BadConfig when the file cannot be read. The secret itself is in no message.
    """
    if not name:
        return None
    if file := environ.get(f"{name}_FILE"):
        file = file.replace("{service}", service) if service else file
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadConfig(f"{name}_FILE: the file {file} cannot be read") from error
    return environ.get(name)
