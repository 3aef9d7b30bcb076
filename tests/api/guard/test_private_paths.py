"""Keys without the scope `admin` see no path of the server's machine: in no status, and in no error of any protocol."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from api.current_caller import Caller, calling
from api.private_paths import shown
from api.service.status import SourceOut
from rag.settings import KnowledgeSettings
from tests.kit.api_keys import KEYS
from tests.kit.processes import Server, Workspace

QUESTION = "Where is it?"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that needs keys."""
    workspace = Workspace(tmp_path_factory.mktemp("server"))
    workspace.write("a.md", "# A\n\nHere.\n")
    keys = ",".join(f"{scope}:{scope}:{key}" for scope, key in KEYS.items())
    with workspace.given(ZHIWEN_SERVE__KEYS=keys).serving() as running:
        yield running


@pytest.fixture(scope="module")
def broken(server: Server) -> Server:
    """The same server when its index is gone, so that every request of it is an error with the path of the index."""
    server.kill_store()
    server.workspace.database.unlink()
    server.workspace.database.mkdir()
    return server


def bearer(scope: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {KEYS[scope]}"}


REQUESTS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/status", None),
    ("GET", "/health", None),
    ("POST", "/ask", {"question": QUESTION}),
    ("POST", "/ask", {"question": QUESTION, "stream": True}),
    ("POST", "/page/ask", {"question": QUESTION}),
    ("POST", "/search", {"question": QUESTION}),
    ("POST", "/v1/chat/completions", {"model": "zhiwen", "messages": [{"role": "user", "content": QUESTION}]}),
    ("POST", "/retrieval", {"knowledge_id": "zhiwen", "query": QUESTION, "retrieval_setting": {"top_k": 1}}),
    ("GET", "/documents/a.md", None),
    ("POST", "/ingest", {"path": "elsewhere"}),
]


@pytest.mark.parametrize(("path", "names"), [("/status", ("knowledge", "m.db", "state.db")), ("/health", ("",))])
def test_only_administrators_see_where_the_index_and_the_documents_are(
    server: Server, path: str, names: tuple[str, ...]
) -> None:
    folder = str(server.workspace.folder)
    full = server.client.get(path, headers=bearer("admin")).json()
    seen = server.client.get(path, headers=bearer("ask")).json()
    assert set(seen) == set(full)
    assert folder not in str(seen)
    for name in names:
        assert not name or (f"{folder}/{name}" in full.values() and f"…/{name}" in seen.values())


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS, ids=lambda value: str(value)[:24])
def test_only_administrators_see_folders_in_errors(
    broken: Server, method: str, path: str, body: dict[str, Any] | None
) -> None:
    folder = str(broken.workspace.folder)
    scope = "ingest" if path == "/ingest" and method == "POST" else "ask"
    assert folder in broken.client.request(method, path, json=body, headers=bearer("admin")).text
    seen = broken.client.request(method, path, json=body, headers=bearer(scope)).text
    assert folder not in seen
    assert "…/m.db" in seen or "…/knowledge" in seen


def test_the_tools_of_mcp_and_the_state_of_an_ingest_hide_them_too(broken: Server) -> None:
    assert broken.client.post("/ingest", headers=bearer("admin")).status_code == 202
    broken.client.headers |= bearer("admin")
    assert str(broken.workspace.folder) in str(broken.wait_for_ingest())
    seen = broken.client.get("/ingest", headers=bearer("ask")).text + asyncio.run(said_by_mcp(broken))
    assert seen.count("…/m.db") >= 2
    assert str(broken.workspace.folder) not in seen


async def said_by_mcp(broken: Server) -> str:
    async with (
        httpx2.AsyncClient(headers=bearer("ask"), trust_env=False) as http,
        Client(streamable_http_client(f"{broken.url}/mcp", http_client=http)) as client,
    ):
        return str(await client.call_tool("search", {"query": QUESTION}))


def test_only_administrators_see_where_a_repository_of_this_machine_is(tmp_path: Path) -> None:
    settings = KnowledgeSettings(git_url="file:///etc/a/handbook.git", path=tmp_path / "copy")
    with calling(Caller("reader", is_administrator=False)):
        seen = SourceOut.of(settings)
    full = SourceOut.of(settings)
    assert seen and full
    assert (seen.url, full.url) == ("file://…/handbook.git", "file:///etc/a/handbook.git")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/etc/a/m.db: cannot be written", "…/m.db: cannot be written"),
        ("'/etc/a b/m.db'", "'…/a b/m.db'"),
        ("see POST /v1/chat/completions or https://etc/a/b", "see POST /v1/chat/completions or https://etc/a/b"),
        ("sqlite:////etc/a/state.db", "sqlite:///…/state.db"),
        (
            "file:///etc/a/handbook.git: '/etc/a/handbook.git' is gone",
            "file://…/handbook.git: '…/handbook.git' is gone",
        ),
        ("sentence-transformers//etc/models/bge", "sentence-transformers…/bge"),
        ("guides/a/b.md, ./etc/x, ~/etc/x", "guides/a/b.md, ./etc/x, ~/etc/x"),
    ],
)
def test_paths_of_this_machine_lose_their_folders(text: str, expected: str) -> None:
    with calling(Caller("reader", is_administrator=False)):
        assert shown(text) == expected
    assert shown(text) == text
