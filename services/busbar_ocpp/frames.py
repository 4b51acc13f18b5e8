"""OCPP-J frames as text: read without trust, written only if the official schemas allow them.

The only file that imports `ocpp`, for its schemas and its errors.
"""

from collections import OrderedDict
from typing import Any

import msgspec
import ocpp.messages
from msgspec import Struct
from ocpp.exceptions import OCPPError

ocpp.messages.ASYNC_VALIDATION = False  # a thread for each frame costs more than it saves

Payload = dict[str, Any]

CALL, RESULT, ERROR = 2, 3, 4
LONGEST_ID = 36
SECRETIVE = frozenset({"ChangeConfiguration", "SetVariables"})
# Every charger is asked the same questions when it comes; what a schema allowed once it allows again.
REMEMBERED = 500
_allowed: OrderedDict[tuple[str, str, bytes], None] = OrderedDict()
SCHEMAS = {"1.6": "1.6", "2.0.1": "2.0.1", "2.1": "2.1"}

# OCPP-J 1.6 table 7 and 2.0.1 part 4 table 8 spell two of the errors differently.
FORMAT_ERROR = {"1.6": "FormationViolation"}


class Call(Struct, frozen=True):
    """Somebody asks something."""

    id: str
    action: str
    payload: Payload


class Result(Struct, frozen=True):
    """The answer to a call."""

    id: str
    payload: Payload


class Error(Struct, frozen=True):
    """A call was not understood or not served."""

    id: str
    code: str
    text: str


class BadFrame(Exception):
    """Not an OCPP message. Answer with the code where there is an id to answer to, and go on."""

    def __init__(self, code: str, text: str, id: str | None = None) -> None:
        super().__init__(text)
        self.code, self.text, self.id = code, text, id


class OffSchema(Exception):
    """We were about to send something the protocol does not allow. Do not send it."""


def read(text: str | bytes, version: str) -> Call | Result | Error:
    """The message in a frame, or `BadFrame` with the error it deserves."""
    format_error = FORMAT_ERROR.get(version, "FormatViolation")
    try:
        frame = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadFrame(format_error, f"not JSON: {str(error)[:100]}") from error
    if not isinstance(frame, list) or len(frame) < 3:
        raise BadFrame(format_error, "not an array of three or more elements")
    kind, id = frame[0], frame[1]
    if not isinstance(id, str) or not 0 < len(id) <= LONGEST_ID * 4:
        raise BadFrame(format_error, "no message id")
    if kind == CALL:
        return _call(frame, id, version)
    if kind == RESULT:
        return Result(id, frame[2] if isinstance(frame[2], dict) else {})
    if kind == ERROR:
        text_ = frame[3] if len(frame) > 3 and isinstance(frame[3], str) else ""
        return Error(id, str(frame[2])[:60], text_[:250])
    raise BadFrame(
        "MessageTypeNotSupported" if version != "1.6" else format_error, f"no message type {kind!r}", id
    )


async def call(id: str, action: str, payload: Payload, version: str) -> str:
    """The text of a call, or `OffSchema`."""
    said = version, action, msgspec.json.encode(payload)
    if said not in _allowed:
        try:
            await ocpp.messages.validate_payload(ocpp.messages.Call(id, action, payload), SCHEMAS[version])
        except OCPPError as error:
            # The cause quotes the payload, and a setting may be a secret.
            cause = "" if action in SECRETIVE else str(error.details.get("cause", ""))[:500]
            raise OffSchema(f"{action}: {error.description} {cause}".strip()) from None
        if action not in SECRETIVE:
            _allowed[said] = None
            while len(_allowed) > REMEMBERED:
                _allowed.popitem(last=False)
    return plain_call(id, action, payload)


def plain_call(id: str, action: str, payload: Payload) -> str:
    """The text of a call that was already said by somebody else and is passed on as it came."""
    return msgspec.json.encode([CALL, id, action, payload]).decode()


def result(id: str, payload: Payload) -> str:
    """The text of an answer."""
    return msgspec.json.encode([RESULT, id, payload]).decode()


def error(id: str, code: str, text: str) -> str:
    """The text of a refusal; the description has room for 255 characters."""
    return msgspec.json.encode([ERROR, id, code, text[:255], {}]).decode()


def _call(frame: list[Any], id: str, version: str) -> Call:
    format_error = FORMAT_ERROR.get(version, "FormatViolation")
    if len(frame) < 4 or not isinstance(frame[2], str) or not isinstance(frame[3], dict):
        raise BadFrame(format_error, "a call has an action and a payload", id)
    return Call(id, frame[2], frame[3])
