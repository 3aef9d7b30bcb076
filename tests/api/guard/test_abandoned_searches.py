"""Searches whose clients have left: they keep their places until they end, begin nothing, and hold up nobody."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.kit.openai_scripts import embed_texts
from tests.kit.openai_server import Call, OpenAIServer, openai_server
from tests.kit.processes import Server, Workspace
from tests.kit.raw_connection import connected, post
from tests.kit.tight_server import queued, running
from tests.kit.waiting import eventually

PLACES, CLIENTS = 45, 60
"""More than FastAPI has threads for everything else, which are 40."""

SEARCHES: list[tuple[str, dict[str, Any]]] = [
    ("/search", {"question": "Where?"}),
    ("/retrieval", {"knowledge_id": "zhiwen", "query": "Where?", "retrieval_setting": {}}),
    ("/ask", {"question": "Where?"}),
]


@pytest.fixture(scope="module")
def embedding() -> Iterator[OpenAIServer]:
    with openai_server(embed_texts) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def server(embedding: OpenAIServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    workspace = Workspace(tmp_path_factory.mktemp("remote")).given(
        ZHIWEN_EMBEDDING__PROVIDER="openai",
        ZHIWEN_EMBEDDING__BASE_URL=embedding.base_url,
        ZHIWEN_EMBEDDING__MODEL="m",
        ZHIWEN_SERVE__MAX_CONCURRENT_ANSWERS=str(PLACES),
        ZHIWEN_SERVE__DRAIN_SECONDS="0.2",
        ZHIWEN_ANSWERING__CACHED_ANSWERS="0",
    )
    workspace.write("a.md", "# A\n\nHere.\n")
    with workspace.serving() as running_server:
        assert running_server.ingest()["error"] is None
        yield running_server


@pytest.mark.parametrize(("path", "body"), SEARCHES, ids=lambda value: str(value)[:10])
def test_abandoned_searches_hold_up_no_reader_and_those_that_wait_never_begin(
    server: Server, embedding: OpenAIServer, path: str, body: dict[str, Any]
) -> None:
    released = threading.Event()

    def embed_later(call: Call) -> None:
        assert released.wait(60)
        embed_texts(call)

    embedding.play(embed_later)
    before = len(embedding.calls)
    try:
        with ExitStack() as clients:
            for _ in range(CLIENTS):
                clients.enter_context(connected(server, post(path, body)))
            eventually(lambda: len(embedding.calls) - before == PLACES and queued(server) == CLIENTS - PLACES)
            assert server.client.get("/documents/a.md").status_code == 200
        eventually(lambda: queued(server) == 0)
        assert running(server) == PLACES, "a place is held until the work ends"
        assert server.client.get("/documents/a.md").status_code == 200
    finally:
        released.set()
    eventually(lambda: running(server) == 0)
    assert len(embedding.calls) - before == PLACES
    assert server.post("/search", question="Where?").status_code == 200
