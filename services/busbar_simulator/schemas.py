"""What the official OCPP schemas have against a call: a charge point that is strict refuses it for that.

The only file here that imports the `ocpp` package, and no more of it than the schemas that come with it.
"""

import json
from decimal import Decimal
from functools import lru_cache
from typing import Any

from ocpp.messages import get_validator

CALL = 2


@lru_cache(maxsize=256)
def _validator(version: str, action: str) -> Any:
    try:
        # 1.6 wants one decimal of limits; binary fractions would all fail that test.
        return get_validator(CALL, action, version, parse_float=Decimal)
    except OSError:
        return None


def violation(version: str, action: str, payload: Any) -> str | None:
    """What the official schema has against a call, or None; unknown actions are not its business."""
    validator = _validator(version, action) if action.isalnum() else None
    if validator is None:
        return None
    exact = json.loads(json.dumps(payload), parse_float=Decimal)
    error = next(iter(validator.iter_errors(exact)), None)
    return None if error is None else f"{'.'.join(map(str, error.path))}: {error.message}"
