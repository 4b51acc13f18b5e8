"""What the engine must decide on a small site, found by plain search in exact fractions.

Written from the rule, not from the engine, and importing nothing from it: rows are listed one by one, a
grant is tried by adding it up on every row, and nothing is fast. A snapshot is the JSON object that
`busbar explain` reads, with every background given.
"""

from collections.abc import Iterable
from fractions import Fraction
from itertools import permutations, product
from typing import Any, NamedTuple

URGENCY = {"standard": 1, "continuous": 1, "solar_priority": 2, "solar_only": 3, "excess": 4}
LOTS = Fraction(10**9)
TENTH = Fraction(1, 10)

Uses = dict[str, Fraction]
Grants = dict[str, Fraction]


class Row(NamedTuple):
    """A capacity, and what one ampere per leg of each load uses of it."""

    name: str
    capacity: Fraction
    use: Uses
    source: bool = False


class Wish(NamedTuple):
    """A load that wants power."""

    name: str
    urgency: int
    rank: tuple[int, int, int]
    least: Fraction
    most: Fraction
    step: Fraction
    stepped: bool
    watts: Fraction


class House:
    """The snapshot as rows and wishes."""

    def __init__(self, snapshot: dict[str, Any]) -> None:
        self.site = snapshot["site"]
        self.now = snapshot["now"]
        self.settings = self.site.get("settings", {})
        self.phases = self.site.get("phases", ["a", "b", "c"])
        self.volt = exact(self.settings.get("voltage_v", 230))
        self.root = next(n for n, c in self.site["circuits"].items() if c.get("parent") is None)
        self.wishes = sorted(self._wishes(), key=lambda wish: wish.rank)
        self.background = self.background_of(self.root)
        self.battery = self._battery()

    def legs(self, load: str) -> list[str]:
        """The phase of each leg in use."""
        phases = self.site["loads"][load].get("phases") or self.phases
        used = self.now["loads"].get(load, {}).get("legs_in_use")
        return [phases[int(leg[1]) - 1] for leg in used] if used else list(phases)

    def background_of(self, circuit: str) -> dict[str, Fraction]:
        """Not managed, per phase."""
        given = self.now.get("circuits", {}).get(circuit, {}).get("background_a")
        if given is None:
            given = self.site["circuits"][circuit]["background_a"]
        return per_phase(given, self.phases)

    def _wishes(self) -> Iterable[Wish]:
        for index, (name, load) in enumerate(self.site["loads"].items()):
            if self.now["loads"].get(name, {}).get("status", "charging") == "Available":
                continue
            watts = self.volt * len(self.legs(name))
            kind = load.get("kind", "evse")
            urgency = URGENCY[load.get("mode", "standard" if kind == "evse" else "continuous")]
            if "power_w" in load:
                amps = exact(load["power_w"]) / watts
                least, most, step, stepped = amps, amps, amps, True
            else:
                stepped = "step_a" in load
                step = exact(load.get("step_a", TENTH))
                least = -(-exact(load.get("min_a", 6)) // step) * step
                most = exact(load.get("max_a", 16)) // step * step
            if least <= most:
                rank = (urgency, load.get("priority", 1), index)
                yield Wish(name, urgency, rank, least, most, step, stepped, watts)

    def _battery(self) -> dict[str, Fraction] | None:
        """The one battery: what each kind of pool may add to the export (W)."""
        if not self.site.get("batteries"):
            return None
        [(name, battery)] = self.site["batteries"].items()
        state = self.now["batteries"][name]
        power, soc = exact(state["power_w"]), exact(state["soc_percent"])
        target = exact(battery.get("soc_target_percent", 80))
        charge, give = (exact(battery.get(f, 5000)) for f in ("charge_limit_w", "discharge_limit_w"))
        if soc <= exact(battery.get("soc_min_percent", 20)):
            give = Fraction(0)
        above, below = soc >= target + 1, soc < target
        # Only what the battery cannot take, and never what it would have to give.
        leaves = min(power, power - charge)
        return {
            "answer": power + give,
            "solar": leaves if below else power + give if above else power,
            "no_grid": power + give if above else power,
            "excess": leaves if below else power if soc >= 97 else min(Fraction(0), power),
            "empty": Fraction(soc < exact(battery.get("soc_min_percent", 20))),
        }

    # -- rows ---------------------------------------------------------------------------------------

    def uses_on(self, phase: str) -> Uses:
        """Legs of each load on a phase."""
        return {wish.name: Fraction(self.legs(wish.name).count(phase)) for wish in self.wishes}

    def watts(self) -> Uses:
        """Watts of the site per ampere of each load."""
        return {wish.name: wish.watts for wish in self.wishes}

    def chain(self, load: str) -> list[str]:
        """The circuits above a load, its own first."""
        at = self.site["loads"][load].get("circuit") or self.root
        found = []
        while at is not None:
            found.append(at)
            at = self.site["circuits"][at].get("parent")
        return found

    def wires(self, *, wide: bool) -> list[Row]:
        """Every phase of every circuit, the import limit and the unbalance."""
        rows = []
        count = len(self.phases)
        buffer = exact(self.settings.get("power_buffer_w", 0))
        for circuit, described in self.site["circuits"].items():
            limits = per_phase(described["limit_a"], self.phases)
            background = self.background_of(circuit)
            for phase in self.phases:
                room = limits[phase] - background[phase]
                if circuit == self.root:
                    room -= buffer / (count * self.volt)
                    if wide and self.battery:
                        room += self.battery["answer"] / count / self.volt
                use = self.uses_on(phase)
                rows.append(
                    Row(
                        f"{circuit}.{phase}",
                        room,
                        {name: legs for name, legs in use.items() if circuit in self.chain(name)},
                    )
                )
        rows += self._connection(buffer)
        return rows

    def _connection(self, buffer: Fraction) -> list[Row]:
        rows = []
        most = self.settings.get("max_import_w")
        if most is not None:
            answer = self.battery["answer"] if self.battery else 0
            rows.append(Row("import", exact(most) - buffer + self.export() + answer, self.watts()))
        most = self.settings.get("max_unbalance_a")
        if most is not None:
            for p, q in permutations(self.phases, 2):
                on_p, on_q = self.uses_on(p), self.uses_on(q)
                use = {name: max(Fraction(0), on_p[name] - on_q[name]) for name in on_p}
                room = exact(most) - (self.background[p] - self.background[q])
                rows.append(Row(f"{p} above {q}", room, use))
        return rows

    def export(self) -> Fraction:
        """What the meter shows without the loads, export positive (W)."""
        return -sum(self.background.values()) * self.volt

    def pool(self, kind: str) -> list[Row]:
        """A source: in total, and on each phase as the meter nets."""
        part = self.battery[kind] if self.battery else Fraction(0)
        rows = []
        netted = self.settings.get("netting", "per_phase")
        if netted == "sum" or self.battery or kind == "excess":
            rows.append(Row(kind, self.export() + part, self.watts(), True))
        if netted == "per_phase":
            for phase in self.phases:
                room = -self.background[phase] + part / len(self.phases) / self.volt
                rows.append(Row(f"{kind}.{phase}", room, self.uses_on(phase), True))
        return rows


def exact(value: float | Fraction | str) -> Fraction:
    """A decimal figure without its binary rounding."""
    return value if isinstance(value, Fraction) else Fraction(str(value))


def per_phase(value: Any, phases: list[str]) -> dict[str, Fraction]:
    """One figure for each phase."""
    return {p: exact(value[p]) if isinstance(value, dict) else exact(value) for p in phases}


def fits(rows: list[Row], grants: Grants, name: str) -> bool:
    """All rows that this load uses hold."""
    for row in rows:
        if row.use.get(name):
            total = sum(use * grants.get(load, Fraction(0)) for load, use in row.use.items())
            if total > row.capacity:
                return False
    return True


def slack(row: Row, grants: Grants) -> Fraction:
    """What a row has left."""
    return row.capacity - sum(use * grants.get(load, Fraction(0)) for load, use in row.use.items())


class Search:
    """The rule of a distribution mode by trying."""

    def __init__(self, house: House, *, wide: bool = True) -> None:
        self.house = house
        self.mode = house.settings.get("distribution", "priority")
        self.grants: Grants = {wish.name: Fraction(0) for wish in house.wishes}
        self.running: set[str] = set()
        self.start: dict[str, list[Row]] = {}
        self.rise: dict[str, list[Row]] = {}
        self.gate: dict[str, Row] = {}
        self.blocked = False
        wires = house.wires(wide=wide)
        restricted = bool(house.battery) and house.settings.get("grid_charging") is False
        base = wires + house.pool("no_grid") if restricted else wires
        threshold = exact(house.settings.get("excess_threshold_w", 13000))
        for wish in house.wishes:
            name = wish.name
            self.start[name] = base
            self.rise[name] = base
            if wish.urgency == 2:
                self.rise[name] = base + house.pool("solar")
            if wish.urgency == 3:
                self.start[name] = self.rise[name] = wires + house.pool("solar")
            if wish.urgency == 4:
                export = house.pool("excess")
                total = export[0]
                self.gate[name] = total._replace(capacity=total.capacity - threshold)
                self.start[name] = wires + export
                self.rise[name] = [*wires, self.gate[name], *export[1:]]
        for urgencies in ((1, 2), (3,), (4,)):
            members = [wish for wish in house.wishes if wish.urgency in urgencies]
            if restricted and house.battery and house.battery["empty"]:
                members = [wish for wish in members if wish.urgency != 2]
            if members:
                getattr(self, self.mode)(members)

    # -- trying -------------------------------------------------------------------------------------

    def try_start(self, wish: Wish) -> bool:
        """Its minimum, if it fits."""
        gate = self.gate.get(wish.name)
        if gate is not None and slack(gate, self.grants) <= 0:
            return False
        trial = {**self.grants, wish.name: wish.least}
        if not fits(self.start[wish.name], trial, wish.name):
            return False
        self.grants = trial
        self.running.add(wish.name)
        return True

    def try_rise(self, wish: Wish) -> None:
        """The largest step up to its maximum that holds on every row."""
        steps = int((wish.most - self.grants[wish.name]) / wish.step)
        for more in range(steps, 0, -1):
            trial = {**self.grants, wish.name: self.grants[wish.name] + more * wish.step}
            if fits(self.rise[wish.name], trial, wish.name):
                self.grants = trial
                return

    def room(self, rows: list[Row], wish: Wish) -> Fraction:
        """Amperes per leg until the first of these rows is full."""
        lefts = [slack(row, self.grants) / row.use[wish.name] for row in rows if row.use.get(wish.name)]
        return min(lefts, default=LOTS)

    # -- modes --------------------------------------------------------------------------------------

    def minimums(self, members: list[Wish]) -> None:
        """Of all sets that fit at their minimums, the one that serves the first ranks first."""
        before = (self.grants, self.running)
        for served in product((True, False), repeat=len(members)):
            self.grants, self.running = before[0], set(before[1])
            chosen = [wish for wish, yes in zip(members, served, strict=True) if yes]
            if all(self.try_start(wish) for wish in chosen):
                return

    def priority(self, members: list[Wish]) -> None:
        """Minimums, then each as far as it goes."""
        self.minimums(members)
        for wish in members:
            if wish.name in self.running:
                self.try_rise(wish)

    def strict(self, members: list[Wish]) -> None:
        """Each to its ceiling; nobody after one held down by something that is not its source."""
        for wish in members:
            if self.blocked or not self.try_start(wish):
                continue
            self.try_rise(wish)
            bare = [row for row in self.rise[wish.name] if row.source]
            trial = {**self.grants, wish.name: self.grants[wish.name] + wish.step}
            at_most = trial[wish.name] > wish.most
            self.blocked = not at_most and fits(bare, trial, wish.name)

    def shared(self, members: list[Wish]) -> None:
        """Minimums, then who has least rises first, among loads of the same urgency."""
        self.minimums(members)
        for urgency in sorted({wish.urgency for wish in members}):
            group = [w for w in members if w.urgency == urgency and w.name in self.running]
            if not group:
                continue
            self.fill(group)
            self.hand_out([wish for wish in group if wish.stepped])
            free = [wish for wish in group if not wish.stepped]
            if len(free) < len(group):
                self.fill(free)
            self.hand_out(free)

    def fill(self, group: list[Wish]) -> None:
        """Raise the least together until each is stopped, then round down."""
        level = dict(self.grants)
        open_ = {w.name for w in group if level[w.name] < w.most}
        by_name = {w.name: w for w in group}
        while open_:
            lowest = min(level[name] for name in open_)
            rising = {name for name in open_ if level[name] == lowest}
            higher = [level[name] for name in open_ if level[name] > lowest]
            step = min(by_name[name].most - lowest for name in rising)
            if higher:
                step = min(step, min(higher) - lowest)
            rows = self.rise[group[0].name]
            for row in rows:
                rate = sum(row.use.get(name, Fraction(0)) for name in rising)
                if rate:
                    step = min(step, max(Fraction(0), slack(row, level) / rate))
            for name in rising:
                level[name] += step
            for name in rising:
                full = any(row.use.get(name) and slack(row, level) <= 0 for row in rows)
                if full or level[name] >= by_name[name].most:
                    open_.discard(name)
        for wish in group:
            steps = (level[wish.name] - self.grants[wish.name]) // wish.step
            self.grants[wish.name] += max(Fraction(0), steps * wish.step)

    def hand_out(self, group: list[Wish]) -> None:
        """Whole steps to who has least, then by rank."""
        waiting = list(group)
        while waiting:
            wish = min(waiting, key=lambda w: (self.grants[w.name], w.rank))
            trial = {**self.grants, wish.name: self.grants[wish.name] + wish.step}
            if trial[wish.name] <= wish.most and fits(self.rise[wish.name], trial, wish.name):
                self.grants = trial
            else:
                waiting.remove(wish)

    def optimized(self, members: list[Wish]) -> None:
        """Each to its ceiling; a useless rest is put to use by the nearest before who can give enough."""
        for place, wish in enumerate(members):
            gate = self.gate.get(wish.name)
            is_open = gate is None or slack(gate, self.grants) > 0
            if not self.try_start(wish) and is_open and self.room(self.start[wish.name], wish) > 0:
                self.gift(members[:place], wish)
            if wish.name in self.running:
                self.try_rise(wish)

    def gift(self, before: list[Wish], wish: Wish) -> None:
        """Try every number of steps of every load before, nearest first."""
        for giver in reversed(before):
            given = self.grants[giver.name]
            steps = 1
            while giver.name in self.running and given - steps * giver.step >= giver.least:
                less = given - steps * giver.step
                trial = {**self.grants, giver.name: less, wish.name: wish.least}
                if fits(self.start[wish.name], trial, wish.name):
                    if wish.least * wish.watts > steps * giver.step * giver.watts:
                        self.grants = trial
                        self.running.add(wish.name)
                        self.offer_again([*before, wish])
                    return
                steps += 1

    def offer_again(self, members: list[Wish]) -> None:
        """Once more in rank order to all up to here."""
        for wish in members:
            if wish.name in self.running or self.try_start(wish):
                self.try_rise(wish)


def targets(snapshot: dict[str, Any]) -> dict[str, Fraction]:
    """What every load that wants power must get."""
    return Search(House(snapshot)).grants
