"""A cluster of two nodes for the tests of this package."""

from collections.abc import Iterator

import pytest

from tests.kit.openai_server import OpenAIServer, openai_server
from tests.kit.ray_nodes import RayNodes


@pytest.fixture(scope="session")
def ray_nodes() -> Iterator[RayNodes]:
    """A head with one CPU and another node with one."""
    pytest.importorskip("ray", reason="Ray is not installed; `make ray-test` installs it (extra ray)")
    nodes = RayNodes()
    try:
        nodes.add()
        yield nodes
    finally:
        nodes.close()


@pytest.fixture
def endpoint() -> Iterator[OpenAIServer]:
    """An embedding endpoint."""
    with openai_server() as server:
        yield server
