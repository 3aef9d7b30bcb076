"""The shipped knowledge, ingested once, for all tests of the read path."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import settings as hypothesis_settings

from ingest.sync import ingest
from rag.chat import ChatModel
from rag.config import KnowledgeSettings, RetrievalSettings, Settings, StoreSettings
from rag.evidence import Evidence, gather_evidence
from rag.retrieval import retrieve
from rag.wiring import Parts, open_parts

ROOT = Path(__file__).parents[2]

# The same examples on every run; no deadline, because the machines that run this are slow and shared.
hypothesis_settings.register_profile("zhiwen", deadline=None, derandomize=True, max_examples=200)
hypothesis_settings.load_profile("zhiwen")


class EvidenceOf(Protocol):
    def __call__(self, question: str, max_passages: int = 8) -> Evidence: ...


class PartsWith(Protocol):
    def __call__(self, chat: ChatModel, settings: Settings | None = None) -> Parts: ...


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """The open parts over knowledge/, with the built-in embedder and no chat model."""
    settings = Settings(
        knowledge=KnowledgeSettings(path=ROOT / "knowledge"),
        store=StoreSettings(uri=str(tmp_path_factory.mktemp("shipped") / "m.db")),
    )
    with open_parts(settings) as parts:
        report = ingest(settings, parts.store, parts.embedder)
        assert report.ok
        yield parts


@pytest.fixture(scope="session")
def evidence_of(shipped: Parts) -> EvidenceOf:
    """The evidence that the shipped knowledge gives for a question."""

    def gather(question: str, max_passages: int = 8) -> Evidence:
        found = retrieve(question, shipped.store.snapshot(), shipped.embedder, RetrievalSettings())
        return gather_evidence(found, max_passages=max_passages)

    return gather


@pytest.fixture(scope="session")
def parts_with(shipped: Parts) -> PartsWith:
    """The shipped parts with another chat model."""

    def build(chat: ChatModel, settings: Settings | None = None) -> Parts:
        return replace(shipped, chat=chat, settings=settings or shipped.settings)

    return build
