"""`zhiwen mcp`."""

import sys

import typer

from api.cli import terminal
from api.translations import interface_language, say
from rag.settings_loader import load_settings


def mcp(context: typer.Context) -> None:
    """Serve MCP tools on standard input and output.

    An MCP client starts this command by itself.
    """
    from api.mcp.backends import CommandBackend  # noqa: PLC0415  (no other command needs these libraries)
    from api.mcp.tools import mcp_server  # noqa: PLC0415

    server = mcp_server(CommandBackend(load_settings(context.obj)))
    if sys.stdin.isatty():
        terminal.messages().print(say("mcp_waits", interface_language()), style="dim")
    server.run("stdio")
