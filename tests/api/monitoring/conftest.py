"""The chat model that the monitored servers ask."""

from collections.abc import Iterator

import pytest

from tests.kit.openai_server import OpenAIServer, openai_server


@pytest.fixture(scope="session")
def chat_endpoint() -> Iterator[OpenAIServer]:
    """The chat model; each test lets it play its own script."""
    with openai_server() as running:
        yield running
