"""The plant is the judge: it shares nothing with what it judges."""

import ast
import sys
from pathlib import Path

SERVICES = Path(__file__).parents[3] / "services"
PLANT = SERVICES / "busbar_simulator" / "plant"


def imported(file: Path) -> set[str]:
    """Top names of absolute imports; relative ones stay inside the package."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").split(".")[0])
        if isinstance(node, ast.ImportFrom) and node.level > 1:
            names.add("." * node.level)
    return names


def test_the_plant_imports_only_the_standard_library() -> None:
    files = list(PLANT.glob("*.py"))
    found = set().union(*(imported(file) for file in files))

    assert len(files) > 10
    assert found - set(sys.stdlib_module_names) == set()


def test_no_other_service_looks_into_the_plant() -> None:
    # The command line is no service: `busbar simulate` plays days on the plant and judges by it.
    others = [
        f for f in SERVICES.glob("busbar_*/**/*.py") if not {"busbar_simulator", "busbar_cli"} & set(f.parts)
    ]

    assert [f.name for f in others if "busbar_simulator.plant" in f.read_text(encoding="utf-8")] == []
