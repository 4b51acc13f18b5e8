"""What is learned of a charge point: from its make, from what others of its kind showed, from its own settings and cars."""

from typing import TYPE_CHECKING

from busbar_ocpp import abilities, answers, quirks
from busbar_ocpp.connector import Connector
from busbar_ocpp.proposals import Configured, Learned, proposals
from busbar_ocpp.said import Booted, TransactionSaid

if TYPE_CHECKING:
    from busbar_ocpp.charge_point import ChargePoint


class Learning:
    """Takes what is learned into the steering and the memory of one charge point, and proposes it to its owner."""

    def __init__(self, charger: "ChargePoint") -> None:
        self._charger = charger
        self._learned: dict[int, Learned] = {}

    def of(self, connector: Connector) -> Learned:
        """What a connector has shown since the service started."""
        return self._learned.setdefault(connector.number, Learned())

    def recognise(self, identity: Booted) -> None:
        """Take the quirks of its make, and what was learned of its kind before."""
        charger = self._charger
        found = quirks.of(identity, charger.desk.quirks)
        charger.quirk = quirks.merged(found)
        charger.quirks = tuple(quirk.name for quirk in found)
        known = charger.desk.memory.of(charger.plan.charge_point)
        kind = (identity.vendor, identity.model, identity.firmware or "")
        if known.kind != kind:
            same = charger.desk.memory.of_kind(kind)
            known.vendor, known.model, known.firmware = kind
            known.form, known.configuration = (same.form, {}) if same else (None, {})
            known.proof, known.proof_form = (same.proof, same.proof_form) if same else (None, None)
            known.whole, known.hopeless = (same.whole if same else False), False
            charger.steering.speech.hopeless = False
        charger.steering.speech.hopeless = charger.steering.speech.hopeless or known.hopeless
        charger.steering.speech.whole = known.whole
        self._learn(known.configuration)

    async def told(self, settings: dict[str, str]) -> None:
        """Take its settings as it has just told them."""
        charger = self._charger
        known = charger.desk.memory.of(charger.plan.charge_point)
        known.configuration = {**known.configuration, **settings}
        self._learn(known.configuration)
        charger.tick()
        await self._propose()

    def transaction(self, connector: Connector, said: TransactionSaid) -> None:
        """A transaction was told of; at its end its car has shown how many phases there are."""
        shown = connector.draw.legs_in_use or 0
        if said.kind == "ended" and shown > len(connector.wiring.legs):
            self.of(connector).phases = shown
            self._charger.start(self._propose())

    def _learn(self, settings: dict[str, str]) -> None:
        """Take what it can do into the steering of its limits."""
        charger, config = self._charger, self._charger.plan.config
        of = abilities.of_16 if answers.family(charger.version or "1.6") == "1.6" else abilities.of_201
        can = quirks.corrected(of(settings, config.stack_level), charger.quirk)
        if config.unit != "auto":
            can = abilities.only(can, config.unit)
        known = charger.desk.memory.of(charger.plan.charge_point)
        charger.terms.step_a = 1.0 if charger.quirk.whole_amps else 0.1
        charger.terms.start_early_s = charger.quirk.start_early_s
        charger.steering.renews_seldom = bool(charger.quirk.repeats_are_ignored)
        charger.steering.speech.learn(
            can, known.form, known.proof if known.proof_form == known.form else None
        )
        charger.terms.switches_phases = abilities.switches_phases(settings) and config.phase_switching

    async def _propose(self) -> None:
        """Propose what the configuration lacks, each thing once."""
        charger = self._charger
        known = charger.desk.memory.of(charger.plan.charge_point)
        configured = {
            number: Configured(legs=len(one.wiring.legs), min_a=one.wiring.min_a, max_a=one.wiring.max_a)
            for number, one in charger.connectors.items()
        }
        for text in proposals(charger.plan.id, configured, self._learned, known.configuration):
            if text not in known.proposed:
                known.proposed = [*known.proposed[-9:], text]
                await charger.report("configuration_proposal", text, severity="info")
