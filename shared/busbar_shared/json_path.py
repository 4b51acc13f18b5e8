"""Paths into JSON as owners write them: `a.b[0]` or `$.a.b[0]`."""

from typing import Any, Final

MISSING: Final = object()
"""Nothing stands there; null would be something."""


def at_path(tree: Any, path: str) -> Any:
    """The value at `a.b[0]` or `$.a.b[0]`; `MISSING` when it is not there."""
    for step in steps_of(path):
        if isinstance(step, int):
            if not isinstance(tree, list) or step >= len(tree):
                return MISSING
            tree = tree[step]
        elif isinstance(tree, dict) and step in tree:
            tree = tree[step]
        else:
            return MISSING
    return tree


def steps_of(path: str) -> list[str | int]:
    """The path as names and positions; a name with a colon (`switch:0`) is a plain name."""
    steps: list[str | int] = []
    for part in path.removeprefix("$").strip(".").split("."):
        name, *positions = part.replace("]", "").split("[")
        if name:
            steps.append(name)
        steps.extend(int(position) for position in positions if position.isdecimal())
    return steps
