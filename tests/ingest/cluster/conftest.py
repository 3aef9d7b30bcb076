"""A cluster of two nodes for the tests of this package."""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from bench.ray_nodes import RayNodes
from bench.ray_nodes import ray_nodes as started_nodes
from tests.kit.openai_server import OpenAIServer, openai_server


@pytest.fixture(scope="session")
def ray_nodes() -> Iterator[RayNodes]:
    """A head with one CPU and another node with one."""
    skip_without_ray()
    with started_nodes() as nodes:
        nodes.add()
        yield nodes


@pytest.fixture
def ray_is_installed() -> None:
    """Skip the test if it is not."""
    skip_without_ray()


@pytest.fixture
def endpoint() -> Iterator[OpenAIServer]:
    """An embedding endpoint."""
    with openai_server() as server:
        yield server


def skip_without_ray() -> None:
    """Skip a test, or all that need a cluster. Does not import Ray, which reads its variables then."""
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed; `make ray-test` installs it (extra ray)")
