"""What a service writes to its log: text for people, or JSON lines for machines."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from busbar_shared.config.services import LogSection


def configure(section: LogSection, service: str, timezone: str = "UTC") -> None:
    """Send the log to standard error in the wanted form. Times are the owner's in text, UTC in JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines(service) if section.json else _Text(service, timezone))
    logging.basicConfig(level=section.level.upper(), handlers=[handler], force=True)
    for noisy in ("ocpp", "websockets", "pymodbus", "httpx", "httpcore", "busbar_shared.mqtt"):
        # These log every frame, secrets included.
        logging.getLogger(noisy).setLevel(logging.ERROR)


class _Text(logging.Formatter):
    def __init__(self, service: str, timezone: str) -> None:
        super().__init__()
        self._service, self._zone = service, ZoneInfo(timezone)

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, self._zone).strftime("%H:%M:%S.%f")[:-3]
        text = f"{at} {self._service:<10} {record.levelname.lower():<7} {record.getMessage()}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


class _JsonLines(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "service": self._service,
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)
