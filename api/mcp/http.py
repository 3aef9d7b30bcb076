"""MCP over streamable HTTP, at `/mcp`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.mcp.backends import ServerBackend
from api.mcp.tools import mcp_server
from rag.wiring import Services

MCP_PATH = "/mcp"


class _Endpoint:
    """The endpoint. It is stateless, so that any replica can answer a request."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._sessions: StreamableHTTPSessionManager | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._sessions is not None  # noqa: S101  (requests arrive only during the lifespan)
        await self._sessions.handle_request(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = mcp_server(ServerBackend(self._services))
        # The Starlette application that this call returns is not used, because the lifespan of a mounted application
        # does not run. Hosts and origins are checked for all paths elsewhere; the check here would allow only loopback.
        unchecked = TransportSecuritySettings(enable_dns_rebinding_protection=False)
        server.streamable_http_app(stateless_http=True, transport_security=unchecked)
        self._sessions = server.session_manager
        async with self._sessions.run():
            yield


def add_mcp(app: FastAPI, services: Services) -> None:
    """Add `POST /mcp`, and start and stop the MCP server with the application."""
    endpoint = _Endpoint(services)
    # No GET: it would open a stream for messages from the server, which sends none.
    app.router.routes.append(Route(MCP_PATH, endpoint, methods=["POST"], include_in_schema=False))
    outer_lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(running: FastAPI) -> AsyncIterator[Any]:
        async with outer_lifespan(running) as state, endpoint.running():
            yield state

    app.router.lifespan_context = lifespan
