"""`busbar ocpp tags` and `password`: who may charge, and how a charge point shows who it is."""

from __future__ import annotations

from typing import Annotated

import typer

from busbar_ocpp.command_arguments import JsonOption, print_json_line
from busbar_shared.command_line import ConfigOption, fail, load_or_exit

access = typer.Typer()


@access.command()
def tags(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Who may charge, as configured."""
    site = load_or_exit(config)
    section = site.ocpp
    if section is None:
        fail("[ocpp] is not configured")
    own = {
        name: charger
        for name, charger in site.chargers.items()
        if charger.accept_all_tags is not None or charger.tags
    }
    if as_json:
        chargers = {
            name: {"accept_all": one.accept_all_tags, "tags": list(one.tags)} for name, one in own.items()
        }
        said = {"accept_all": section.accept_all_tags, "tags": list(section.tags)}
        print_json_line(
            {**said, "asked_s": section.ask_tags_s if section.ask_tags else None, "chargers": chargers}
        )
        return
    if section.accept_all_tags:
        typer.echo("every tag may charge (ocpp.accept_all_tags)")
    else:
        typer.echo("\n".join(section.tags) or "no tag may charge: ocpp.tags is empty")
    for name, one in own.items():
        also = "every tag" if one.accept_all_tags else ", ".join(one.tags) or "only the tags of [ocpp]"
        typer.echo(f"{name}: {also} (chargers.{name})")
    if section.ask_tags:
        typer.echo(f"any other tag is asked about over MQTT for {section.ask_tags_s:g} s (ocpp.ask_tags)")


@access.command()
def password(
    given: Annotated[str | None, typer.Option(help="The password; without it one is made.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make the hash for `password` of a charger, and the password to type into the charge point."""
    import secrets

    from busbar_ocpp.passwords import hashed

    chosen = given if given is not None else secrets.token_hex(16)
    if not 8 <= len(chosen) <= 40:
        fail("a password has 8 to 40 characters")
    if as_json:
        print_json_line({"type_into_charge_point": chosen, "password": hashed(chosen)})
        return
    if given is None:
        typer.echo(f"type into the charge point:   {chosen}")
    typer.echo(f'write into the configuration: password = "{hashed(chosen)}"')
