"""The scripted server that stands for the endpoint of a chat model."""

from collections.abc import Iterator

import pytest

from tests.kit.openai_server import OpenAIServer, openai_server


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with openai_server() as running:
        yield running
