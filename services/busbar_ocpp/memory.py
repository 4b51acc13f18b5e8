"""What was learned of charge points, and what held when we last lived. Small state in two files."""

from datetime import datetime
from pathlib import Path

from msgspec import Struct

from busbar_contracts.charger import ChargerLimit, ConnectorStatus
from busbar_ocpp.connector import Visit
from busbar_ocpp.profile import Form
from busbar_shared.statefile import StateFile


class Known(Struct, kw_only=True):
    """One charge point, as it was learned."""

    vendor: str = ""
    model: str = ""
    firmware: str = ""
    version: str = ""
    form: Form | None = None
    # True: seen to fall back by itself; False: seen not to.
    proof: bool | None = None
    proof_form: Form | None = None
    # It drew more than it was told, and nothing has shown since that it follows its limits.
    disobeyed: bool = False
    # The salted hash of the password it last came in with.
    password: str | None = None
    # It takes no profile at all, as it was seen.
    hopeless: bool = False
    # It takes whole numbers only, as it was seen.
    whole: bool = False
    # Whether profiles survive a reboot, as seen.
    keeps_profiles: bool | None = None
    # How far its clock was ahead of ours when it was last known; its first message may deny it.
    ahead_s: float | None = None
    configuration: dict[str, str] = {}
    # What was proposed to the owner: each thing is said once.
    proposed: list[str] = []

    @property
    def kind(self) -> tuple[str, str, str]:
        """Vendor, model and firmware: what is learned of one holds for all of its kind."""
        return self.vendor, self.model, self.firmware


class LastHeld(Struct, kw_only=True):
    """What held at one connector: orders with the end of their leases by the calendar, the visit, the status."""

    orders: list[tuple[ChargerLimit, datetime]] = []
    limit_a: float | None = None
    issuer: str = ""
    until: datetime | None = None
    visit: Visit | None = None
    status: ConnectorStatus = ConnectorStatus.UNKNOWN


class Learned(Struct, kw_only=True):
    """All charge points that were ever met, by their identity, and those the owner accepted as a charger."""

    known: dict[str, Known] = {}
    accepted: dict[str, str] = {}


class Memory:
    """The two files. What cannot be read counts as never learned."""

    def __init__(self, folder: Path) -> None:
        self._learned_file = StateFile(folder / "learned.json", Learned)
        self._held_file = StateFile(folder / "held.json", dict[str, LastHeld])
        self.learned = self._learned_file.load() or Learned()
        self.held: dict[str, LastHeld] = self._held_file.load() or {}

    def of(self, identity: str) -> Known:
        """What is known of a charge point."""
        return self.learned.known.setdefault(identity, Known())

    def of_kind(self, kind: tuple[str, str, str]) -> Known | None:
        """What is known of any charge point of this vendor, model and firmware."""
        return next((one for one in self.learned.known.values() if one.kind == kind and one.form), None)

    def save_learned(self) -> None:
        """Write what was learned."""
        self._learned_file.save(self.learned)

    def save_held(self) -> None:
        """Write what holds."""
        self._held_file.save(dict(self.held))
