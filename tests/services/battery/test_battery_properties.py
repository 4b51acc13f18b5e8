"""What holds for every input of the battery decision, and a search that finds the same answer another way."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from busbar_battery.decide import Decision, decide
from busbar_battery.inputs import Inputs

INF = float("inf")
hundreds = st.integers(0, 150).map(lambda n: n * 100.0)
limit = st.none() | st.integers(0, 120).map(lambda n: n * 100.0)
percent = st.integers(0, 100).map(float)


@st.composite
def situations(draw: st.DrawFn, deadband: bool = False) -> Inputs:
    """A house at one instant: any sun, house and battery power that balance, with any limits and wishes."""
    pv, load = draw(hundreds), draw(hundreds)
    battery = draw(st.integers(-100, 100)) * 100.0
    return Inputs(
        pv=pv,
        battery=battery,
        grid=load + battery - pv,
        soc=draw(st.none() | percent),
        soc_target=draw(st.none() | percent),
        soc_min=draw(percent),
        soc_max=draw(percent),
        charge_max=draw(limit),
        discharge_max=draw(limit),
        wire_charge_max=draw(st.none() | limit),
        wire_discharge_max=draw(st.none() | limit),
        export_limit=draw(limit),
        import_limit=draw(limit),
        gen_limit=draw(st.none() | limit),
        priority=draw(st.sampled_from([None, "battery_first", "export_first"])),
        grid_charging=draw(st.booleans()),
        grid_charging_max=draw(limit),
        import_target=draw(limit),
        export_target=draw(limit),
        deadband=draw(st.sampled_from([0.0, 100.0, 500.0])) if deadband else 0.0,
        unknown_soc=draw(st.sampled_from(["conservative", "permissive"])),
    )


def decided(inputs: Inputs) -> Decision:
    answer = decide(inputs)
    assert isinstance(answer, Decision), answer
    return answer


def same(left: float | None, right: float | None) -> bool:
    return left == right or (left is not None and right is not None and abs(left - right) < 1e-6)


@given(situations(deadband=True))
def test_the_flows_balance_at_the_meter(inputs: Inputs) -> None:
    answer = decided(inputs)
    load = inputs.pv - inputs.battery + inputs.grid

    assert answer.pv is not None
    assert answer.import_ is not None
    assert answer.export is not None
    if "export_limit_exceeded" not in answer.flags:
        assert same(answer.pv + answer.import_, load + answer.battery + answer.export)
    assert same(answer.import_ * answer.export, 0)


@given(situations(deadband=True))
def test_no_limit_of_battery_wire_export_or_generation_is_passed(inputs: Inputs) -> None:
    answer = decided(inputs)
    charge = min(_inf(inputs.charge_max), _inf(inputs.wire_charge_max))
    discharge = min(_inf(inputs.discharge_max), _inf(inputs.wire_discharge_max))

    assert -discharge <= answer.battery <= charge
    assert answer.export <= _inf(inputs.export_limit)
    generated = answer.pv + max(0.0, -answer.battery)
    assert generated <= max(_inf(inputs.gen_limit), 0) + 1e-6
    if inputs.soc is not None and inputs.soc >= inputs.soc_max:
        assert answer.battery <= 0
    if inputs.soc is not None and inputs.soc <= inputs.soc_min:
        assert answer.battery >= 0


@given(situations(deadband=True))
def test_grid_energy_enters_the_battery_only_when_allowed(inputs: Inputs) -> None:
    answer = decided(replace(inputs, grid_charging=False))

    assert answer.battery <= 0 or answer.import_ < 1e-6


@given(situations(deadband=True))
def test_a_silent_allocator_means_no_grid_charging_and_no_forced_export(inputs: Inputs) -> None:
    answer = decided(replace(inputs, wire_stale=True))

    assert answer.battery <= 0 or answer.import_ < 1e-6
    assert answer.battery >= 0 or answer.export < 1e-6


@given(situations(deadband=True), st.integers(-200, 200))
def test_what_the_battery_does_now_changes_nothing(inputs: Inputs, hundred: int) -> None:
    shifted = replace(inputs, battery=inputs.battery + hundred * 100, grid=inputs.grid + hundred * 100)

    assert decided(inputs) == decided(shifted)


@given(situations(), st.integers(-500, 500), st.sampled_from(["pv", "load", "battery"]))
def test_a_small_change_of_the_house_is_a_small_change_of_the_battery(
    inputs: Inputs, change: int, what: str
) -> None:
    if what == "pv":
        moved = replace(
            inputs, pv=inputs.pv + max(change, -inputs.pv), grid=inputs.grid - max(change, -inputs.pv)
        )
    elif what == "load":
        moved = replace(inputs, grid=inputs.grid + change)
    else:
        moved = replace(inputs, battery=inputs.battery + change)

    assert abs(decided(inputs).battery - decided(moved).battery) <= abs(change) + 1e-6


@given(situations(deadband=True))
def test_once_done_the_same_is_decided_again(inputs: Inputs) -> None:
    answer = decided(inputs)
    load = inputs.pv - inputs.battery + inputs.grid
    later = replace(inputs, pv=answer.pv, battery=answer.battery, grid=load + answer.battery - answer.pv)

    assert same(decided(later).battery, answer.battery)


@given(situations())
def test_the_caps_let_exactly_the_expected_sun_through(inputs: Inputs) -> None:
    answer = decided(inputs)

    if answer.solar_limit is not None and answer.battery >= 0:
        assert answer.pv <= answer.solar_limit + 1e-6
        assert same(answer.pv, min(inputs.pv, answer.solar_limit))


@settings(max_examples=300)
@given(situations())
def test_an_exact_search_over_the_owners_wishes_agrees(inputs: Inputs) -> None:
    assert decided(inputs).battery == searched(inputs)


def searched(inputs: Inputs) -> float:
    """What a patient accountant would pick: every possible power tried, wishes compared in order."""
    own = asdict(inputs)
    soc, top, floor = own["soc"], own["soc_max"], own["soc_min"]
    trusting = own["unknown_soc"] == "permissive"
    below = soc is None or (soc < top and (own["soc_target"] is None or soc < own["soc_target"]))
    may_charge = soc is None or soc < top
    may_give = trusting if soc is None else soc > floor
    active = own["grid_charging"] and below and may_charge and (soc is not None or trusting)
    active = active and 0 not in (own["charge_max"], own["wire_charge_max"])
    sun = min(own["pv"], _inf(own["gen_limit"]))
    surplus = sun - (own["pv"] - own["battery"] + own["grid"])
    bounds = ("charge_max", "wire_charge_max", "grid_charging_max", "import_target", "import_limit")
    if active and all(own[name] is None for name in bounds):
        return max(0.0, surplus)

    def possible(power: float) -> bool:
        if (power > 0 and not may_charge) or (power < 0 and not may_give):
            return False
        if power > min(_inf(own["charge_max"]), _inf(own["wire_charge_max"])):
            return False
        if -power > min(_inf(own["discharge_max"]), _inf(own["wire_discharge_max"])):
            return False
        if power < 0 and sun - power > _inf(own["gen_limit"]):
            return False
        from_grid = max(0.0, power - max(0.0, surplus))
        if not active:
            return from_grid == 0
        imported = max(0.0, power - surplus)
        return from_grid <= _inf(own["grid_charging_max"]) and (
            from_grid == 0 or imported <= _inf(own["import_target"])
        )

    def regret(power: float) -> tuple[Any, ...]:
        imported, spare = max(0.0, power - surplus), max(0.0, surplus - power)
        over = max(0.0, imported - _inf(own["import_limit"]))
        lost = max(0.0, spare - _inf(own["export_limit"]))
        if active:
            return over, -power
        if own["grid_charging"]:
            return over, lost, abs(power)
        target = min(own["export_target"] or 0.0, _inf(own["export_limit"]))
        first = (over, max(0.0, target - spare), imported)
        if below and own["priority"] != "export_first":
            return *first, -power
        return *first, lost, abs(power)

    powers = [n * 100.0 for n in range(-300, 301)]
    return min((p for p in powers if possible(p)), key=regret)


def _inf(value: float | None) -> float:
    return INF if value is None else value
