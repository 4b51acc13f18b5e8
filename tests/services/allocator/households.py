"""Small sites for hypothesis, as the JSON object that `busbar explain` reads."""

from typing import Any

from hypothesis import strategies as st

PHASES = ("a", "b", "c")
MODES = ("standard", "standard", "standard", "solar_priority", "solar_only", "solar_only", "excess")
HALVES = st.integers(-40, 40).map(lambda n: n / 2)


@st.composite
def loads(draw: st.DrawFn, phases: list[str], circuits: list[str]) -> dict[str, Any]:
    """A car or a plug somewhere on the site."""
    legs = st.sampled_from(
        [phases, phases, phases[:1], phases[-1:], phases[::-1][:2], [phases[0]] * 2]
        if len(phases) > 1
        else [phases, phases, [phases[0]] * 2]
    )
    load: dict[str, Any] = {
        "mode": draw(st.sampled_from(MODES)),
        "priority": draw(st.integers(1, 3)),
        "phases": draw(legs),
        # Mostly the innermost: that is where rows meet.
        "circuit": draw(st.sampled_from([*circuits, *circuits[-1:], *circuits[-1:]])),
    }
    if draw(st.integers(0, 6)) == 0:
        load["kind"] = "plug"
        load["power_w"] = draw(st.sampled_from((460, 1000, 2000, 3500)))
        if load["mode"] == "standard":
            load["mode"] = "continuous"
        if load["mode"] == "solar_priority":
            load["mode"] = "solar_only"
        return load
    load["min_a"] = draw(st.sampled_from((6, 6, 6, 8, 10, 0)))
    load["max_a"] = draw(st.sampled_from((16, 16, 20, 32, 11)))
    if draw(st.booleans()):
        load["step_a"] = draw(st.sampled_from((1, 1, 2, 0.5)))
    return load


@st.composite
def circuits(draw: st.DrawFn, phases: list[str], size: int) -> dict[str, Any]:
    """A main breaker, and often circuits inside it, one below the other or side by side."""
    main = draw(st.integers(6 * size, 20 * size))
    made: dict[str, Any] = {"main": {"limit_a": main}}
    if draw(st.integers(0, 3)) == 0:
        made["main"]["limit_a"] = {phase: draw(st.integers(5 * size, 16 * size)) for phase in phases}
    parent = "main"
    for n in range(draw(st.sampled_from((0, 1, 1, 2)))):
        made[f"inner-{n}"] = {
            "limit_a": draw(st.integers(4 * size, 14 * size)),
            "parent": parent,
            "background_a": draw(st.sampled_from((0, 0, 2, -3))),
        }
        parent = draw(st.sampled_from(("main", f"inner-{n}", f"inner-{n}")))
    return made


@st.composite
def households(draw: st.DrawFn, most: int = 4, *, batteries: bool = True) -> dict[str, Any]:
    """A site with a contended supply, and one moment of it."""
    phases = list(PHASES[: draw(st.sampled_from((1, 3, 3, 3)))])
    size = draw(st.sampled_from((1, *range(2, most + 1), *range(2, most + 1), most)))
    on = draw(circuits(phases, size))
    names = [f"load-{n}" for n in range(size)]
    settings: dict[str, Any] = {
        "distribution": draw(st.sampled_from(("shared", "priority", "optimized", "strict"))),
        "netting": draw(st.sampled_from(("per_phase", "sum"))),
        "excess_threshold_w": draw(st.sampled_from((0, 500, 2000))),
    }
    if draw(st.integers(0, 2)) == 0:
        settings["max_import_w"] = draw(st.integers(1, 12 * size)) * 460
    if len(phases) > 1 and draw(st.integers(0, 3)) == 0:
        settings["max_unbalance_a"] = draw(st.integers(4, 30))
    if draw(st.integers(0, 5)) == 0:
        settings["power_buffer_w"] = draw(st.sampled_from((230, 1000)))
    site = {
        "phases": phases,
        "circuits": on,
        "loads": {name: draw(loads(phases, list(on))) for name in names},
        "settings": settings,
    }
    sunny = draw(st.booleans())
    shift = -8 * size if sunny else 0
    background = {phase: draw(HALVES) + shift for phase in phases}
    now: dict[str, Any] = {
        "circuits": {"main": {"background_a": background}},
        "loads": {name: {"status": "Charging"} for name in names},
    }
    if batteries and draw(st.integers(0, 2)) == 0:
        site["batteries"] = {"bat": {"charge_limit_w": 3000, "discharge_limit_w": 4000}}
        settings["grid_charging"] = draw(st.booleans())
        soc = draw(st.sampled_from((15, 20, 50, 80, 80.5, 90, 98)))
        now["batteries"] = {"bat": {"power_w": draw(st.integers(-40, 30)) * 100, "soc_percent": soc}}
    return {"site": site, "now": now}
