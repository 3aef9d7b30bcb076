"""The application in this process, with documents and API keys, for tests of who sees what."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from starlette.routing import Mount
from starlette.testclient import TestClient

from api.guard.key_file import keys_in
from api.guard.keys import Keys
from api.http.app import create_app
from api.http.server_context import ServerContext
from ingest.background import IngestRunner
from rag.serve_settings import ServeSettings
from rag.settings import TraceSettings
from rag.wiring import Services
from tests.kit.knowledge_bases import Texts, ingest_all, several
from tests.kit.mcp_requests import MCP_HEADERS, mcp_tool


@dataclass(frozen=True, slots=True)
class KeyedApp:
    """An application over ingested documents. `send` sends a request with a key, and headers of its own."""

    services: Services
    client: TestClient

    def send(
        self, key: str, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        given = {"Authorization": f"Bearer {key}", **(MCP_HEADERS if path == "/mcp" else {}), **(headers or {})}
        return self.client.request(method, path, json=body, headers=given)

    def json(self, key: str, method: str, path: str, body: object = None) -> Any:
        response = self.send(key, method, path, body)
        assert response.is_success, response.text
        return response.json()

    def tool(self, key: str, name: str, **arguments: object) -> httpx2.Response:
        return self.send(key, "POST", "/mcp", mcp_tool(name, **arguments))

    def routes(self) -> list[tuple[str, str]]:
        """Every route of the application, by method and path."""
        app: Any = self.client.app
        found = []
        for route in app.routes:
            path = f"{route.path}/{{path:path}}" if isinstance(route, Mount) else route.path
            methods = {"GET"} if isinstance(route, Mount) else getattr(route, "methods", None) or {"GET"}
            found += [(method, path) for method in sorted(methods - {"HEAD"})]
        return found


@contextmanager
def keyed_app(place: Path, texts: Texts, keys: str | Keys, **serve: object) -> Iterator[KeyedApp]:
    """Write a folder for each knowledge base, `default` among them, ingest all, and serve them with these keys.

    The keys are entries as in `ZHIWEN_SERVE__KEYS`, or whatever finds them.
    """
    entries = keys if isinstance(keys, str) else ""
    serving = ServeSettings.model_validate({"keys": entries, "requests_per_minute": 0, **serve})
    with several(place, texts, serve=serving, traces=TraceSettings(keep_questions=True)) as services:
        ingest_all(services)
        known = keys_in("", serving) if isinstance(keys, str) else keys
        app = create_app(services, IngestRunner(), ServerContext(keys=known))
        with TestClient(app, base_url="http://127.0.0.1") as client:
            yield KeyedApp(services, client)


_CHANGING = (
    (re.compile(r"[0-9a-f]{32}"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\d(?:T[0-9:.]+(?:Z|\+00:00)?)?"), "TIME"),
    (re.compile(r'"created": ?\d+'), "CREATED"),
    (re.compile(r'(\\*"(?:milliseconds|seconds)\\*": ?)\{[^}]*\}'), r"\1{}"),
    (re.compile(r"chatcmpl-\w+"), "ID"),
)


def lasting(response: httpx2.Response) -> str:
    """A response without its ids, times and durations: they differ from one call to the next."""
    text = f"{response.status_code} {response.headers.get('content-type')}\n{response.text}"
    for pattern, replacement in _CHANGING:
        text = pattern.sub(replacement, text)
    return text
