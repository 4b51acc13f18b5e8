"""A charger that is called as the circuit it hangs on."""

from desk_table import Table

from busbar_contracts.charger import ChargerLimit


def test_a_charger_with_a_limit_of_its_own_and_the_name_of_its_circuit_is_decided_for() -> None:
    left = {"legs": ["a"], "fallback_a": 0.0, "max_current_a": 13.0, "circuit": "left"}
    table = Table(
        chargers={"left": left},
        circuits={
            "main": {"limit_a": 25.0, "meter": "grid", "assumed_background_a": 5.0},
            "left": {"limit_a": 20.0, "parent": "main", "background_a": 0.0},
        },
    )
    table.seconds(20, 2.0, table.plug_in)

    assert table.last(ChargerLimit).limit_a >= 6
