"""The tree keeps its shape: who may import whom, and which library lives in one place only."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SERVICES = sorted(path for path in (ROOT / "services").iterdir() if (path / "__init__.py").exists())

ONE_PLACE = {
    "aiomqtt": {"shared/busbar_shared/bus.py"},
    "pymodbus": {"services/busbar_meter/wire.py", "services/busbar_simulator/modbus_server.py"},
    "amqtt": {"services/busbar_cli/embedded.py"},
}
"""A library to the only files that may import it; a folder ends with /."""


def imports(path: Path) -> set[str]:
    """Every module a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
    return found


def sources(*folders: str) -> list[Path]:
    """Every Python file below these folders."""
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_service_imports_no_other_service(service: Path) -> None:
    if service.name == "busbar_cli":
        pytest.skip("the command line starts the services and is the one exception")
    others = {path.name for path in SERVICES} - {service.name}
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in service.rglob("*.py")
        for name in imports(path)
        if name.split(".")[0] in others
    }
    assert wrong == set()


def test_contracts_import_nothing_of_ours() -> None:
    wrong = {
        f"{path.name}: {name}"
        for path in sources("contracts")
        for name in imports(path)
        if name.startswith("busbar_") and not name.startswith("busbar_contracts")
    }
    assert wrong == set()


def test_shared_knows_no_service() -> None:
    names = {path.name for path in SERVICES}
    wrong = {
        f"{path.name}: {name}"
        for path in sources("shared")
        for name in imports(path)
        if name.split(".")[0] in names
    }
    assert wrong == set()


@pytest.mark.parametrize("library", ONE_PLACE)
def test_a_library_for_input_and_output_is_imported_in_one_place(library: str) -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in sources("contracts", "shared", "services")
        if any(name.split(".")[0] == library for name in imports(path))
    }
    assert users <= ONE_PLACE[library]


def test_the_plant_imports_only_the_standard_library() -> None:
    allowed = {"busbar_simulator.plant"}
    plant = ROOT / "services" / "busbar_simulator" / "plant"
    import sys

    wrong = {
        f"{path.name}: {name}"
        for path in plant.rglob("*.py")
        for name in imports(path)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not any(name.startswith(one) for one in allowed)
    }
    assert wrong == set()


def test_no_test_uses_a_mock() -> None:
    wrong = {str(path.relative_to(ROOT)) for path in sources("tests") if "unittest.mock" in imports(path)}
    assert wrong == set()
