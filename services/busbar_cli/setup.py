"""`busbar setup`: asks little, and writes the files of a new site into one folder."""

import secrets
import shlex
import socket
import zoneinfo
from pathlib import Path

import typer

from busbar_cli.accounts import SALT_BYTES, accounts, acl_text, hashed, login, matches
from busbar_cli.certificates import check_names, make_authority, make_server, require_openssl
from busbar_cli.new_site import SIMULATED, Answers, ChargerSecret, place_of, toml_of
from busbar_cli.service_checks import service_problems
from busbar_cli.setup_files import (
    folder_for_containers,
    lines_of,
    literal,
    make_own_folders,
    own_rights,
    refuse_a_folder_of_others,
    text_of,
    write,
)
from busbar_shared.config.load import BadConfig, read, read_file
from busbar_shared.config.root import Site


def ask(first: Answers) -> Answers:
    """The answers of a person at the terminal; what is given already is proposed."""
    limit_a = typer.prompt("Main breaker, ampere per phase", default=first.limit_a, type=float)
    phases = typer.prompt("Phases of the house (1 or 3)", default=first.phases, type=int)
    meter = typer.prompt(
        "Address of the grid meter or inverter (SunSpec), or `simulated`", default=first.meter, type=str
    )
    chargers = typer.prompt("Names of the chargers, with commas", default=",".join(first.chargers), type=str)
    return answers_of(
        first.where, first.name, first.timezone, limit_a, phases, meter, chargers, ocpp_tls=first.ocpp_tls
    )


def answers_of(
    where: str, name: str, timezone: str, limit_a: float, phases: int, meter: str, chargers: str, *,
    ocpp_tls: bool,
) -> Answers:  # fmt: skip
    """The answers, checked. Raises BadConfig with a sentence for the first that cannot be."""
    names = tuple(one.strip().lower() for one in chargers.split(",") if one.strip())
    if where not in ("compose", "machine", "up"):
        raise BadConfig(f"--for: compose, machine or up (found {where!r})")
    if not 6 <= limit_a <= 400:
        raise BadConfig(f"the breaker: 6 to 400 A (found {limit_a:g})")
    if phases not in (1, 3):
        raise BadConfig(f"phases: 1 or 3 (found {phases})")
    if bad := [one for one in names if not one.replace("-", "").isalnum() or not one.isascii()]:
        raise BadConfig(f"chargers: letters, digits and - only (found {bad[0]!r})")
    if twice := [one for one in names if names.count(one) > 1]:
        raise BadConfig(f"chargers: {twice[0]!r} is named twice")
    if not name.isprintable() or not name.strip():
        raise BadConfig(f"--name: one line of text (found {name!r})")
    if ocpp_tls and meter.strip() == SIMULATED:
        raise BadConfig(
            "--ocpp-tls: the simulated charge points speak ws; name a real meter (found 'simulated')"
        )
    if not meter.isprintable() or not meter.strip() or place_of(meter.strip()) is None:
        raise BadConfig(f"the meter: a name or an address, with :port where it is not 502 (found {meter!r})")
    return Answers(
        where=where, name=name, timezone=timezone, limit_a=limit_a, phases=3 if phases == 3 else 1,  # type: ignore[arg-type]
        meter=meter.strip(), chargers=names, ocpp_tls=ocpp_tls,
    )  # fmt: skip


def zone_here() -> str:
    """The zone of this machine, or Europe/Berlin."""
    try:
        found = "/".join(Path("/etc/localtime").resolve().parts[-2:])
        zoneinfo.ZoneInfo(found)
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        return "Europe/Berlin"
    return found if not found.startswith("zoneinfo/") else found.removeprefix("zoneinfo/")


def make(folder: Path, answers: Answers, *, hosts: tuple[str, ...] = (), renew: bool = False) -> list[str]:
    """Write what is missing; what is there is kept. Returns sentences for the owner. Raises BadConfig."""
    refuse_a_folder_of_others(folder)
    check_names(hosts)
    file = folder / "busbar.toml"
    if file.exists():
        site, text, said = read_file(file), None, [f"{file} is kept as it is"]
    else:
        text, said = _configuration(folder, answers)
        site = read(text)
        said.insert(0, f"{file} is written; `busbar config check --config {file}` explains it")
        if wrong := list(service_problems(site)):
            raise BadConfig("\n".join(wrong))
    certified = site.broker.tls or answers.ocpp_tls or (site.ocpp is not None and site.ocpp.security >= 2)
    if certified and text is not None:
        # Before anything is written: the passwords of the chargers are told once, at the end.
        require_openssl()
    folder.mkdir(parents=True, exist_ok=True)
    # Inside are secrets that a container's own user must be able to read; the folder is what keeps others out.
    folder.chmod(0o700)
    if text is not None:
        write(file, text, 0o644)
    if _has_accounts(site):
        renew_accounts(folder, site)
        said.append("accounts: one for each service, `owner` for you and Home Assistant, `devices` for plugs")
    if certified:
        _certificates(folder, site, hosts, renew=renew)
        said.append("certificates: signed by the site's own authority, ca.pem; keep ca.key to yourself")
        if answers.ocpp_tls and not hosts:
            said.append(
                "chargers connect to a name in their certificate: it has the name of this machine; "
                "where they are told an address, add it with --renew --host ADDRESS"
            )
    return said


def _configuration(folder: Path, answers: Answers) -> tuple[str, list[str]]:
    """The configuration of a new site, with a password for each charger, and what its owner must be told."""
    from busbar_ocpp.passwords import hashed as hashed_for_charger

    made: dict[str, ChargerSecret] = {}
    said: list[str] = []
    for name in answers.chargers:
        # OCPP security whitepaper, profile 1: 16 to 40 characters.
        password = secrets.token_urlsafe(18)
        made[name] = ChargerSecret(password, hashed_for_charger(password))
        if answers.meter != SIMULATED:
            said.append(f"charger {name}: identity {name}, password {password} (only its hash is kept)")
    return toml_of(answers, made, str(folder.absolute())), said


def _has_accounts(site: Site) -> bool:
    """Whether each service logs in as itself; with one name for all, or none, the broker is the owner's own affair."""
    return "{service}" in (site.broker.username or "")


def renew_accounts(folder: Path, site: Site) -> None:
    """Bring acl and passwords in line with the site. Passwords that exist stay, so nothing has to log in anew.

    Raises BadConfig where the site has no account for each service, or names that the broker's files cannot hold.
    """
    name = site.broker.username or ""
    if not _has_accounts(site) or ":" in name or not name.isprintable() or name != name.strip():
        raise BadConfig(
            f"broker.username: accounts for each service need {{service}} in it, and neither a colon nor "
            f"a blank at its ends (found {name!r})"
        )
    write(folder / "acl", acl_text(site, own_rights(folder / "acl.local")), 0o644)
    _compose_env(folder, site)
    make_own_folders(folder)
    store = folder / "secrets"
    folder_for_containers(store)
    known = lines_of(folder / "passwords")
    kept: dict[str, str] = {}
    for account in accounts(site):
        file = store / account.name
        # An empty one is what a full disk left of the first try; it would let anybody in.
        if not (password := text_of(file).strip()):
            password = secrets.token_urlsafe(24)
            write(file, password + "\n", 0o644)
        name = login(site, account.name)
        stored = known.pop(name, "")
        kept[name] = (
            stored if matches(password, stored) else hashed(password, secrets.token_bytes(SALT_BYTES))
        )
    # What is left are accounts the owner made himself, for the users of acl.local.
    lines = [f"{name}:{stored}\n" for name, stored in {**kept, **known}.items()]
    write(folder / "passwords", "".join(lines), 0o644)


def _compose_env(folder: Path, site: Site) -> None:
    """What `docker compose --env-file` needs: which of the optional services this site has."""
    always = ("meter", "ocpp", "allocator")
    profiles = [
        "simulated" if name == "simulator" else name for name in site.services() if name not in always
    ]
    lines = {
        "BUSBAR_SITE": literal(str(folder.absolute())),
        "BUSBAR_OCPP": str(int(site.ocpp is not None)),
        "COMPOSE_PROFILES": ",".join(profiles),
    }
    write(folder / "compose.env", "".join(f"{name}={value}\n" for name, value in lines.items()), 0o644)


def _certificates(folder: Path, site: Site, hosts: tuple[str, ...], *, renew: bool) -> None:
    own = ("broker", "localhost", "127.0.0.1", socket.gethostname(), *hosts)
    servers = {"broker": own, "ocpp": ("ocpp", *own[1:])}
    for name in servers:
        halves = [half for half in (f"{name}.pem", f"{name}.key") if (folder / half).exists()]
        if len(halves) == 1 and not renew:
            raise BadConfig(
                f"{folder} has {halves[0]} without its other half; put that beside it, or take it away"
            )
    wanted = [name for name in servers if renew or not (folder / f"{name}.pem").exists()]
    # The key of the authority may lie elsewhere while there is nothing to sign.
    if wanted or not (folder / "ca.pem").exists():
        make_authority(folder, site.site.name)
    for name in wanted:
        make_server(folder, name, tuple(dict.fromkeys(servers[name])))


def next_steps(folder: Path) -> str:
    """What to type now, by where the broker of the site is."""
    host = read_file(folder / "busbar.toml").broker.host
    env, file = shlex.quote(f"{folder}/compose.env"), shlex.quote(str(folder / "busbar.toml"))
    if host == "broker":
        return (
            f"now: docker compose --env-file {env} up -d --build, "
            f"then: docker compose --env-file {env} run --rm cli doctor (docs/deploy.md)"
        )
    if host != "embedded":
        return f"now: sudo deploy/systemd/install {shlex.quote(str(folder))} (docs/deploy.md)"
    return f"now: busbar up --config {file}"
