"""What goes wrong on Modbus lines (sunspec.md sections 1, 3, 6.4 and 9), each at its own odd beat."""

from enum import StrEnum


class LineFault(StrEnum):
    """One misbehaviour of a device or gateway, switched on by name."""

    # SolarEdge takes exactly one TCP client; a second one is hung up on.
    ONE_CLIENT = "one_client"
    # Answers after 0.8 s.
    SLOW = "slow"
    # Every seventh answer is all zeros, as some inverters say under much polling.
    ZERO_BLOCKS = "zero_blocks"
    # Every eleventh answer is cut in the middle and the connection dropped.
    TORN = "torn"
    # Every thirteenth answer comes three seconds late, after the client has given up and asked again.
    LATE = "late"
    # Every fifth request is answered with "busy" (exception 6).
    BUSY = "busy"
    # Without sun the inverter behind the gateway is gone (exception 0x0B).
    NIGHT = "night"


BEATS = {LineFault.ZERO_BLOCKS: 7, LineFault.TORN: 11, LineFault.LATE: 13, LineFault.BUSY: 5}
SLOW_S, LATE_S = 0.8, 3.0


class Line:
    """Counts requests, and says what is wrong with the present one."""

    def __init__(self, faults: frozenset[LineFault] = frozenset()) -> None:
        self.faults = faults
        self.requests = 0

    def next(self) -> frozenset[LineFault]:
        """The faults that strike this request."""
        self.requests += 1
        return frozenset(
            fault for fault in self.faults if fault not in BEATS or self.requests % BEATS[fault] == 0
        )


def spoiled(answer: bytes, strikes: frozenset[LineFault]) -> bytes:
    """The answer as it leaves: busy or zeros in place of registers, where those faults strike."""
    function = answer[0]
    if LineFault.BUSY in strikes:
        return bytes([function | 0x80, 6])
    if LineFault.ZERO_BLOCKS in strikes and function in (3, 4):
        return answer[:2] + bytes(len(answer) - 2)
    return answer
