"""The table of contents of `busbar`."""

import asyncio
import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from busbar_cli.lazy import LazyGroup
from busbar_shared.command_line import EXIT_WRONG, ConfigOption, load_or_exit, print_json
from busbar_shared.config.load import BadConfig
from busbar_shared.config.root import SERVICES

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object.")]
JsonLogs = Annotated[bool, typer.Option("--json", help="Log JSON, one object a line.")]


def _services(incomplete: str) -> list[str]:
    """For the completion of the shell."""
    return [name for name in SERVICES if name.startswith(incomplete)]


ServiceName = Annotated[str, typer.Argument(help="Name of the service.", autocompletion=_services)]


app = typer.Typer(
    cls=LazyGroup,
    help="A home energy manager of independent services that talk over MQTT.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)


def main() -> None:
    """Run `busbar` with the arguments of this process."""
    wants_help = sys.argv[1:] in (["--help"], ["-h"], [])
    for stream in (sys.stdout, sys.stderr):
        # A terminal that has no such letter shows another sign; that is no reason to end.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app(obj="help" if wants_help else None, prog_name="busbar")
    except BadConfig as error:
        # What the file asks for is not on this machine, such as a password that only services are given.
        typer.echo(str(error), err=True)
        sys.exit(EXIT_WRONG)


@app.command()
def run(
    service: Annotated[
        str, typer.Argument(help="Name of the service: meter, ocpp, allocator, ...", autocompletion=_services)
    ],
    config: ConfigOption = None,
    json: JsonLogs = False,
) -> None:
    """Run one service. It needs only a broker."""
    from busbar_cli.run import run_service

    raise typer.Exit(run_service(service, load_or_exit(config), json_log=json))


@app.command()
def up(
    config: ConfigOption = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Only these services; repeat the option.", autocompletion=_services),
    ] = None,
    json: JsonLogs = False,
) -> None:
    """Run all services of a site on this machine, and restart those that die."""
    from busbar_cli.run import LOG_JSON
    from busbar_cli.up import up as run_up

    site = load_or_exit(config)
    if json:
        os.environ[LOG_JSON] = "1"
    raise typer.Exit(asyncio.run(run_up(site, config, only)))


@app.command()
def demo(
    minutes: Annotated[
        float | None, typer.Option(help="End by itself after so many minutes.", min=0.05)
    ] = None,
    headless: Annotated[
        bool, typer.Option("--headless", help="Print one line a second instead of the live view.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="With --headless: one JSON object a line.")] = False,
    speed: Annotated[float | None, typer.Option(help="How fast the sun moves.", min=0.1, max=3600)] = None,
    seed: Annotated[int | None, typer.Option(help="Another day.")] = None,
    broker: Annotated[str, typer.Option(help="auto, mosquitto or amqtt.")] = "auto",
    keep: Annotated[
        Path | None, typer.Option(help="Keep configuration, state and logs in this folder.")
    ] = None,
) -> None:
    """Watch a simulated house being managed: real processes, real protocols."""
    from busbar_cli.demo import demo as run_demo

    raise typer.Exit(
        asyncio.run(
            run_demo(
                minutes=minutes,
                headless=headless,
                as_json=json,
                speed=speed,
                seed=seed,
                broker=broker,
                keep=keep,
            )
        )
    )


@app.command()
def watch(
    config: ConfigOption = None,
    topic: Annotated[str, typer.Option(help="MQTT filter below the root, for example charger/#.")] = "#",
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    seconds: Annotated[float | None, typer.Option(help="End after so many seconds.", min=0.1)] = None,
) -> None:
    """Show the traffic on the bus, decoded."""
    from busbar_cli.watch import watch as run_watch

    raise typer.Exit(asyncio.run(run_watch(load_or_exit(config), topic, as_json=json, seconds=seconds)))


@app.command()
def status(
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show which services live, and the state of the house. Exit code 1 when a configured service is not online."""
    from busbar_cli.status import status as run_status

    raise typer.Exit(asyncio.run(run_status(load_or_exit(config), as_json=json)))


@app.command()
def restart(
    service: ServiceName,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Restart one service under `busbar up`, leaving its leases to run on instead of dropping cars."""
    from busbar_cli.restart import restart as run_restart

    code = run_restart(load_or_exit(config), service)
    if json:
        print_json({"service": service, "asked": code == 0})
    raise typer.Exit(code)


@app.command()
def health(
    service: ServiceName,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Say whether one service is online and ready. Exit code 1 when it is not; for container engines."""
    from busbar_cli.health import health as run_health

    raise typer.Exit(asyncio.run(run_health(load_or_exit(config), service, as_json=json)))


@app.command()
def doctor(
    config: ConfigOption = None,
    json: JsonOption = False,
    seconds: Annotated[float, typer.Option(help="How long to listen.", min=1, max=3600)] = 12.0,
) -> None:
    """Look at the running site, say what is wrong and what to do. Exit code 0 good, 1 something is bad, 2 configuration."""
    from busbar_cli.doctor_look import doctor as run_doctor

    raise typer.Exit(asyncio.run(run_doctor(load_or_exit(config), as_json=json, seconds=seconds)))


@app.command()
def setup(
    folder: Annotated[Path, typer.Argument(help="Where the site's files go.")] = Path("deploy/site"),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take the defaults.")] = False,
    where: Annotated[str, typer.Option("--for", help="compose, machine (systemd) or up.")] = "compose",
    name: Annotated[str, typer.Option(help="Name of the house.")] = "Home",
    timezone: Annotated[str | None, typer.Option(help="IANA zone; default: that of this machine.")] = None,
    limit: Annotated[float, typer.Option(help="Main breaker, ampere per phase.")] = 25.0,
    phases: Annotated[int, typer.Option(help="1 or 3.")] = 3,
    meter: Annotated[str, typer.Option(help="Address of the grid meter, or `simulated`.")] = "simulated",
    chargers: Annotated[str, typer.Option(help="Names of the chargers, with commas.")] = "left",
    ocpp_tls: Annotated[bool, typer.Option("--ocpp-tls", help="Chargers connect encrypted (wss).")] = False,
    host: Annotated[
        list[str] | None, typer.Option(help="A further name or address in the certificates; repeat it.")
    ] = None,
    renew: Annotated[bool, typer.Option("--renew", help="Make the servers' certificates anew.")] = False,
    json: Annotated[
        bool,
        typer.Option("--json", help="One JSON object: what was written and what to do next; asks nothing."),
    ] = False,
) -> None:
    """Write configuration, accounts and certificates for a new site. What is there already is kept."""
    from busbar_cli.setup_command import set_up

    raise typer.Exit(
        set_up(
            folder, yes=yes or json, where=where, name=name, timezone=timezone, limit_a=limit, phases=phases, meter=meter,
            chargers=chargers, ocpp_tls=ocpp_tls, hosts=tuple(host or ()), renew=renew, as_json=json,
        )
    )  # fmt: skip


@app.command()
def accounts(
    folder: Annotated[Path, typer.Argument(help="The folder that `busbar setup` wrote.")] = Path(
        "deploy/site"
    ),
    reference: Annotated[
        bool, typer.Option("--reference", help="Print the access list of a site without devices.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Bring the broker's accounts and access list in line with the configuration, after it was changed."""
    from busbar_cli.setup_command import renew

    raise typer.Exit(renew(folder, reference=reference, as_json=json))


@app.command()
def version(json: JsonOption = False) -> None:
    """Print the version of the program and of the contract."""
    from busbar_contracts import CONTRACT_VERSION
    from busbar_shared.life import program_version

    if json:
        print_json({"program": program_version(), "contract": CONTRACT_VERSION})
        return
    print(f"busbar {program_version()}, contract {CONTRACT_VERSION}")
