"""Whether the answer to an owner's command says that it was done. The exit codes of `busbar ocpp` rest on it.

An answer is a sentence in the charger's state: a word of the charge point's own (`Accepted`), or one of ours.
What is not known to be a yes is a no.
"""

from busbar_contracts.charger import ChargerAction

FAILED = ("refused: ", "no answer: ", "the charger is not connected", "a newer command took its place")
NOT_READ = ("unknown to the charger", "OCPP 2.0.1 needs a component")

ACCEPTED = frozenset({"Accepted"})
# The charge point's words for yes: OCPP 1.6 chapter 7, 2.0.1 part 2 chapter 3. Scheduled is a yes that waits for a car
# to go; what needs a reboot has been taken.
YES = {
    ChargerAction.START: ACCEPTED,
    ChargerAction.STOP: ACCEPTED,
    ChargerAction.UNLOCK: frozenset({"Unlocked"}),
    ChargerAction.RESET: frozenset({"Accepted", "Scheduled"}),
    ChargerAction.HARD_RESET: frozenset({"Accepted", "Scheduled"}),
    ChargerAction.ENABLE: frozenset({"Accepted", "Scheduled"}),
    ChargerAction.DISABLE: frozenset({"Accepted", "Scheduled"}),
    ChargerAction.TRIGGER: ACCEPTED,
    ChargerAction.SET_CONFIGURATION: frozenset({"Accepted", "RebootRequired"}),
    ChargerAction.DIAGNOSTICS: frozenset({"Accepted", "AcceptedCanceled"}),
}
# How our own sentences of success begin.
BEGINS = {
    ChargerAction.RELEASE: "released:",
    ChargerAction.ACCEPT: "accepted:",
    ChargerAction.VERIFY: "lease: proven",
    ChargerAction.DIAGNOSTICS: "it will upload ",
}
NO_LOG = "it will upload nothing"


def done(action: ChargerAction, answer: str) -> bool:
    """Whether this answer says that the action was done."""
    if answer.startswith(FAILED):
        return False
    if action is ChargerAction.GET_CONFIGURATION:
        return " = " in answer and not answer.startswith(NOT_READ)
    if action is ChargerAction.CLEAR_PROFILES:
        return answer.endswith("profiles cleared and set again")
    if answer in YES.get(action, frozenset()):
        return True
    begins = BEGINS.get(action)
    return begins is not None and answer.startswith(begins) and answer != NO_LOG
