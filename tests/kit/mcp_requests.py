"""Requests of MCP as a client without the SDK sends them."""

from typing import Any

MCP_HEADERS = {"Accept": "application/json, text/event-stream"}


def mcp_call(method: str, **parameters: object) -> dict[str, Any]:
    """The body of a call."""
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}


def mcp_tool(name: str, **arguments: object) -> dict[str, Any]:
    """The body of a call of a tool."""
    return mcp_call("tools/call", name=name, arguments=arguments)
