"""The files in deploy/ and compose.yaml keep what docs/security.md promises."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from busbar_cli.setup import answers_of, make
from busbar_cli.setup_files import OWN
from busbar_shared.config.root import SERVICES

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())


def test_every_service_has_its_container() -> None:
    assert set(COMPOSE["services"]) == {*SERVICES, "broker", "cli"}


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_a_container_can_do_little(name: str) -> None:
    made = COMPOSE["services"][name]

    assert made["read_only"] is True
    assert made["cap_drop"] == ["ALL"]
    assert made["security_opt"] == ["no-new-privileges:true"]
    assert int(made["user"].split(":")[0]) > 0
    assert made["mem_limit"]
    assert made["pids_limit"]
    assert not made.get("privileged")


def test_only_charge_points_reach_in() -> None:
    assert {name: made["ports"] for name, made in COMPOSE["services"].items() if "ports" in made} == {
        "ocpp": ["${BUSBAR_OCPP_PORT:-9000}:9000"]
    }


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_its_own_password_and_is_asked_for_its_health(name: str) -> None:
    made = COMPOSE["services"][name]

    assert made["command"] == ["run", name]
    assert made["healthcheck"]["test"] == ["CMD", "busbar", "health", name]
    assert {"source": name, "target": "mqtt_password"} in made["secrets"]
    own = [f"${{BUSBAR_SITE:-./deploy/site}}/own/{name}:/run/own:ro"] if name in OWN else []
    assert made["volumes"] == [f"{name}:/var/lib/busbar", *own]
    assert made["restart"] == "unless-stopped"


def test_every_file_compose_wants_is_written_by_setup_or_is_here(tmp_path: Path) -> None:
    make(tmp_path, answers_of("compose", "Oak", "UTC", 25, 3, "simulated", "left", ocpp_tls=False))
    for kind in ("configs", "secrets"):
        for name, one in COMPOSE[kind].items():
            file = one["file"].replace("${BUSBAR_SITE:-./deploy/site}", str(tmp_path))
            assert (ROOT / file).exists(), f"{kind}.{name}"
    used = {
        one["source"]
        for made in COMPOSE["services"].values()
        for kind in ("configs", "secrets")
        for one in made.get(kind, [])
    }
    assert used == {*COMPOSE["configs"], *COMPOSE["secrets"]}


def test_tokens_and_logins_are_files_that_setup_has_laid_out(tmp_path: Path) -> None:
    make(tmp_path, answers_of("compose", "Oak", "UTC", 25, 3, "simulated", "left", ocpp_tls=False))
    wanted = {
        f"{name}/{Path(value).name}"
        for name, made in COMPOSE["services"].items()
        for key, value in made.get("environment", {}).items()
        if key.endswith("_FILE") and str(value).startswith("/run/own/")
    }
    plain = [
        key
        for made in COMPOSE["services"].values()
        for key in made.get("environment", {})
        if any(word in key for word in ("PASSWORD", "TOKEN", "KEY", "EMAIL")) and not key.endswith("_FILE")
    ]

    files = [one for one in (tmp_path / "own").rglob("*") if one.is_file()]
    assert wanted == {str(one.relative_to(tmp_path / "own")) for one in files}
    assert plain == []


def test_the_add_on_writes_what_the_documentation_knows() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "home-assistant-addon" / "config.yaml").read_text())
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert version is not None
    assert config["version"] == version[1]
    assert set(config["options"]) == set(config["schema"])
    assert config["services"] == ["mqtt:need"]
    assert {"name", "version", "slug", "description", "arch"} <= set(config)


def test_the_unit_gives_each_service_its_own_password() -> None:
    unit = (ROOT / "deploy" / "systemd" / "busbar@.service").read_text()

    assert "LoadCredential=mqtt_password:/etc/busbar/secrets/%i" in unit
    assert "DynamicUser=yes" in unit
    assert "RestartPreventExitStatus=2" in unit
