"""Something that stands otherwise than it was told, for longer than it may need to obey."""


class Contradiction:
    """Notices it once each time. Times in seconds on the monotonic clock."""

    def __init__(self, patience_s: float) -> None:
        """How long it may take to obey."""
        self.patience_s = patience_s
        self.lasts = False
        """It stands otherwise, and has had its time."""
        self._since_s: float | None = None

    def begins(self, differs: bool, now_s: float) -> bool:
        """True once, when the patience is over."""
        if not differs:
            self._since_s, self.lasts = None, False
            return False
        if self._since_s is None:
            self._since_s = now_s
        was, self.lasts = self.lasts, now_s - self._since_s >= self.patience_s
        return self.lasts and not was
