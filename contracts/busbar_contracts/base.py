"""The three manners of a message: what is seen, what is asked once, and what is ordered for a while."""

from typing import Annotated

from msgspec import Meta, Struct

from busbar_contracts.units import Instant, Reason


class Observed(Struct, frozen=True, kw_only=True):
    """Something that was seen or decided. Fields a reader does not know are to be ignored."""


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something a service is asked to do once. A field it does not know is an error."""


class Order(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that holds for a lease and then falls to a safe value by itself.

    The receiver counts `lease_s` on its own monotonic clock from arrival.
    It refuses a `seq` not above the last one of the same `instance`.
    """

    issuer: Annotated[
        str,
        Meta(min_length=1, max_length=64, description="Who orders: the name of a service or a program."),
    ]
    instance: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=64,
            description="Random per start of the issuer, so that `seq` may begin again.",
        ),
    ]
    seq: Annotated[int, Meta(ge=0, le=2**62, description="Counts up with every order of this instance.")]
    issued_at: Annotated[Instant, Meta(description="When the order was given, by the issuer's clock.")]
    lease_s: Annotated[
        float,
        Meta(
            gt=0,
            le=86_400,
            description="How long the order holds, counted from arrival.",
            extra_json_schema={"x-unit": "s"},
        ),
    ]
    reason: Annotated[Reason, Meta(description="Why, in plain English.")]
