"""When the blocks of a unit are searched for again. Pure."""

# After a refusal the chain is searched again: SMA changes the length of 714 between day and night.
SEARCH_AGAIN_S = (60.0, 300.0)
# Without what it is wanted for it is of no use at all: one header refused in the survey must not hide it for long.
MISSING_AGAIN_S = (5.0, 60.0)


class NextSearch:
    """The moment of the next search, if one is wanted. Times in seconds on the monotonic clock.

    The waits grow from the first figure to the second, so that what a device never shows costs little to look for.
    """

    def __init__(self) -> None:
        self._at_s: float | None = None
        self._wait_s = SEARCH_AGAIN_S[0]
        self._missing_wait_s, self._missed_s = MISSING_AGAIN_S[0], float("-inf")

    def is_due(self, now_s: float) -> bool:
        """The wait is over."""
        return self._at_s is not None and now_s >= self._at_s

    def begun(self) -> None:
        """The chain is searched for now; another search has to be wished anew."""
        self._at_s = None

    def soon(self, now_s: float) -> None:
        """Search after a while, unless that is wished already: something that should be here was not readable."""
        if self._at_s is None:
            self._at_s = now_s + self._wait_s
            self._wait_s = min(self._wait_s * 2, SEARCH_AGAIN_S[1])

    def sooner(self, now_s: float) -> None:
        """Search within seconds: what the unit is wanted for was not found.

        The wait is the short one again where nothing was missed for five minutes.
        """
        if now_s - self._missed_s > SEARCH_AGAIN_S[1]:
            self._missing_wait_s = MISSING_AGAIN_S[0]
        self._missed_s = now_s
        if self._at_s is None or now_s + self._missing_wait_s < self._at_s:
            self._at_s = now_s + self._missing_wait_s
            self._missing_wait_s = min(self._missing_wait_s * 2, MISSING_AGAIN_S[1])
