"""deploy/systemd/install in a folder that plays the machine: what it installs, and that it asks before it touches."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from busbar_cli.setup import answers_of, make

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"


def _has_mosquitto_user() -> bool:
    try:
        pwd.getpwnam("mosquitto")
    except KeyError:
        return False
    return True


pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not _has_mosquitto_user(), reason="needs root and Debian's user of mosquitto"
)


class Machine:
    """A root folder of its own, in which systemctl writes down what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.root, self.asked = folder / "machine", folder / "asked"
        for name in ("etc/mosquitto/conf.d", "etc/systemd/system", "opt/busbar/bin"):
            (self.root / name).mkdir(parents=True)
        busbar = self.root / "opt/busbar/bin/busbar"
        path = ":".join(sys.path)
        busbar.write_text(f'#!/bin/sh\nPYTHONPATH="{path}" exec {sys.executable} -m busbar_cli "$@"\n')
        busbar.chmod(0o755)
        (folder / "bin").mkdir()
        (folder / "bin" / "systemctl").write_text(f'#!/bin/sh\necho "$@" >> {self.asked}\n')
        (folder / "bin" / "systemctl").chmod(0o755)
        self._script = folder / "deploy"
        shutil.copytree(UNITS, self._script)
        text = (self._script / "install").read_text()
        for place in ("/opt/busbar", "/etc/"):
            text = text.replace(place, f"{self.root}{place}")
        (self._script / "install").write_text(text)
        self._environ = {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}"}

    def install(self, site: Path) -> "subprocess.CompletedProcess[str]":
        """Run the script for this site."""
        return subprocess.run(
            [str(self._script / "install"), str(site)], env=self._environ,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def files(self) -> dict[str, int]:
        """Every installed file with its rights."""
        some = [one for one in self.root.rglob("*") if one.is_file() and "opt" not in one.parts]
        return {str(one.relative_to(self.root)): stat.S_IMODE(one.stat().st_mode) for one in some}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def site_of(folder: Path, where: str = "machine") -> Path:
    """A site of the simulated house."""
    make(folder, answers_of(where, "Oak", "UTC", 25, 3, "simulated", "left", ocpp_tls=False))
    return folder


def test_a_new_site_is_installed_with_its_secrets_closed(machine: Machine, tmp_path: Path) -> None:
    done = machine.install(site_of(tmp_path / "site"))

    assert done.returncode == 0, done.stderr
    files = machine.files()
    assert files["etc/busbar/busbar.toml"] == 0o644
    assert files["etc/systemd/system/busbar@.service"] == 0o644
    secrets = [name for name in files if "secrets/" in name or name.endswith((".key", "/passwords"))]
    assert len(secrets) >= 13
    assert {files[name] for name in secrets} == {0o600}
    assert not any("ca.key" in name for name in files), "the key of the authority stays where it was made"
    asked = machine.asked.read_text().splitlines()
    assert [f"restart busbar@{one}" in asked for one in ("simulator", "meter", "ocpp", "allocator")] == [
        True
    ] * 4
    assert "restart busbar@plugs" not in asked


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        pytest.param(
            lambda site: (site / "acl").unlink(), "/acl is missing; write it with: busbar setup",
            id="a file is missing",
        ),
        pytest.param(
            lambda site: (site / "busbar.toml").write_text("[circuits]\nx = 1\n"), "nothing was changed",
            id="the configuration is wrong",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_before_anything_is_touched(
    machine: Machine, tmp_path: Path, spoil: Callable[[Path], object], sentence: str
) -> None:
    site = site_of(tmp_path / "site")
    spoil(site)

    done = machine.install(site)

    assert done.returncode == 1
    assert sentence in done.stderr
    assert machine.files() == {}
    assert not machine.asked.exists()


def test_a_site_for_containers_is_refused(machine: Machine, tmp_path: Path) -> None:
    done = machine.install(site_of(tmp_path / "site", "compose"))

    assert done.returncode == 1
    assert "was set up for containers" in done.stderr
    assert machine.files() == {}
