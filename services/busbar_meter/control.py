"""Who steers a device at the moment, as readings say it."""

from msgspec import Struct

from busbar_contracts.meter import Control


class Standing(Struct, frozen=True, kw_only=True):
    """The state of our orders to one device."""

    control: Control = Control.UNAVAILABLE
    limit_w: float | None = None
    issuer: str | None = None
    min_w: float | None = None
    max_w: float | None = None
    detail: str = ""


NOT_OFFERED = Standing()
