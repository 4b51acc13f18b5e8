"""Which answers of the service mean that it was done: the exit codes of `busbar ocpp`."""

import pytest

from busbar_contracts.charger import ChargerAction
from busbar_ocpp.outcome import done

A = ChargerAction


@pytest.mark.parametrize(
    ("action", "answer", "was_done"),
    [
        pytest.param(A.START, "Accepted", True, id="the charger starts"),
        pytest.param(A.START, "Rejected", False, id="the charger does not want to start"),
        pytest.param(A.START, "a tag is needed: none is given, and none is configured", False, id="no tag to start with"),
        pytest.param(A.START, "the charger is not connected", False, id="it is not there"),
        pytest.param(A.START, "no answer: no answer to RemoteStartTransaction within 10 s", False, id="it is silent"),
        pytest.param(A.START, "refused: NotImplemented", False, id="it does not know the word"),
        pytest.param(A.STOP, "Accepted", True, id="it stops"),
        pytest.param(A.STOP, "nothing runs", False, id="nothing to stop"),
        pytest.param(A.UNLOCK, "Unlocked", True, id="the cable is free"),
        pytest.param(A.UNLOCK, "UnlockFailed", False, id="the cable is stuck"),
        pytest.param(A.UNLOCK, "NotSupported", False, id="a fixed cable"),
        pytest.param(A.UNLOCK, "OngoingAuthorizedTransaction", False, id="a car charges there"),
        pytest.param(A.RESET, "Accepted", True, id="it restarts"),
        pytest.param(A.RESET, "Scheduled", True, id="it restarts when the car has gone"),
        pytest.param(A.RESET, "Rejected", False, id="it does not restart"),
        pytest.param(A.RESET, "not now: a car charges, and OCPP 1.6 cannot wait for its end", False, id="not now"),
        pytest.param(A.HARD_RESET, "Accepted", True, id="it restarts at once"),
        pytest.param(A.CLEAR_PROFILES, "2 profiles cleared and set again", True, id="cleared and set again"),
        pytest.param(A.RELEASE, "released: 2 profiles cleared; it now charges as it was set up", True, id="released"),
        pytest.param(A.ACCEPT, "accepted: Busbar keeps its limits", True, id="taken back"),
        pytest.param(A.ACCEPT, "CP-2 is right already", False, id="an identity that another charger has"),
        pytest.param(A.ENABLE, "Accepted", True, id="into service"),
        pytest.param(A.DISABLE, "Scheduled", True, id="out of service when the car has gone"),
        pytest.param(A.DISABLE, "Rejected", False, id="not out of service"),
        pytest.param(A.TRIGGER, "NotImplemented", False, id="a message it does not send"),
        pytest.param(A.TRIGGER, "Accepted", True, id="a message it sends"),
        pytest.param(A.GET_CONFIGURATION, "HeartbeatInterval = 60", True, id="a setting"),
        pytest.param(A.GET_CONFIGURATION, "Empty = ", True, id="a setting without a value"),
        pytest.param(A.GET_CONFIGURATION, "unknown to the charger", False, id="a setting it does not have"),
        pytest.param(A.GET_CONFIGURATION, "AuthorizationKey is a secret and is not shown", False, id="a secret"),
        pytest.param(A.GET_CONFIGURATION, "refused: GenericError: x = y", False, id="an error that looks like a setting"),
        pytest.param(A.SET_CONFIGURATION, "Accepted", True, id="set"),
        pytest.param(A.SET_CONFIGURATION, "RebootRequired", True, id="set, once it has rebooted"),
        pytest.param(A.SET_CONFIGURATION, "Rejected", False, id="not set"),
        pytest.param(A.SET_CONFIGURATION, "a key and a value are needed", False, id="nothing to set"),
        pytest.param(A.DIAGNOSTICS, "it will upload log.zip", True, id="a log is on its way"),
        pytest.param(A.DIAGNOSTICS, "it will upload nothing", False, id="it has no log"),
        pytest.param(A.DIAGNOSTICS, "AcceptedCanceled", True, id="a log instead of the one before"),
        pytest.param(A.VERIFY, "lease: proven. It fell from 9 A to 6 A by itself, without a word", True, id="proven"),
        pytest.param(A.VERIFY, "lease: none. It was told 9 A for 20 s", False, id="it did not fall"),
        pytest.param(A.VERIFY, "cannot be tried now: a car must be charging, and its current measured", False, id="no car"),
    ],
)  # fmt: skip
def test_whether_it_was_done(action: ChargerAction, answer: str, was_done: bool) -> None:
    assert done(action, answer) is was_done


@pytest.mark.parametrize("action", list(ChargerAction))
def test_a_word_nobody_knows_is_a_no(action: ChargerAction) -> None:
    assert not done(action, "Perhaps")
