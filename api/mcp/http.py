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
    """Each request stands for itself, so that any replica can answer it and nothing is left behind."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._sessions: StreamableHTTPSessionManager | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._sessions is not None  # noqa: S101  (requests come within the lifespan)
        await self._sessions.handle_request(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = mcp_server(ServerBackend(self._services))
        # Its own Starlette application is not used: it would bring a lifespan that a mounted application does not get.
        # Hosts and origins are checked for all paths alike, and this check would know loopback only.
        unchecked = TransportSecuritySettings(enable_dns_rebinding_protection=False)
        server.streamable_http_app(stateless_http=True, transport_security=unchecked)
        self._sessions = server.session_manager
        async with self._sessions.run():
            yield


def add_mcp(app: FastAPI, services: Services) -> None:
    endpoint = _Endpoint(services)
    # Without GET: a stream for messages that nobody asked for would stay open, and none are ever sent.
    app.router.routes.append(Route(MCP_PATH, endpoint, methods=["POST"], include_in_schema=False))
    before = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(running: FastAPI) -> AsyncIterator[Any]:
        async with before(running) as state, endpoint.running():
            yield state

    app.router.lifespan_context = lifespan
