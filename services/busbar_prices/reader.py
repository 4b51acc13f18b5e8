"""Reads one series: puts its source's questions, remembers the answers, makes the message."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from busbar_contracts.prices import PriceSeries
from busbar_prices.config import source_of, tariff_of
from busbar_prices.http import SourceSilent
from busbar_prices.quotes import Found
from busbar_prices.series import Series, made
from busbar_prices.sources.asking import Ask
from busbar_prices.sources.listed import read_file
from busbar_shared.config.root import Site
from busbar_shared.config.services import PriceSource

Fetch = Callable[[Ask], Awaitable[bytes | None]]


class Reader:
    """One series and where it comes from."""

    def __init__(self, site: Site, name: str, told: PriceSource, environ: Mapping[str, str]) -> None:
        self.told, self._file = told, told.file or ""
        self._source = source_of(name, told, environ)
        self.series = Series(
            name=name,
            label=self._source.label if self._source else f"{told.kind}:{Path(self._file or 'topic').name}",
            currency=told.currency,
            all_in=self._source.all_in if self._source else told.options.get("all_in") is True,
            tariff=tariff_of(name, told),
            zone=ZoneInfo(site.site.timezone),
        )
        self._answers: dict[str, bytes] = {}
        self.dropped = 0
        """How many entries of the last answer had no usable price or time."""

    async def once(self, fetch: Fetch, now: datetime) -> PriceSeries:
        """The prices the source knows now; raises `SourceSilent`, `Garbled` or OSError."""
        return self.message(await self._found(fetch, now), now)

    def message(self, found: Found, now: datetime) -> PriceSeries:
        """The message these prices make; raises `Garbled`."""
        self.dropped = found.dropped
        return made(self.series, found, now)

    async def _found(self, fetch: Fetch, now: datetime) -> Found:
        if self._source is None:
            return _read_own(self._file)
        answers: list[bytes | None] = []
        asks = self._source.asks(now)
        for index, ask in enumerate(asks):
            try:
                answer = await fetch(ask)
            except SourceSilent:
                # Today's prices are worth having without tomorrow's, and what was known of it still counts.
                if index == 0:
                    raise
                answer = self._answers.get(ask.url)
            answers.append(answer)
        self._answers = {ask.url: one for ask, one in zip(asks, answers, strict=True) if one is not None}
        return self._source.read(tuple(answers), now)


def _read_own(path: str) -> Found:
    return read_file(Path(path).read_text(encoding="utf-8"))
