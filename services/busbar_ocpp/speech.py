"""How a charger understands limits: the form in use, what it accepted, and how far its lease may be trusted."""

from busbar_contracts.charger import LeaseQuality
from busbar_ocpp.forms import Abilities, forms
from busbar_ocpp.profile import Form, Kind, Layout, Profile, Purpose

# After every form was refused the charger counts as without control; it may have become wiser later.
TRY_ALL_AGAIN_S = 600.0
# So many profiles without any answer, and none ever accepted: it does not know the message at all.
UNANSWERED = 3


class Speech:
    """The forms of a limit that are tried with one charge point, and what became of them."""

    def __init__(self) -> None:
        self.abilities = Abilities()
        self.forms: tuple[Form, ...] = forms(self.abilities)
        self.place = 0
        self.proof: bool | None = None
        """Whether it was seen to fall back by itself in the form in use."""
        self.accepted = False
        self.disobeyed = False
        """It drew more than it was told, and has not shown otherwise since."""
        self.met = False
        """A profile was accepted from it or from its kind; until then nobody knows whether it takes any."""
        self.hopeless = False
        """It refused every form, or never answered; so it stays until it accepts one, over reboots and restarts."""
        self.whole = False
        """It takes whole amperes and watts only, as far as was seen."""
        self._doubted: Purpose | None = None
        self._gave_up_at_s: float | None = None
        self._unanswered = 0

    @property
    def form(self) -> Form:
        """The form in use."""
        return self.forms[min(self.place, len(self.forms) - 1)]

    @property
    def controllable(self) -> bool:
        """Whether any form was left to be tried or was accepted, and the charger answers at all."""
        return not self.hopeless

    @property
    def deaf(self) -> bool:
        """It has never accepted a profile, and does not answer them."""
        return not self.accepted and self._unanswered >= UNANSWERED

    @property
    def quality(self) -> LeaseQuality:
        """How far the charger is known to fall back by itself."""
        if (
            not self.controllable
            or self.form.layout is Layout.SINGLE
            or self.proof is False
            or self.disobeyed
        ):
            return LeaseQuality.NONE
        if self.proof:
            return LeaseQuality.PROVEN
        if self.form.kind is Kind.RELATIVE:
            return LeaseQuality.NONE  # its clock is the transaction's, and nothing has shown that it runs
        return LeaseQuality.ACCEPTED if self.accepted else LeaseQuality.UNKNOWN

    def learn(self, abilities: Abilities, known: Form | None = None, proof: bool | None = None) -> None:
        """Take what the charger can do, and the form that worked for its kind before."""
        current = self.form
        self.abilities = abilities
        self.forms = forms(abilities)
        wanted = known if known in self.forms else current if self.accepted else None
        self.place = self.forms.index(wanted) if wanted in self.forms else 0
        self.proof = proof if wanted is not None and wanted == known else None
        self.met = self.met or known is not None
        self._gave_up_at_s = None

    def took(self, profile: Profile) -> None:
        """It accepted a profile."""
        self.accepted, self.met, self.hopeless = True, True, False
        if profile.purpose is self._doubted:
            self._doubted = None

    def refused(self, profile: Profile, now_s: float) -> None:
        """Try whole numbers, then the next form; after the last the charger is without control.

        A fraction is doubted first: the schemas allow one decimal by a rule (a multiple of 0.1) that programs which
        reckon in binary fractions find broken by most decimals.
        """
        if not self.whole and any(period.limit % 1 for period in profile.periods):
            self.whole, self._doubted = True, profile.purpose
            return
        if self._doubted is not None:
            self.whole, self._doubted = False, None  # the fraction was not the reason
        if profile.unit is not self.form.unit or profile.level not in (self.form.level, self.form.level - 1):
            return  # a refusal of a form that was already left
        if self.place + 1 < len(self.forms):
            self.place += 1
            self.proof = None
        else:
            self._gave_up_at_s, self.hopeless = now_s, True

    def unanswered(self) -> None:
        """A profile was not answered."""
        self._unanswered += 1
        self.hopeless = self.hopeless or self.deaf

    def answered(self) -> None:
        """A profile was answered, whatever the answer was."""
        self._unanswered = 0

    def worth_trying(self, now_s: float) -> bool:
        """Whether there is a form to send; some time after the last was refused all are tried again."""
        if self._gave_up_at_s is not None and now_s - self._gave_up_at_s >= TRY_ALL_AGAIN_S:
            self._gave_up_at_s, self.place = None, 0
        return self._gave_up_at_s is None

    def try_again(self) -> None:
        """It has rebooted, perhaps with other firmware."""
        self._gave_up_at_s, self._unanswered = None, 0
