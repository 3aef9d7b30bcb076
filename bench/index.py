"""The index of an evaluation set: built by an ordinary ingest, kept, and brought up to date by the next one."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.sets import Corpus, EvaluationSet, write_corpus
from ingest.staging.report import Progress
from ingest.sync import ingest
from rag import config
from rag.wiring import Services

_EVERY = 1000


@dataclass(frozen=True, slots=True)
class Index:
    """Open services over the documents of a set."""

    services: Services
    corpus: Corpus

    @property
    def sources_of(self) -> dict[str, list[str]]:
        """The files of each document of the set."""
        sources: dict[str, list[str]] = {}
        for source, document in self.corpus.document_of.items():
            sources.setdefault(document, []).append(source)
        return sources


@contextmanager
def opened_index(
    evaluation: EvaluationSet, work: Path, *, files: bool = False, traditional: bool = False
) -> Iterator[Index]:
    """Lay out the documents, ingest what is new or changed, and open what a search needs.

    Settings come from the environment as for the command, but for folder and store. Each set and embedder has a
    folder of its own below `work`.
    """
    settings = config.load()
    layout = "-files" if files else "-traditional" if traditional else ""
    embedding = f"{settings.embedding.provider}-{Path(settings.embedding.model).name}".strip("-")
    place = work / f"{evaluation.folder.name}{layout}-{embedding}"
    place.mkdir(parents=True, exist_ok=True)
    corpus = write_corpus(evaluation.folder, place, files=files, traditional=traditional)
    settings = settings.model_copy(
        update={
            "knowledge": settings.knowledge.model_copy(update={"path": corpus.root, "gitignore": False}),
            "store": settings.store.model_copy(update={"uri": str(place / "milvus.db"), "timeout_seconds": 60}),
        }
    )
    with Services(settings) as services:
        report = ingest(settings, services.store, services.embedder, on_progress=_Reporter(evaluation.name).report)
        for failure in report.failures:
            print(f"{failure.source}: {failure.error}", file=sys.stderr)
        yield Index(services, corpus)


class _Reporter:
    """A line now and then: the first ingest of a large set takes long."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._told = 0

    def report(self, progress: Progress) -> None:
        if progress.embedded - self._told >= _EVERY:
            self._told = progress.embedded
            print(
                f"{self._name}: {progress.documents} of {progress.documents_total} documents, "
                f"{progress.embedded} chunks embedded",
                file=sys.stderr,
            )
