"""Who may charge."""

from collections.abc import Collection


def may_charge(tag: str | None, *, accept_all: bool, listed: Collection[str]) -> bool:
    """Whether this RFID tag may charge. Tags are compared without case (1.6 CiString)."""
    if accept_all:
        return True
    return tag is not None and tag.casefold() in {one.casefold() for one in listed}


def hidden(tag: str | None) -> str:
    """A tag for logs and events: enough to recognise, too little to copy."""
    if not tag:
        return "no tag"
    return f"…{tag[-3:]}" if len(tag) > 5 else "a short tag"
