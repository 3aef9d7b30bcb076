"""A cluster of two nodes for the tests of this package."""

from collections.abc import Iterator

import pytest

from bench.ray_nodes import RayNodes
from bench.ray_nodes import ray_nodes as started_nodes
from tests.kit.openai_server import OpenAIServer, openai_server


@pytest.fixture(scope="session")
def ray_nodes() -> Iterator[RayNodes]:
    """A head with one CPU and another node with one."""
    pytest.importorskip("ray", reason="Ray is not installed; `make ray-test` installs it (extra ray)")
    with started_nodes() as nodes:
        nodes.add()
        yield nodes


@pytest.fixture
def endpoint() -> Iterator[OpenAIServer]:
    """An embedding endpoint."""
    with openai_server() as server:
        yield server
