"""`zhiwen keys`."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli import terminal
from api.cli.options import settings_of
from api.guard.key_file import add_line, line_of, public_line
from api.guard.keys import new_key
from api.guard.route_rules import SCOPES
from api.service.audit import COMMAND_LINE, AuditLog
from api.translations import interface_language, say

keys = typer.Typer(help="Manage API keys for `zhiwen serve`.", no_args_is_help=True)


@keys.callback()
def _keys() -> None:
    """Make `keys` a group: typer drops the name of a group's only command."""


@keys.command()
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A name for the key, shown in the log and used to revoke it.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help=f"What the key may do: {', '.join(SCOPES)} [default: ask]. Can be repeated."),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            help="Make a public key, for the widget on the pages of this site, such as https://docs.example.com. "
            "Can be repeated."
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="The file for its hash [default: serve.keys_file, if that is set].")
    ] = None,
) -> None:
    """Create an API key. It is printed once; only its hash is stored."""
    serve = settings_of(context).serve
    configured, audit = serve.keys_file, AuditLog(serve)
    target = file or (Path(configured) if configured else None)
    key, language = new_key(), interface_language()
    line = public_line(line_of(name, scope or ["ask"], key), origin or [])
    if target:
        add_line(target, name, line)
    audit.note("made key", COMMAND_LINE, name=f"{name}:{'+'.join(scope or ['ask'])}")
    print(key)
    note = say("key_added", language, path=target) if target else say("key_line", language, line=line)
    terminal.messages().print(note)
