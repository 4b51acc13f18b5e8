"""`busbar restart`: asks one service of a site that runs to start anew, and never a process that only has its number."""

import os
import signal
from collections.abc import Mapping

import msgspec
import typer

from busbar_cli.processes import UP_FILE, is_service
from busbar_shared.config.root import SERVICES, Site
from busbar_shared.life import state_dir_of


def restart(site: Site, service: str, environ: Mapping[str, str] = os.environ) -> int:
    """Ask one service of a running `busbar up` to restart without dropping what it granted. Returns the exit code."""
    file = state_dir_of(site, environ) / UP_FILE
    try:
        pids = msgspec.json.decode(file.read_bytes(), type=dict[str, int])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        pids = {}
    # After a power cut the file names processes that are others now, and the end of the supervisor ends the house.
    ours = {name: pid for name, pid in pids.items() if name in SERVICES and is_service(pid, name)}
    if not ours:
        typer.echo("no `busbar up` runs for this site", err=True)
        return 1
    if service not in ours:
        typer.echo(f"{service!r} does not run; there are {', '.join(ours)}", err=True)
        return 1
    try:
        os.kill(pids[service], signal.SIGHUP)
    except ProcessLookupError:
        typer.echo(f"{service} (process {pids[service]}) is gone", err=True)
        return 1
    except PermissionError:
        typer.echo(f"{service} (process {pids[service]}) belongs to another account", err=True)
        return 1
    return 0
