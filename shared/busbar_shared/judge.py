"""Judges a payload: is it what the contract says? Pure, and never surprised."""

import re
from typing import Any

import msgspec

from busbar_contracts.chargeamps import ScheduleClear
from busbar_contracts.topic import Topic

_DECODERS: dict[Any, msgspec.json.Decoder[Any]] = {}
_PATH = re.compile(r" - at `(?P<path>[^`]*)`$")


class Refused(Exception):
    """The payload is not the contract; nothing may change because of it."""

    def __init__(self, code: str, text: str, path: str = "") -> None:
        super().__init__(text)
        self.code, self.text, self.path = code, text, path


def decode(topic: Topic, payload: bytes) -> Any:
    """The message in the payload, or `Refused` with a code, a sentence and the path of the field."""
    if len(payload) > topic.max_bytes:
        raise Refused("payload_too_large", f"{len(payload)} bytes, at most {topic.max_bytes} are taken")
    if topic.message is ScheduleClear:
        return ScheduleClear()  # any payload is honoured: it is the safe direction
    if not payload:
        raise Refused("payload_empty", "an empty payload")
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        raise Refused("payload_not_utf8", f"byte {error.start} is not UTF-8") from error
    decoder = _DECODERS.get(topic.message)
    if decoder is None:
        decoder = _DECODERS[topic.message] = msgspec.json.Decoder(topic.message)
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError as error:
        text, path = split(str(error))
        raise Refused("off_contract", f"{path}: {text}{_found(payload, path)}", path) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused("payload_not_json", f"not JSON: {error}") from error


def split(message: str) -> tuple[str, str]:
    """A msgspec message as its sentence and the path of the field (`$` for the whole)."""
    found = _PATH.search(message)
    if found is None:
        return message, "$"
    return message[: found.start()], found["path"]


def value_at(data: Any, path: str) -> Any:
    """What stands at a msgspec path such as `$.a[0].b`; None where it cannot be followed."""
    for name, index in re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", path):
        try:
            data = data[int(index)] if index else data[name]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _found(payload: bytes, path: str) -> str:
    try:
        value = value_at(msgspec.json.decode(payload), path)
    except (msgspec.DecodeError, RecursionError):
        return ""
    if value is None or isinstance(value, (dict, list)):
        return ""
    return f" (found {str(value)[:60]!r})"
