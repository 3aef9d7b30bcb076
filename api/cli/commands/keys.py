"""`zhiwen keys`."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli import terminal
from api.cli.options import chosen, settings_of
from api.guard.key_file import add_line, line_of
from api.guard.keys import new_key
from api.guard.route_rules import SCOPES
from api.service.audit import COMMAND_LINE, AuditLog, Subject
from api.service.key_entries import GROUP
from api.translations import interface_language, say

keys = typer.Typer(help="Manage API keys for `zhiwen serve`.", no_args_is_help=True)


@keys.callback()
def _keys() -> None:
    """Make `keys` a group: typer drops the name of a group's only command."""


_Scopes = Annotated[
    list[str] | None,
    typer.Option("--scope", help=f"What the key may do: {', '.join(SCOPES)} [default: ask]. Can be repeated."),
]
_Bound = Annotated[
    list[str] | None,
    typer.Option("--kb", metavar="NAME", help="Bind the key to this knowledge base. Can be repeated."),
]
_Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        help="Let the key see only documents that match, as --where of `zhiwen ask`: tags=hr, source^=public/. KEY is "
        "source, title or a front-matter key. If repeated, all must match.",
    ),
]
_Origins = Annotated[
    list[str] | None,
    typer.Option(
        "--origin",
        metavar="URL",
        help="Make a public key, for the widget on the pages of this site, such as https://docs.example.com. Can be "
        "repeated.",
    ),
]
_Group = Annotated[
    bool,
    typer.Option("--group", help="Make no key, but the line of a group that a proxy names: see serve.proxy_key."),
]


@keys.command()
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A name for the key, shown in the log and used to revoke it.")],
    scope: _Scopes = None,
    kb: _Bound = None,
    where: _Where = None,
    origin: _Origins = None,
    file: Annotated[
        Path | None, typer.Option(help="The file for its hash [default: serve.keys_file, if that is set].")
    ] = None,
    group: _Group = False,
) -> None:
    """Create an API key. It is printed once; only its hash is stored."""
    settings = settings_of(context)
    bound = chosen(settings, kb) if kb else ()
    configured, audit = settings.serve.keys_file, AuditLog(settings.serve)
    target = file or (Path(configured) if configured else None)
    key, language = GROUP if group else new_key(), interface_language()
    line = line_of(name, scope or ["ask"], key, bound, where or (), origin or ())
    if target:
        add_line(target, name, line)
    action, subject = "made group" if group else "made key", Subject(tuple(bound))
    audit.note(action, COMMAND_LINE, name=f"{name}:{'+'.join(scope or ['ask'])}", subject=subject)
    if group:
        print(line)  # it has no secret
        return
    print(key)
    note = say("key_added", language, path=target) if target else say("key_line", language, line=line)
    terminal.messages().print(note)
