"""Why a load gets what it gets: a sentence for a person and the binding row for a machine."""

from typing import NamedTuple

from busbar_allocator.claims import Ceiling, Claim
from busbar_allocator.distribution import AT_MOST, BEHIND, EMPTY, TAKEN, Used
from busbar_allocator.figures import fine
from busbar_allocator.rows import Ground
from busbar_allocator.site_model import SiteModel
from busbar_allocator.snapshot import Binding

NAMED = 3
"""So many of the loads on a row are named; the rest are counted."""

_AT_MOST = Binding("maximum")
_STATUS = Binding("status")
_BEHIND = Binding("rank")
_TAKEN = Binding("plugs")
_EMPTY = Binding("battery_minimum")

_SPECIAL = {
    TAKEN: ("the other connector of this charger is in use", _TAKEN),
    BEHIND: ("Strict: a load before it in rank is not satisfied yet", _BEHIND),
    EMPTY: ("the battery is below its minimum and grid charging is off", _EMPTY),
}


def short(value: float) -> str:
    """A figure for a person: one decimal, and none where it is whole."""
    return f"{value:.1f}".removesuffix(".0")


class Row(NamedTuple):
    """A row that binds somebody, in words."""

    text: str
    kind: str
    circuit: str | None
    phase: str | None
    in_amps: bool


class Reasons:
    """Reasons for one allocation; rows that bind several loads are described once."""

    __slots__ = ("asked", "ground", "limits", "model", "rows", "seen", "sharing", "targets")

    def __init__(
        self, model: SiteModel, ground: Ground, asked: list[Claim], targets: Used, limits: Used
    ) -> None:
        """Nothing is described before it is asked for; what is used decides how much a row lacks."""
        self.targets, self.limits = targets, limits
        self.model, self.ground, self.asked = model, ground, asked
        self.rows: dict[tuple[int, str], tuple[str, str | None, str | None, bool]] = {}
        self.seen: dict[tuple[Ceiling, int], Row] = {}
        self.sharing: dict[int, list[str]] | None = None

    def of(self, claim: Claim) -> tuple[str, Binding]:
        """The reason for a claim after the engine has settled it."""
        if not claim.takes_part:
            return claim.why, _STATUS
        tight = claim.tight
        if tight == AT_MOST:
            if claim.why:
                return f"{claim.why}: {amps(claim.limit)}", _STATUS
            return f"all it can take, {amps(claim.limit)}", _AT_MOST
        if tight < AT_MOST:
            return _SPECIAL[tight]
        if not claim.runs:
            text, binding = self._row(claim, claim.wires if claim.by_others else claim.start, tight)
            least = claim.least
            if claim.gate is not None and claim.gate[0] == tight and claim.short <= 0:
                return f"nothing above the threshold is left; {text}", binding
            return f"needs {amps(least)}, {amps(max(claim.short, 0.0))} left; {text}", binding
        text, binding = self._row(claim, claim.rise, tight)
        if claim.limit < claim.target:
            return f"{text}; {amps(claim.target)} once the battery has answered", binding
        return text, binding

    def _row(self, claim: Claim, ceiling: Ceiling, counter: int) -> tuple[str, Binding]:
        row = self.seen.get((ceiling, counter))
        if row is None:
            row = self.seen[ceiling, counter] = self._look(ceiling, counter)
        text, shared = row.text, self._shared(claim, counter)
        if shared:
            text = f"{text}, shared with {_names(shared)}"
        lacks = self._missing(claim, ceiling, counter)
        amps, watts = (lacks, None) if row.in_amps else (None, lacks)
        return text, Binding(row.kind, row.circuit, row.phase, tuple(shared[:NAMED]), amps, watts)  # type: ignore[arg-type]

    def _look(self, ceiling: Ceiling, counter: int) -> Row:
        """A row as the loads below this ceiling see it."""
        kind, capacity = "", 0.0
        if counter in ceiling.sources:
            source, capacity = ceiling.sources[counter]
            if capacity <= ceiling.rows[counter]:
                kind = source
        if not kind:
            kind = self._wire_kind(counter)
        described = self.rows.get((counter, kind))
        if described is None:
            described = self.rows[counter, kind] = self._described(counter, kind, capacity)
        text, circuit, phase, in_amps = described
        if kind == "wire" and counter < self.model.watts:
            text += self._kept_free(counter, ceiling.rows[counter])
        return Row(text, kind, circuit, phase, in_amps)

    def _missing(self, claim: Claim, ceiling: Ceiling, counter: int) -> float:
        """What the row lacks for the next step, or for the minimum of one that does not run."""
        used = self.limits if claim.limit < claim.target else self.targets
        need = claim.step if claim.runs else claim.least
        for at, per_amp in claim.uses:
            if at == counter:
                need *= per_amp
                break
        return fine(max(0.0, need - ceiling.rows[counter] + used[counter]))

    def _described(
        self, counter: int, kind: str, capacity: float
    ) -> tuple[str, str | None, str | None, bool]:
        """Text, circuit, phase of a row, and whether it counts amperes; said once for all who share it."""
        circuit, phase = self._place(counter)
        text = self._describe(counter, kind, capacity, circuit, phase)
        watts = self.model.watts
        in_amps = counter < watts or 0 < counter - watts <= len(self.model.pairs)
        return text, circuit if kind == "wire" else None, phase, in_amps

    def _wire_kind(self, counter: int) -> str:
        if counter < self.model.watts:
            return "wire"
        if counter == self.model.watts:
            return "import"
        return "unbalance" if counter <= self.model.watts + len(self.model.pairs) else "wire"

    def _place(self, counter: int) -> tuple[str | None, str | None]:
        """The circuit and phase a counter belongs to."""
        model = self.model
        count = len(model.phases)
        if counter < model.watts:
            return model.circuits[counter // count].id, model.phases[counter % count]
        for at, more, less in model.pairs:
            if at == counter:
                return None, model.phases[more] + model.phases[less]
        for at, phases in model.sets:
            if at == counter:
                return model.circuits[0].id, "".join(model.phases[phase] for phase in phases)
        return None, None

    def _describe(
        self, counter: int, kind: str, capacity: float, circuit: str | None, phase: str | None
    ) -> str:
        unit = "W" if counter == self.model.watts else "A"
        at = f" on phase {phase.upper()}" if phase else ""
        if kind == "wire":
            return self._wire(counter, circuit or "", phase or "")
        if kind == "import":
            return f"import limit, {self._import_limit():.0f} W"
        if kind == "unbalance":
            most = self.model.settings.max_unbalance_a
            return f"unbalance, phase {(phase or 'ab')[0].upper()} at most {amps(most or 0.0)} above {(phase or 'ab')[1].upper()}"
        if kind == "inverter":
            return f"inverter rating{at}, {amps(max(capacity, 0.0))} beside the house"
        names = {
            "solar_pool": "sun",
            "excess_pool": "excess",
            "no_grid": "no grid charging, sun",
        }
        return f"{names[kind]}{at}: {_amount(max(capacity, 0.0), unit)}"

    def _wire(self, counter: int, circuit: str, phase: str) -> str:
        if counter > self.model.watts:
            return f"circuit {circuit}, phases {phase.upper()} together with the battery's answer"
        count = len(self.model.phases)
        owner = self.model.circuits[counter // count]
        what = "charger" if owner.is_unit else "circuit"
        text = f"{what} {circuit}, phase {phase.upper()}: {amps(owner.limit[counter % count])}"
        background = self.ground.background[counter]
        if background >= 0.05:
            text += f", {amps(background)} not managed"
        elif background <= -0.05:
            text += f", {amps(-background)} of surplus beside"
        reserved = self.ground.reserved[counter]
        if reserved >= 0.05:
            text += f", {amps(reserved)} reserved"
        return text

    def _kept_free(self, counter: int, capacity: float) -> str:
        """What else narrows a wire: without it the figures of a reason would not add up."""
        ground = self.ground
        index, phase = divmod(counter, len(self.model.phases))
        kept = self.model.circuits[index].limit[phase] - ground.background[counter] - capacity
        fading = min(kept, ground.limit_rows[counter] - ground.target_rows[counter])
        text = ""
        if fading >= 0.05:
            text, kept = f", {amps(fading)} from a battery that is to stop", kept - fading
        return text if kept < 0.05 else f"{text}, {amps(kept)} kept free"

    def _import_limit(self) -> float:
        ground = self.ground
        room = ground.limit_rows[self.model.watts]
        return room - ground.export_w - ground.storage.watts("answer") + self.model.settings.power_buffer_w

    def _shared(self, claim: Claim, counter: int) -> list[str]:
        """The other loads that use this row, in configuration order: the first few, then their number."""
        if self.sharing is None:
            self.sharing = self._who_shares()
        found = self.sharing.get(counter, [])
        own = claim.load.id
        return [name for name in found[: NAMED + 1] if name != own] + found[NAMED + 1 :]

    def _who_shares(self) -> dict[int, list[str]]:
        bound = {claim.tight for claim in self.asked if claim.tight >= 0}
        sharing: dict[int, list[str]] = {counter: [] for counter in bound}
        for claim in self.asked:
            if claim.limit > 0:
                for counter, _ in claim.uses:
                    if counter in sharing:
                        sharing[counter].append(claim.load.id)
        return {counter: _shortened(names) for counter, names in sharing.items()}


def _shortened(names: list[str]) -> list[str]:
    """So many names as are ever shown, and how many more there are."""
    if len(names) <= NAMED + 1:
        return names
    return [*names[: NAMED + 1], f"{len(names) - NAMED - 1} more"]


def _names(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def amps(value: float) -> str:
    """A current to a tenth of an ampere, without a zero that says nothing; finer would flicker."""
    return f"{short(value)} A"


def _amount(value: float, unit: str) -> str:
    return f"{value:.0f} W" if unit == "W" else f"{amps(value)}"
