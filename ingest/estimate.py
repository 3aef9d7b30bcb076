"""How long an ingest will take, judged by a sample of the documents that it would read."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

from ingest.files.scan import File
from ingest.parser_process import ParserProcess
from ingest.staging.changes import compare
from ingest.staging.document_cutter import CutDocument, DocumentCutter, FileToCut, pipeline_fingerprint
from ingest.staging.failed_documents import FailedDocuments
from ingest.staging.layout import layout_of
from ingest.staging.plan import Plan
from ingest.staging.recovery import resumable
from ingest.staging.staging import Staging
from rag.errors import TextsRefused
from rag.models.embedders.protocol import Embedder, Matrix
from rag.settings import Settings
from rag.store.columns import text_hash
from rag.store.store import Store

_SAMPLE_FILES = 16
_SMALLEST_SAMPLE = 4
_CUTTING_SECONDS = 1.0
_EMBEDDING_SECONDS = 1.0
_SHARE_OF_EMBEDDING = 0.9


def estimate_seconds(settings: Settings, store: Store, embedder: Embedder, plan: Plan) -> float | None:
    """Return about how many seconds an ingest of the plan takes; None if it takes in nothing, or nothing readable.

    Takes about two seconds: it cuts files from all over the plan, and embeds their texts as far as it gets. Writes
    nothing. Raises StoreError, EmbedderError and IngestStopped.
    """
    layout = layout_of(store, embedder, settings.retrieval.mode)
    staging = Staging(store, embedder, mode=layout.mode, resumed=resumable(store, layout))
    pipeline = pipeline_fingerprint(settings, embedder)
    failed = FailedDocuments(store.notes, settings.knowledge, pipeline, try_again=False)
    with ParserProcess(timeout_seconds=settings.knowledge.max_seconds_per_document) as parser:
        cutter = DocumentCutter(parser, embedder, settings, pipeline=pipeline)
        sample = list(_cut(cutter, failed, _shuffled(plan.to_read)))
    if not sample:
        return 0.0 if plan.moved else None
    texts: dict[str, str] = {}
    for document in sample:
        change = compare(document, staging.chunks_of(document.record.source))
        texts |= {text_hash(chunk.searchable_text): chunk.searchable_text for chunk in change.to_write}
    known = staging.vectors_by_text_hash(list(texts))
    new = [text for key, text in texts.items() if key not in known]
    share = _bytes_of(new) / max(sum(document.record.size for document in sample), 1)
    to_embed = share * plan.bytes_to_read
    speed = _bytes_per_second(embedder, new) * _SHARE_OF_EMBEDDING
    return round(to_embed / speed, 1) if speed else 0.0


def _shuffled(files: Sequence[File]) -> list[File]:
    """Neighbours are often alike: so the sample is from all over the list, however soon it ends."""
    return sorted(files, key=lambda file: text_hash(file.source))[:_SAMPLE_FILES]


def _cut(cutter: DocumentCutter, failed: FailedDocuments, files: Sequence[File]) -> Iterator[CutDocument]:
    end = time.monotonic() + _CUTTING_SECONDS
    for number, file in enumerate(files):
        if number >= _SMALLEST_SAMPLE and time.monotonic() > end:
            return
        document = cutter.cut(FileToCut(file, failed=failed.known(file.source)))
        if isinstance(document, CutDocument):
            yield document


def _bytes_per_second(embedder: Embedder, texts: Sequence[str]) -> float:
    if not texts:
        return 0.0
    started = time.monotonic()
    done = 0

    def count(positions: Sequence[int], vectors: Matrix) -> None:
        nonlocal done
        done += _bytes_of([texts[position] for position in positions])
        if time.monotonic() - started > _EMBEDDING_SECONDS:
            raise _Enough

    with suppress(_Enough, TextsRefused):
        embedder.embed_documents(texts, count)
    return done / (time.monotonic() - started)


def _bytes_of(texts: Sequence[str]) -> int:
    return sum(len(text.encode()) for text in texts)


class _Enough(Exception):
    pass
