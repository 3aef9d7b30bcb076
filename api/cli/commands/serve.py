"""`zhiwen serve`."""

from typing import Annotated

import typer

from api.cli import terminal
from api.cli.options import settings_of
from api.service.owner import find_owner
from api.translations import interface_language, say
from rag.errors import StoreLocked


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on [default: serve.host].")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on [default: serve.port].")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Ingest whenever the folder changes.")] = False,
) -> None:
    """Serve the page and the HTTP API."""
    from api.http.server import serve as run  # noqa: PLC0415  (no other command needs the libraries of the server)

    settings = settings_of(context)
    options = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    settings = settings.model_copy(update={"serve": settings.serve.model_copy(update=options)})
    owner = find_owner(settings)
    if owner:
        raise StoreLocked(f"{settings.store.uri} is already served at {owner.url} (process {owner.pid})")
    run(settings, watch=watch, on_listening=_announce)


def _announce(url: str) -> None:
    print(url, flush=True)
    terminal.messages().print(say("stop", interface_language()), style="dim")
