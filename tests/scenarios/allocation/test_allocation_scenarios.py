"""Runs the corpus of household instants beside this file; how to write one stands in README.md."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from busbar_allocator.allocate import allocate
from busbar_allocator.check import check
from busbar_allocator.snapshot import Allocation, BadSnapshot, Snapshot

FOLDER = Path(__file__).parent
PER_PHASE = {"grid_a", "current_a", "background_a", "limit_a", "output_a", "voltage_v"}
TOLERANCE = 0.0006


def cases() -> list[Any]:
    """Every instant of every file, with its story as the id."""
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        document = yaml.safe_load(path.read_text())
        for case in document["cases"]:
            found.append(pytest.param(document.get("defaults", {}), case, id=f"{path.stem}: {case['story']}"))
    return found


def the_snapshot(defaults: dict[str, Any], case: dict[str, Any], **settings: Any) -> Snapshot:
    """The case laid over the defaults of its file; loads that are not described want power."""
    site = merged(defaults.get("site", {}), case.get("site", {}))
    now = merged(defaults.get("now", {}), case.get("now", {}))
    site["settings"] = {**site.get("settings", {}), **settings}
    silent = case.get("silent", [])
    now["loads"] = {name: {} for name in site.get("loads", {}) if name not in silent} | (
        now.get("loads") or {}
    )
    return msgspec.convert(spelled_out({"site": site, "now": now}), Snapshot)


def merged(under: Any, over: Any) -> Any:
    """`over` laid over `under`, mapping by mapping."""
    if isinstance(under, dict) and isinstance(over, dict):
        return {**under, **{key: merged(under.get(key), value) for key, value in over.items()}}
    return over


def spelled_out(value: Any, key: str = "") -> Any:
    """`[5, 5, 5]` means phases a, b, c; null is a phase that does not exist."""
    if isinstance(value, dict):
        return {name: spelled_out(one, name) for name, one in value.items()}
    if key in PER_PHASE and isinstance(value, list):
        return {name: one for name, one in zip("abc", value, strict=False) if one is not None}
    if key == "draw_a" and isinstance(value, list):
        return dict(zip(("l1", "l2", "l3"), value, strict=False))
    return value


def compare(allocation: Allocation, expected: dict[str, Any]) -> None:
    """Every figure the case states."""
    for field in ("target", "limit", "available", "reserved"):
        for name, amps in expected.get(field, {}).items():
            found = getattr(allocation.loads[name], f"{field}_a")
            reason = allocation.loads[name].reason
            assert found == pytest.approx(amps, abs=TOLERANCE), f"{field} of {name}: {found} A ({reason})"
    for name, words in expected.get("reason", {}).items():
        assert words in allocation.loads[name].reason
    for name, binding in expected.get("binding", {}).items():
        found = msgspec.json.decode(msgspec.json.encode(allocation.loads[name].binding))
        assert {key: found[key] for key in binding} == binding
    for field in ("charge_limit_w", "discharge_limit_w"):
        for name, watts in expected.get(field, {}).items():
            assert getattr(allocation.batteries[name], field) == pytest.approx(watts, abs=1), field
    for field, value in expected.get("pools", {}).items():
        assert getattr(allocation.pools, field) == pytest.approx(value, abs=1), field
    if "note" in expected:
        assert any(expected["note"] in note for note in allocation.notes), allocation.notes
    for name, amps in expected.get("headroom", {}).items():
        headroom = allocation.circuits[name].headroom_a
        found = [one for one in (headroom.a, headroom.b, headroom.c) if one is not None]
        assert found == pytest.approx(amps, abs=TOLERANCE)


KNOWN = {
    "target", "limit", "available", "reserved", "reason", "binding", "charge_limit_w", "discharge_limit_w",
    "pools", "headroom", "both", "note",
}  # fmt: skip


@pytest.mark.parametrize(("defaults", "case"), cases())
def test_a_household_instant(defaults: dict[str, Any], case: dict[str, Any]) -> None:
    """What the case states is what the engine decides."""
    for distribution, amps in case.get("by_distribution", {}).items():
        allocation = allocate(the_snapshot(defaults, case, distribution=distribution))
        found = [grant.target_a for grant in allocation.loads.values()]
        assert found == pytest.approx(amps, abs=TOLERANCE), distribution
    expected = case.get("expect", {})
    assert not expected.keys() - KNOWN, "a figure that is never compared"
    if "both" in expected:
        expected = {**expected, "target": expected["both"], "limit": expected["both"]}
    if expected:
        compare(allocate(the_snapshot(defaults, case)), expected)
    if "refused" in case:
        snapshot = the_snapshot(defaults, case)
        assert any(case["refused"] in sentence for sentence in check(snapshot)), check(snapshot)
        with pytest.raises(BadSnapshot):
            allocate(snapshot)
    assert expected or "by_distribution" in case or "refused" in case, "the case states nothing"
