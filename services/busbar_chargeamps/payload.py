"""From the bytes of a `schedule/set` message to one JSON object, or the reason why not.

Rules 1 to 6 of the contract, in their order.  Nothing here trusts the sender: size is judged before
decoding, a nesting bomb is an ordinary refusal, and a key given twice has no right reading.
"""

import json
from typing import Any, NoReturn


class Refused(Exception):
    """The message is refused as a whole and changes nothing; its sender reads why in the status."""

    def __init__(self, code: str, path: str | None = None, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code
        self.path = path
        self.message = message or code.replace("_", " ")


class Ignored(Exception):
    """The message says nothing new; it changes nothing and is no error."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message or code.replace("_", " ")


def speakable(text: str) -> bool:
    """False for half a surrogate pair, which JSON can escape and no UTF-8 can hold."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def spoken(text: str) -> str:
    """The text with everything replaced that cannot be written as UTF-8."""
    return text.encode("utf-8", "replace").decode()


def decode(payload: bytes, *, max_bytes: int = 65_536) -> dict[str, Any]:
    """The object a payload holds; raises `Ignored` or `Refused` by the contract's first six rules."""
    if not payload:
        # The way a broker client deletes a retained message; it is not a command.
        raise Ignored("payload_empty", "an empty message on set is no command")
    if len(payload) > max_bytes:
        raise Refused("payload_too_large", None, f"{len(payload)} bytes, at most {max_bytes} are read")
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("payload_not_utf8", None, f"byte {error.start} is not UTF-8") from error
    twice: list[str] = []
    value = _json(text, twice)
    if twice:
        name = spoken(twice[0][:64])
        raise Refused("payload_duplicate_key", name, f"{name!r} is given twice")
    if not isinstance(value, dict):
        raise Refused("payload_not_object", None, "a schedule is one JSON object")
    return value


def _json(text: str, twice: list[str]) -> Any:
    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for key, value in found:
            if key in members:
                twice.append(key)
            members[key] = value
        return members

    def constant(name: str) -> NoReturn:
        raise ValueError(f"{name} is not JSON")

    try:
        return json.loads(text, object_pairs_hook=pairs, parse_constant=constant, parse_int=_integer)
    except RecursionError as error:
        raise Refused("payload_not_json", None, "nested too deeply") from error
    except ValueError as error:
        raise Refused("payload_not_json", None, str(error)[:200]) from error


def _integer(digits: str) -> int | float:
    # Beyond what a float holds a number is infinite for every purpose here, and Python would refuse
    # to convert more than 4300 digits.
    return int(digits) if len(digits) <= 300 else float(digits)
