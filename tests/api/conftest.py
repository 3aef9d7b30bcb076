"""Folders and servers for the tests of the API and of the command line."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.kit.openai_server import OpenAIServer, openai_server
from tests.kit.processes import PUBLIC_URL, FirstAsk, Outcome, Server, Workspace
from tests.kit.shared_folder import shared_folder

_OUTCOME = "outcome.json"


@pytest.fixture(scope="session")
def first_ask(tmp_path_factory: pytest.TempPathFactory) -> FirstAsk:
    folder = shared_folder(tmp_path_factory, "first", _ask_for_the_first_time)
    return FirstAsk(Outcome(**json.loads((folder / _OUTCOME).read_text("utf-8"))), Workspace(folder))


def _ask_for_the_first_time(folder: Path) -> None:
    outcome = Workspace.with_shipped_knowledge(folder).run("ask", "向量数据库有哪些知名组件？", timeout=240)
    (folder / _OUTCOME).write_text(json.dumps(asdict(outcome)), "utf-8")


@pytest.fixture
def workspace(first_ask: FirstAsk, tmp_path: Path) -> Workspace:
    """The shipped knowledge, ingested."""
    return first_ask.workspace.copy_to(tmp_path)


@pytest.fixture
def empty_workspace(tmp_path: Path) -> Workspace:
    """The shipped knowledge, not yet ingested."""
    return Workspace.with_shipped_knowledge(tmp_path)


GUIDES = {
    "guides/setup.md": "---\ntitle: Setup\nlevel: 1\naudience: admin\ndraft: false\n---\n\n# Setup\n\n"
    "Install the lighthouse daemon with the package `lamp-tools` and start it on port 7311.\n",
    "guides/upkeep.md": "---\ntitle: Upkeep\nlevel: 3\naudience: operator\n---\n\n# Upkeep\n\n"
    "Polish the lighthouse lens every forty days and keep a log of the work.\n",
    "guides/100%_sure.md": "---\ntitle: 'Quotes \" and % signs'\nlevel: 2\naudience: \"o'neil\"\n---\n\n# Certainty\n\n"
    "The lighthouse keeper is one hundred percent sure about the tide tables.\n",
}


@pytest.fixture(scope="session")
def server(first_ask: FirstAsk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for tests that only read: the shipped knowledge and a few guides with front matter."""
    workspace = first_ask.workspace.copy_to(tmp_path_factory.mktemp("server"))
    workspace.take_golden_questions()  # the page suggests them
    for source, text in GUIDES.items():
        workspace.write(source, text)
    with workspace.serving() as running:
        assert running.ingest()["error"] is None
        yield running


@pytest.fixture(scope="session")
def chat_endpoint() -> Iterator[OpenAIServer]:
    """The chat model that servers ask; each test lets it play a script of its own."""
    with openai_server() as running:
        yield running


def _talking(
    first_ask: FirstAsk, chat_endpoint: OpenAIServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with a chat model and a public address, for clients of other protocols."""
    pointed = first_ask.workspace.copy_to(tmp_path_factory.mktemp("talking")).given(
        ZHIWEN_CHAT__BASE_URL=chat_endpoint.base_url,
        ZHIWEN_CHAT__MODEL="scripted-1",
        ZHIWEN_CHAT__API_KEY="sk-test-7311",
        ZHIWEN_CHAT__MAX_ATTEMPTS="1",
        ZHIWEN_CHAT__REST_AFTER_FAILURES="100",  # one server for many tests of failures
        ZHIWEN_ANSWERING__CACHED_ANSWERS="0",  # the script changes, the question does not
        ZHIWEN_SERVE__PUBLIC_URL=f"{PUBLIC_URL}/",
    )
    with pointed.serving() as running:
        yield running


talking = pytest.fixture(_talking, scope="session", name="talking")
# A server remembers how its model marks reasoning, so models of other families have a server of their own.
other_talking = pytest.fixture(_talking, scope="module", name="other_talking")
