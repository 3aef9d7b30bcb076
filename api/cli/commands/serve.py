"""The service on the command line: how it is (`zhiwen status`, `doctor`, `config`, `feedback`), and running it (`serve`
and `mcp`).
"""

import sys
from typing import Annotated

import typer

from api.cli import terminal
from api.cli.json_output import AsJson, print_json
from api.messages import interface_language, say
from api.schemas.feedback import FeedbackResponse
from api.service.factory import open_service
from api.service.owner import find_owner
from rag import config
from rag.errors import StoreLocked
from rag.state.feedback import FeedbackLog


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the live generation, and what the next ingest would do."""
    with open_service(config.load(context.obj)) as backend:
        found = backend.status()
    if as_json:
        print_json(found)
    else:
        terminal.print_status(terminal.output(), found, interface_language())


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Check configuration, documents, store, embedder and chat model, and say how to mend what is wrong."""
    from api.cli.doctor import diagnose  # noqa: PLC0415  (it reaches into every part; no other command does)

    language = interface_language()
    found = diagnose(context.obj, language)
    if as_json:
        print_json(found)
    else:
        terminal.print_checks(terminal.output(), found, language)
    raise typer.Exit(0 if found.ok else 1)


def show_config(context: typer.Context, as_json: AsJson = False) -> None:
    """Show every setting, its value, and whether that is a default or comes from the file or the environment."""
    from api.cli.config_report import config_report  # noqa: PLC0415  (no other command needs it)

    found = config_report(context.obj)
    if as_json:
        print_json(found)
    else:
        terminal.print_settings(terminal.output(), found, interface_language())


def feedback(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what people thought of the answers they got on the page."""
    found = FeedbackResponse.of(FeedbackLog(config.load(context.obj).serve.feedback_path))
    if as_json:
        print_json(found)
    else:
        terminal.print_feedback(terminal.output(), found, interface_language())


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on [default: serve.host].")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port [default: serve.port].")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Ingest whenever the knowledge folder changes.")] = False,
) -> None:
    """Serve the HTTP API."""
    from api.http.server import serve as run  # noqa: PLC0415  (the server's libraries, which no other command needs)

    settings = config.load(context.obj)
    given = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    settings = settings.model_copy(update={"serve": settings.serve.model_copy(update=given)})
    owner = find_owner(settings)
    if owner:
        raise StoreLocked(f"{settings.store.uri} is served already at {owner.url} (process {owner.pid})")
    run(settings, watch=watch, on_listening=_announce)


def mcp(context: typer.Context) -> None:
    """Serve the Model Context Protocol on standard input and output, for a client that starts this command."""
    from api.mcp.backends import CommandBackend  # noqa: PLC0415  (libraries that no other command needs)
    from api.mcp.tools import mcp_server  # noqa: PLC0415

    server = mcp_server(CommandBackend(config.load(context.obj)))
    if sys.stdin.isatty():
        terminal.messages().print(say("mcp_waits", interface_language()), style="dim")
    server.run("stdio")


def _announce(url: str) -> None:
    print(url, flush=True)
    terminal.messages().print(say("stop", interface_language()), style="dim")
