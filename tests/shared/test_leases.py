"""An order holds for its lease, and nothing old, doubled or retained is taken for new."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from busbar_contracts.charger import ChargerLimit
from busbar_shared.leases import LeaseBook, OrderStamp

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)


def lowers(new: ChargerLimit, current: ChargerLimit | None) -> bool:
    return current is not None and new.limit_a <= current.limit_a


def limit(amps: float, *, seq: int, issued_s: float = 0.0, lease_s: float = 30.0, issuer: str = "allocator",
          instance: str = "one") -> ChargerLimit:  # fmt: skip
    return ChargerLimit(
        issuer=issuer, instance=instance, seq=seq, issued_at=NOON + timedelta(seconds=issued_s),
        lease_s=lease_s, reason="test", limit_a=amps,
    )  # fmt: skip


def offer(
    book: LeaseBook[ChargerLimit], order: ChargerLimit, *, at_s: float, wall_s: float | None = None
) -> str | None:
    refusal = book.offer(
        order, now=NOON + timedelta(seconds=at_s if wall_s is None else wall_s), monotonic=at_s
    )
    return refusal.code if refusal else None


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([(limit(10, seq=1), 0.1)], [None], id="a fresh first order is taken"),
        pytest.param(
            [(limit(10, seq=1), 0), (limit(12, seq=1, issued_s=1), 1)],
            [None, "old_seq"],
            id="the same number twice counts once",
        ),
        pytest.param(
            [(limit(10, seq=5), 0), (limit(12, seq=4, issued_s=1), 1)],
            [None, "old_seq"],
            id="an overtaken order does not count",
        ),
        pytest.param(
            [(limit(10, seq=1), 0), (limit(12, seq=2, issued_s=10), 10)],
            [None, None],
            id="a renewal that keeps pace is taken",
        ),
        pytest.param(
            [(limit(10, seq=1), 0), (limit(14, seq=2, issued_s=10), 60), (limit(15, seq=3, issued_s=20), 60)],
            [None, "out_of_pace", "out_of_pace"],
            id="a burst after a freeze is old",
        ),
        pytest.param(
            [
                (limit(10, seq=1), 0),
                (limit(14, seq=2, issued_s=3610), 10),
                (limit(14, seq=3, issued_s=3620), 20),
            ],
            [None, "out_of_pace", None],
            id="a sender's clock that jumped costs one renewal",
        ),
        pytest.param(
            [(limit(10, seq=1), 0), (limit(8, seq=2, issued_s=10), 500)],
            [None, "out_of_pace"],
            id="after the lease has ended nothing is in force that could be lowered",
        ),
        pytest.param(
            [(limit(16, seq=1), 0), (limit(6, seq=2, issued_s=-900), 5)],
            [None, None],
            id="an order that only lowers is taken whatever its age",
        ),
        pytest.param(
            [(limit(10, seq=1, issued_s=-3600), 0), (limit(10, seq=2, issued_s=-3590), 10)],
            ["first_order_too_old", None],
            id="a sender whose clock is an hour off counts from its second order",
        ),
    ],
)
def test_orders_as_they_arrive(steps: list[tuple[ChargerLimit, float]], expected: list[str | None]) -> None:
    book: LeaseBook[ChargerLimit] = LeaseBook(lowers)

    assert [offer(book, order, at_s=at_s) for order, at_s in steps] == expected


def test_a_lease_ends_by_itself() -> None:
    book: LeaseBook[ChargerLimit] = LeaseBook(lowers)
    offer(book, limit(10, seq=1), at_s=0)

    assert [order.limit_a for order in book.in_force(29.9)] == [10]
    assert book.in_force(30.0) == []


def test_our_calendar_may_jump_without_ending_a_lease() -> None:
    book: LeaseBook[ChargerLimit] = LeaseBook(lowers)
    offer(book, limit(10, seq=1), at_s=0)

    assert offer(book, limit(11, seq=2, issued_s=10), at_s=10, wall_s=7200) is None
    assert [order.limit_a for order in book.in_force(11)] == [11]


def test_a_retained_order_is_refused() -> None:
    book: LeaseBook[ChargerLimit] = LeaseBook(lowers)

    refusal = book.offer(limit(10, seq=1), now=NOON, monotonic=0, retained=True)

    assert refusal is not None
    assert refusal.code == "retained_order"
    assert book.in_force(0) == []


def test_several_issuers_stand_side_by_side() -> None:
    book: LeaseBook[ChargerLimit] = LeaseBook(lowers)
    offer(book, limit(16, seq=1), at_s=0)
    offer(book, limit(9, seq=1, issuer="grid-operator", instance="x", lease_s=10), at_s=0)

    assert sorted(order.limit_a for order in book.in_force(5)) == [9, 16]
    assert [order.limit_a for order in book.in_force(11)] == [16]


def test_strangers_cannot_fill_the_memory() -> None:
    book: LeaseBook[ChargerLimit] = LeaseBook(lowers)
    codes = {
        offer(book, limit(10, seq=1, issuer=f"stranger-{number}", instance=str(number)), at_s=0)
        for number in range(200)
    }

    assert codes == {None, "too_many_issuers"}
    assert len(book.in_force(0)) == 16


def test_a_restart_puts_back_what_was_in_force_with_the_time_it_has_left() -> None:
    book: LeaseBook[ChargerLimit] = LeaseBook(lowers)
    book.restore(limit(10, seq=1), until_s=105.0)

    assert [order.limit_a for order in book.in_force(104.9)] == [10]
    assert book.in_force(105.1) == []


def test_stamps_count_up_and_carry_one_instance() -> None:
    stamp = OrderStamp("allocator")
    first, second = stamp.next(NOON), stamp.next(NOON)

    assert (first["seq"], second["seq"]) == (1, 2)
    assert first["instance"] == second["instance"]
    assert OrderStamp("allocator").instance != stamp.instance


@given(
    st.lists(
        st.tuples(st.floats(0, 32), st.integers(0, 20), st.floats(-100, 100), st.floats(0, 20)),
        min_size=1,
        max_size=30,
    )
)
def test_whatever_arrives_an_order_in_force_was_sent_and_never_outlives_its_lease(
    messages: list[tuple[float, int, float, float]],
) -> None:
    book: LeaseBook[ChargerLimit] = LeaseBook(lowers)
    at_s, taken = 0.0, {}
    for amps, seq, issued_s, pause_s in messages:
        at_s += pause_s
        if offer(book, limit(amps, seq=seq, issued_s=issued_s), at_s=at_s) is None:
            taken[amps] = at_s
    for order in book.in_force(at_s):
        assert at_s - taken[order.limit_a] <= 30.0
    assert book.in_force(at_s + 30.0) == []
