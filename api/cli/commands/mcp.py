"""`zhiwen mcp`."""

import sys

import typer

from api.cli import terminal
from api.messages import interface_language, say
from rag import config


def mcp(context: typer.Context) -> None:
    """Serve MCP tools on standard input and output.

    An MCP client starts this command by itself.
    """
    from api.mcp.backends import CommandBackend  # noqa: PLC0415  (no other command needs these libraries)
    from api.mcp.tools import mcp_server  # noqa: PLC0415

    server = mcp_server(CommandBackend(config.load(context.obj)))
    if sys.stdin.isatty():
        terminal.messages().print(say("mcp_waits", interface_language()), style="dim")
    server.run("stdio")
