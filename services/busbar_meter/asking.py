"""What is asked of a device after all it refused: requests narrowed, joined again, and tried again. Pure."""

from collections.abc import Callable, Iterable

from busbar_meter.answers import DEVICE_FAILURE
from busbar_meter.readplan import Read, Span, narrower, plan, replaced

# A "device failure" that comes back this often for the same registers is a refusal of them.
FAILURES_REFUSE = 3


class Asking:
    """The requests for the fast and for the slow blocks of one unit, and what was learned of its refusals."""

    def __init__(self) -> None:
        self._plans: dict[bool, tuple[Read, ...]] = {}
        # Plans in which a piece was refused altogether, and those put together again since the last search.
        self._holes: set[bool] = set()
        self._joined: set[bool] = set()
        # What was refused down to the single point and is asked for no more.
        self._dropped: tuple[Read, ...] = ()
        self._failures: dict[Read, int] = {}

    def reads(self, slow: bool, spans: Callable[[], Iterable[Span]]) -> tuple[Read, ...]:
        """The requests of a cycle; planned from the spans when they are asked for first."""
        if slow not in self._plans:
            self._plans[slow] = plan(spans())
        return self._plans[slow]

    def searched_again(self) -> "Asking":
        """What is left of it after a search that found the same chain.

        Known holes are read around, and what lies between them is joined once more. Without any hole the
        device is asked as at first: a refusal that passed must not leave ever smaller requests behind.
        """
        if not self._dropped:
            return Asking()
        self._holes, self._joined, self._failures = set(self._plans), set(), {}
        return self

    def lost(self, wanted: Iterable[tuple[bool, int]]) -> bool:
        """Whether a wanted block, by its start, is not read at all any more, not even its header."""
        starts = {span.start for reads in self._plans.values() for read in reads for span in read.spans}
        return any(start not in starts for slow, start in wanted if slow in self._plans)

    def narrowed(self, slow: bool, request: Read, code: int) -> tuple[Read, ...]:
        """The smaller requests that take the place of a refused one, now and from now on."""
        parts = narrower(request)
        if code == DEVICE_FAILURE:
            # Its pieces have failed as often as the whole.
            self._failures |= dict.fromkeys(parts, FAILURES_REFUSE - 1)
        self._plans[slow] = replaced(self._plans[slow], request, parts)
        if not parts:
            self._dropped += (request,)
            if slow not in self._joined:
                self._holes.add(slow)
                self._joined.add(slow)
        return parts

    def failed(self, request: Read) -> bool:
        """The device failed over a request; whether that has happened too often to be an accident."""
        self._failures[request] = self._failures.get(request, 0) + 1
        return self._failures[request] >= FAILURES_REFUSE

    def answered(self, request: Read) -> None:
        """The device did not fail over it this time."""
        self._failures.pop(request, None)

    def all_answered(self, slow: bool, asked: tuple[Read, ...]) -> None:
        """A cycle is over. What lies side by side between holes is asked together again, once it is clear."""
        if self._plans.get(slow) == asked and slow in self._holes:
            self._holes.discard(slow)
            self._plans[slow] = plan((span for request in asked for span in request.spans), gap=0)

    def next_dropped(self) -> Read | None:
        """One of the points that are asked for no more, in turn."""
        if not self._dropped:
            return None
        first, *others = self._dropped
        self._dropped = (*others, first)
        return first
