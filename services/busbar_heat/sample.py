"""A measured number and its own age."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """A number and when it was measured (monotonic seconds)."""

    value: float
    at_s: float


def fresh(sample: Sample | None, now_s: float, max_age_s: float) -> float | None:
    """The number while it is young enough to be believed, else None."""
    return None if sample is None or now_s - sample.at_s > max_age_s else sample.value
