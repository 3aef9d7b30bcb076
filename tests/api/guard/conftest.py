"""A server with tight limits."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import FirstAsk, Server
from tests.kit.tight_server import TIGHT


@pytest.fixture(scope="session")
def tight(
    first_ask: FirstAsk, chat_endpoint: OpenAIServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The server. Its client sends the key of the command line, which has no rate limit."""
    workspace = first_ask.workspace.copy_to(tmp_path_factory.mktemp("tight"))
    chat = {"ZHIWEN_CHAT__BASE_URL": chat_endpoint.base_url, "ZHIWEN_CHAT__MODEL": "scripted"}
    with workspace.given(**TIGHT, **chat).serving() as server:
        token = json.loads(Path(f"{workspace.database}.owner").read_text())["token"]
        server.client.headers["X-API-Key"] = token
        yield server
