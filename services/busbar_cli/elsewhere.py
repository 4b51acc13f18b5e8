"""Messages of the contract's form below another root: another house on the same broker, or a slip in a topic. Pure."""

from collections import Counter

from busbar_contracts.topics import match
from busbar_shared.bus import RawHeard
from busbar_shared.judge import Refused, decode

MOST = 10
"""A broker of a whole fleet has many houses; so many are named."""


class Elsewhere:
    """What was heard of it so far."""

    def __init__(self, root: str, own: tuple[str, ...] = ()) -> None:
        """`own` are further places that this site has chosen for some of its topics."""
        self._places = tuple(f"{one}/" for one in (root, *own))
        self._root = root
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def hear(self, message: RawHeard) -> None:
        """Look at one message of the whole broker."""
        if message.topic.startswith(self._places) or not message.payload:
            return
        root = root_of(message.topic, message.payload)
        if root is not None:
            self._counts[root] += 1
            self._examples.setdefault(root, message.topic)

    def notes(self) -> list[str]:
        """A sentence for each other root, the busiest first."""
        return [
            f"below {root!r}, not below {self._root!r}: {count} messages of the contract's form, "
            f"for example {self._examples[root]}"
            for root, count in self._counts.most_common(MOST)
        ]


def root_of(topic: str, payload: bytes) -> str | None:
    """The root below which this is a message of the contract; None when it is not one at all."""
    steps = topic.split("/")
    for begin in range(len(steps) - 1):
        found = match("hems/" + "/".join(steps[begin:]))
        if found is None or found[0].message is str:
            continue
        try:
            decode(found[0], payload)
        except Refused:
            continue
        return "/".join(steps[:begin])
    return None
