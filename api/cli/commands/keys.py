"""`zhiwen keys`: API keys on the command line."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli import terminal
from api.guard.access import SCOPES
from api.guard.key_file import add_line, line_of
from api.guard.keys import new_key
from api.messages import interface_language, say
from rag import config

keys = typer.Typer(help="API keys for `zhiwen serve`.", no_args_is_help=True)


@keys.callback()
def _keys() -> None:
    """With a single command, typer would leave its name out."""


@keys.command()
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Whose key it is, for the log and for taking it back.")],
    scope: Annotated[
        list[str] | None, typer.Option(help=f"What it opens: {', '.join(SCOPES)} [default: ask]. Can be repeated.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Where its hash goes [default: serve.keys_file if that is set].")
    ] = None,
) -> None:
    """Make an API key. It is printed once; only its hash is kept."""
    configured = config.load(context.obj).serve.keys_file
    target = file or (Path(configured) if configured else None)
    key, language = new_key(), interface_language()
    line = line_of(name, scope or ["ask"], key)
    if target:
        add_line(target, name, line)
    print(key)
    told = say("key_added", language, path=target) if target else say("key_line", language, line=line)
    terminal.messages().print(told)
