"""systemd's own word on the units."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from busbar_shared.config.root import SERVICES

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed on this machine"
)
NOT_INSTALLED_HERE = "/opt/busbar/bin/busbar is not executable"


def analysed(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A word of systemd-analyze on the units, copied to where it finds each by its name."""
    return subprocess.run(
        ["systemd-analyze", *arguments], env={"SYSTEMD_UNIT_PATH": f"{folder}:", "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units of every service, as the installer puts them."""
    shutil.copy(UNITS / "busbar.target", tmp_path)
    for name in SERVICES:
        shutil.copy(UNITS / "busbar@.service", tmp_path / f"busbar@{name}.service")
        if (UNITS / f"busbar@{name}.service.d").exists():
            shutil.copytree(UNITS / f"busbar@{name}.service.d", tmp_path / f"busbar@{name}.service.d")
    return tmp_path


@pytest.mark.parametrize("name", [*(f"busbar@{name}.service" for name in SERVICES), "busbar.target"])
def test_systemd_finds_nothing_wrong(units: Path, name: str) -> None:
    done = analysed(units, "verify", str(units / name))

    wrong = [line for line in done.stderr.splitlines() if "busbar" in line and NOT_INSTALLED_HERE not in line]
    assert wrong == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_exposed_little(units: Path, name: str) -> None:
    done = analysed(units, "security", "--offline=true", str(units / f"busbar@{name}.service"))

    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= 3.0, "of 10; 3 is what systemd calls OK"
