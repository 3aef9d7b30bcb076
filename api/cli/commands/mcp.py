"""`zhiwen mcp`."""

import sys

import typer

from api.cli import terminal
from api.cli.options import settings_of
from api.translations import interface_language, say


def mcp(context: typer.Context) -> None:
    """Serve MCP tools on standard input and output.

    An MCP client starts this command by itself.
    """
    from api.mcp.backends import CommandBackend  # noqa: PLC0415  (no other command needs these libraries)
    from api.mcp.tools import mcp_server  # noqa: PLC0415

    server = mcp_server(CommandBackend(settings_of(context)))
    if sys.stdin.isatty():
        terminal.messages().print(say("mcp_waits", interface_language()), style="dim")
    server.run("stdio")
