"""Every command on one page, from the command line itself: what `docs/cli.md` holds."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Annotated, Any

import typer

from busbar_shared.command_line import print_json

HEAD = """# Commands

Generated from the command line by `busbar commands`; do not edit.
Each command has `--help` and `--json`: one object, or one a line where it goes on; services that run log JSON with it.
Where `--config` is not given, the file is `BUSBAR_CONFIG`, else `busbar.toml` in this folder.
Answers go to standard output, problems and progress to standard error; colours and bars are left out when it is not a terminal.
`busbar --install-completion` installs completion for your shell.

## Exit codes

| Code | Meaning |
|---:|---|
| 0 | done; what was asked about is good |
| 1 | the answer is no: a service is not online, something is bad, decisions differ, a device did not do it, nobody answered |
| 2 | the command or the configuration is wrong; a sentence on standard error names the key and the value |
| 3 | another instance of this service lives (`busbar run`) |
| 4 | `busbar demo` ended before the house was seen or a load was granted anything, so nothing was proven |
| 130 | ended with ctrl-c before there was an answer |

`busbar up` and `busbar run` end with 0 when they were asked to stop (SIGTERM, ctrl-c) and left their devices safe."""

HIDDEN = {"help", "install_completion", "show_completion"}


def commands_page(app: typer.Typer) -> str:
    """The page for this command line."""
    parts = [HEAD]
    for path, command in leaves(typer.main.get_command(app), ("busbar",)):
        if len(path) == 3 and f"## `busbar {path[1]}`" not in parts:
            parts.append(f"## `busbar {path[1]}`")
        parts += _described(path, command)
    return "\n\n".join(parts) + "\n"


def leaves(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that call it; groups after the single ones."""
    if not hasattr(command, "list_commands"):
        yield path, command
        return
    # Only what the lazy group looks at: whether this is real work or the table of contents.
    context: Any = SimpleNamespace(resilient_parsing=False, obj=None)
    found = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
    known = [(name, one) for name, one in found if one is not None and not one.hidden]
    for name, one in sorted(known, key=lambda pair: hasattr(pair[1], "list_commands")):
        yield from leaves(one, (*path, name))


def _described(path: tuple[str, ...], command: Any) -> list[str]:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and one.name not in HIDDEN]
    usage = " ".join([*path, *(_place(one) for one in arguments), *(["[OPTIONS]"] if options else [])])
    made = [
        f"{'##' if len(path) == 2 else '###'} `{' '.join(path)}`",
        _plain(command.help),
        f"```text\n{usage}\n```",
    ]
    rows = [f"| `{_place(one)}` | {_plain(one.help)}{_default(one)} |" for one in arguments]
    rows += [f"| {_names(one)} | {_plain(one.help)}{_default(one)} |" for one in options]
    if rows:
        made.append("\n".join(["| | |", "|---|---|", *rows]))
    return made


def _place(argument: Any) -> str:
    name = (argument.metavar or argument.name or "").upper().strip("[]")
    return name if argument.required else f"[{name}]"


def _names(option: Any) -> str:
    return ", ".join(
        f"`{name}`" for name in sorted([*option.opts, *option.secondary_opts], key=len, reverse=True)
    )


def _default(param: Any) -> str:
    value = param.default
    if (
        callable(value)
        or value in (None, False, "", ())
        or param.required
        or "Sentinel" in type(value).__name__
    ):
        return ""
    return f" Default: `{value}`."


def _plain(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|").replace("<", "&lt;")


def commands(
    json: Annotated[bool, typer.Option("--json", help="A list with one object a command.")] = False,
) -> None:
    """Print every command with its arguments, options and exit codes, as docs/cli.md has it."""
    from busbar_cli.main import app

    if json:
        print_json(
            [
                {
                    "command": " ".join(path),
                    "help": _plain(one.help),
                    "options": [name for each in one.params for name in each.opts],
                }
                for path, one in leaves(typer.main.get_command(app), ("busbar",))
            ]
        )
        return
    typer.echo(commands_page(app), nl=False)
