"""The index of an evaluation set. An ordinary ingest builds it, and it is kept; the next run ingests only changes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.evaluation_sets import Corpus, EvaluationSet, write_corpus
from ingest.staging.report import Progress
from ingest.sync import ingest
from rag.settings_loader import load_settings
from rag.wiring import Services

_CHUNKS_PER_PROGRESS_LINE = 1000


@dataclass(frozen=True, slots=True)
class Index:
    """Open services over the documents of a set."""

    services: Services
    corpus: Corpus

    @property
    def sources_by_document(self) -> dict[str, list[str]]:
        """The source paths of each document of the set, by its id."""
        sources: dict[str, list[str]] = {}
        for source, document in self.corpus.document_of.items():
            sources.setdefault(document, []).append(source)
        return sources


@contextmanager
def open_index(
    evaluation: EvaluationSet, work: Path, *, files: bool = False, traditional: bool = False
) -> Iterator[Index]:
    """Write the documents of a set below `work`, ingest what is new or changed, and yield the open index.

    The settings come from the environment, as for `zhiwen`, except the documents folder and the store. Each pair of
    set and embedder has its own folder below `work`. `files` and `traditional` are those of `write_corpus`.
    """
    layout = "-files" if files else "-traditional" if traditional else ""
    folder = _index_folder(work, f"{evaluation.folder.name}{layout}")
    corpus = write_corpus(evaluation.folder, folder, files=files, traditional=traditional)
    with _services(corpus.root, folder, evaluation.name) as services:
        yield Index(services, corpus)


@contextmanager
def open_documents(documents: Path, work: Path) -> Iterator[Services]:
    """Ingest what is new or changed in a folder of documents, and yield the open services.

    Settings and folder are those of `open_index`.
    """
    with _services(documents, _index_folder(work, documents.resolve().name), documents.name) as services:
        yield services


def _index_folder(work: Path, name: str) -> Path:
    embedding = load_settings().embedding
    suffix = f"{embedding.provider}-{Path(embedding.model).name}".strip("-")
    folder = work / f"{name}-{suffix}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _services(documents: Path, folder: Path, name: str) -> Iterator[Services]:
    settings = load_settings()
    settings = settings.model_copy(
        update={
            "knowledge": settings.knowledge.model_copy(update={"path": documents, "gitignore": False}),
            "store": settings.store.model_copy(update={"uri": str(folder / "milvus.db"), "timeout_seconds": 60}),
        }
    )
    progress = _ProgressPrinter(name)
    with Services(settings, for_one_command=True) as services:
        report = ingest(settings, services.store, services.embedder, on_progress=progress.report)
        for failure in report.failures:
            print(f"{failure.source}: {failure.error}", file=sys.stderr)
        yield services


class _ProgressPrinter:
    """Prints a line to stderr every thousand chunks, because the first ingest of a large set takes minutes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._printed = 0

    def report(self, progress: Progress) -> None:
        if progress.embedded - self._printed >= _CHUNKS_PER_PROGRESS_LINE:
            self._printed = progress.embedded
            print(
                f"{self._name}: {progress.documents} of {progress.documents_total} documents, "
                f"{progress.embedded} chunks embedded",
                file=sys.stderr,
            )
