"""Compose itself reads our files: `docker compose config -q` needs no engine."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROFILES = ("plugs", "heat", "battery", "prices", "chargeamps", "simulated", "tools")


def compose(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """A compose command in the repository, or one that failed where there is no compose."""
    try:
        return subprocess.run(
            ["docker", "compose", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess([], 127, "", "docker is not installed")


pytestmark = pytest.mark.skipif(
    compose("version").returncode != 0, reason="docker compose is not installed on this machine"
)
OPEN = ("-f", "compose.yaml", "-f", "deploy/compose.mqtt.yaml")


@pytest.mark.parametrize("files", [("-f", "compose.yaml"), OPEN], ids=["closed", "open to the house"])
@pytest.mark.parametrize(
    "profiles", [(), *((one,) for one in PROFILES), PROFILES], ids=lambda one: "+".join(one) or "none"
)
def test_compose_understands_the_file(files: tuple[str, ...], profiles: tuple[str, ...]) -> None:
    chosen = [word for name in profiles for word in ("--profile", name)]

    done = compose(*files, *chosen, "config", "-q")

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("files", "ports"),
    [
        pytest.param(("-f", "compose.yaml"), ["9000"], id="charge points alone"),
        pytest.param(OPEN, ["8883", "9000"], id="charge points and the encrypted broker"),
    ],
)
def test_no_other_port_is_published(files: tuple[str, ...], ports: list[str]) -> None:
    import json

    chosen = [word for name in PROFILES for word in ("--profile", name)]
    made = json.loads(compose(*files, *chosen, "config", "--format", "json").stdout)

    published = [
        one["published"] for service in made["services"].values() for one in service.get("ports", [])
    ]
    assert sorted(published) == ports


@pytest.mark.parametrize(("given", "scale"), [(None, 1), ("0", 0), ("1", 1)])
def test_a_site_without_ocpp_starts_no_container_for_it(
    monkeypatch: pytest.MonkeyPatch, given: str | None, scale: int
) -> None:
    import json

    if given is not None:
        monkeypatch.setenv("BUSBAR_OCPP", given)
    made = json.loads(compose("config", "--format", "json").stdout)

    assert made["services"]["ocpp"].get("scale", 1) == scale
