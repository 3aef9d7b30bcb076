"""The shipped knowledge, ingested once, for all tests of the read path."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag.retrieval.evidence import Evidence, gather_evidence
from rag.retrieval.search import retrieve
from rag.settings import AnsweringSettings, KnowledgeSettings, RetrievalSettings, Settings, StoreSettings
from rag.wiring import Services
from tests.kit.paths import ROOT


@pytest.fixture(scope="session")
def shipped(shipped_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The open parts over knowledge/, with the built-in embedder and no chat model."""
    folder = tmp_path_factory.mktemp("read")
    shutil.copy2(shipped_index, folder)
    settings = Settings(
        knowledge=KnowledgeSettings(path=ROOT / "knowledge"),
        store=StoreSettings(uri=str(folder / "m.db")),
        # The tests ask the same questions of different models.
        answering=AnsweringSettings(cached_answers=0),
    )
    with Services(settings) as services:
        assert services.store.snapshot().generation == 1
        yield services


@pytest.fixture(scope="session")
def evidence_of(shipped: Services) -> Callable[[str], Evidence]:
    """The evidence that the shipped knowledge gives for a question."""

    def gather(question: str) -> Evidence:
        snapshot = shipped.store.snapshot()
        found = retrieve(question, snapshot, shipped.embedder, RetrievalSettings())
        return gather_evidence(
            found,
            snapshot,
            count_tokens=shipped.embedder.count_tokens,
            max_tokens=4000,
            max_passage_tokens=640,
            max_passages=8,
        )

    return gather
