"""A rest at nothing between ordered charging and ordered discharging, for the makers that need it. Pure."""

import msgspec

from busbar_meter.storage_window import Window


class TurnRest:
    """Remembers when a battery was last ordered to charge."""

    def __init__(self) -> None:
        self._charged_s = float("-inf")

    def eased(self, wanted: Window | None, rest_s: float, now: float) -> Window | None:
        """The window to keep now: the wanted one, or nothing at all until the rest is over."""
        if wanted is None:
            return None
        if (wanted.min_w or 0.0) > 0:
            self._charged_s = now
        if (wanted.max_w or 0.0) < 0 and now - self._charged_s < rest_s:
            return msgspec.structs.replace(wanted, min_w=0.0, max_w=0.0)
        return wanted
