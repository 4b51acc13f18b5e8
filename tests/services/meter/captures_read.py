"""Register captures of real devices from public repositories, as images: see the head of each file in captures/."""

from pathlib import Path

FOLDER = Path(__file__).parent / "captures"


def capture(name: str) -> dict[int, int]:
    """The registers of a capture by address; those the device refused to say are absent."""
    registers: dict[int, int] = {}
    at = 0
    for line in (FOLDER / f"{name}.hex").read_text().splitlines():
        if line.startswith("@"):
            at = int(line[1:])
        elif not line.startswith("#"):
            for word in line.split():
                if word != "----":
                    registers[at] = int(word, 16)
                at += 1
    return registers
