"""A relay contact that switches nothing but another device's mind."""

from typing import Protocol


class Contact(Protocol):
    """Anything that is open or closed."""

    on: bool


class DryContact:
    """A contact of its own."""

    def __init__(self) -> None:
        self.on = False
