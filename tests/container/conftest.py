"""The Docker engine, the image and the figures of the container tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.compose import compose_command
from tests.kit.compose_project import Stack, build, fresh_clone
from tests.kit.docker_engine import Engine, docker_engine

FIGURES: dict[str, str] = {}


@pytest.fixture(scope="session")
def figures() -> dict[str, str]:
    """What the tests measured, by what it is; printed at the end."""
    return FIGURES


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    compose_command()  # skips before an engine is started in vain
    with docker_engine(tmp_path_factory.mktemp("docker")) as running:
        yield running


@pytest.fixture(scope="session")
def clone(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone whose image is built."""
    folder = fresh_clone(tmp_path_factory.mktemp("clone"))
    build(engine, folder, tmp_path_factory.mktemp("base"))
    return folder


@pytest.fixture(scope="module")
def stack(engine: Engine, clone: Path) -> Iterator[Stack]:
    """`docker compose up -d` in the clone, without any settings. Removed with its volumes at the end."""
    with Stack.started(engine, clone) as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures."""
    if FIGURES:
        terminalreporter.section("figures")
    for name, value in FIGURES.items():
        terminalreporter.write_line(f"{name}: {value}")
