"""A charger that nobody can limit: its wires are reserved at its most while a car is there, and counted once."""

from desk_table import NIGHT, Table

from busbar_contracts.charger import ChargerLimit, ChargerState, ConnectorStatus, LegSample, Session


def test_what_it_draws_is_not_kept_free_a_second_time() -> None:
    table = Table(
        chargers={
            "left": {"legs": ["a"], "fallback_a": 0.0},
            "old": {"legs": ["a"], "controllable": False, "max_a": 16.0},
        },
        circuits={"main": {"limit_a": 35.0, "meter": "grid", "assumed_background_a": 5.0}},
    )

    def say() -> None:
        table.plug_in()
        state = ChargerState(
            at=table.wall, status=ConnectorStatus.CHARGING, link=True, controllable=False, sampled_at=table.wall,
            l1=LegSample(current_a=16.0), session=Session(id="2", transaction="2", started_at=NIGHT),
        )  # fmt: skip
        table.hear(state, charger="old", connector="1")

    # 16 A of the old charger and 2 A of the house: 17 A are left.
    table.seconds(20, 18.0, say)

    assert table.last(ChargerLimit).limit_a >= 6
