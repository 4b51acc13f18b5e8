"""Small state that must outlive a process: one JSON file, written whole or not at all."""

import contextlib
import logging
import os
import tempfile
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")
log = logging.getLogger(__name__)


class StateFile(Generic[T]):
    """One value of a known type in one file.

    A file that cannot be read is kept beside it with the ending `.unreadable` and counts as absent.
    A disk that is full or read-only is reported once and never stops the caller: control comes before history.
    """

    def __init__(self, path: Path, kind: type[T]) -> None:
        self.path = path
        self._kind = kind
        self._last: bytes | None = None
        self.problem: str | None = None
        """What is wrong with the file, in plain English; None when nothing is."""

    def load(self) -> T | None:
        """The value last saved, or None when there is none that can be read."""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self.problem = f"state file {self.path.name} cannot be read: {error.strerror}"
            log.warning(self.problem)
            return None
        try:
            value = msgspec.json.decode(raw, type=self._kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self.problem = f"state file {self.path.name} is not readable ({error}); it is kept as .unreadable"
            log.warning(self.problem)
            with contextlib.suppress(OSError):
                self.path.replace(self.path.with_name(self.path.name + ".unreadable"))
            return None
        self._last = raw
        return value

    def save(self, value: T) -> bool:
        """Write the value so that a crash leaves either the old file or the new one; False when it failed."""
        raw = msgspec.json.encode(value)
        if raw == self._last:
            return True
        try:
            self._write(raw)
        except OSError as error:
            problem = f"state file {self.path.name} cannot be written: {error.strerror}"
            if problem != self.problem:
                log.warning(problem)
            self.problem = problem
            return False
        self._last, self.problem = raw, None
        return True

    def _write(self, raw: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
