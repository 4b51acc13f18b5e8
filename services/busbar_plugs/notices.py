"""What the owner is told about a plug, in whole sentences."""

from busbar_plugs.relay import Rules
from busbar_plugs.seen import PowerOn
from busbar_shared.notes import Note


def link_changed(plug: str, was_there: bool | None, is_there: bool | None) -> list[Note]:
    """The device came or went; nothing of its first word."""
    if was_there is None or is_there == was_there:
        return []
    if is_there:
        return [Note("link_back", f"{plug} is reachable again", severity="info")]
    text = f"{plug} is not reachable; it counts with its last order until its lease ends"
    return [Note("link_lost", text)]


def wakes_up(plug: str, power_on: PowerOn) -> Note:
    """A plug that comes back on after a power cut meets a house where everything does."""
    word = "on" if power_on == "on" else "as it was before"
    text = f"{plug} comes back {word} after a power cut; off would be safer, set it in the device"
    return Note("power_on_state", text)


def by_hand(plug: str, on: bool, rules: Rules) -> Note:
    """The owner's own switch."""
    word, hold = "on" if on else "off", rules.manual_hold_s / 60
    text = f"{plug} was switched {word} by hand; respected for {hold:g} min"
    return Note("switched_by_hand", text, severity="info")


def chatters(plug: str, times: int) -> Note:
    """Nobody presses a button so often."""
    text = f"{plug} moves by itself, {times} times in a minute; it is not taken for a hand"
    return Note("relay_chatters", text)


def hand_ended(plug: str) -> Note:
    """What hangs on the plug has reached its own limit."""
    return Note("hand_ended", f"{plug} was on by hand; what it heats has reached its maximum")


def does_not_obey(plug: str, on: bool, times: int) -> Note:
    """Told, and not done."""
    word = "on" if on else "off"
    return Note("plug_does_not_obey", f"{plug} was told {word} {times} times and does not say so")
