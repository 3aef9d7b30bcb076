"""Cut documents → vectors → the staged generation, in batches that suit the embedder."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from ingest.staging.document_cutter import CutDocument
from ingest.staging.report import Failure, IngestReport, OnProgress, Progress
from ingest.staging.staging import Staging
from rag.errors import DocumentError
from rag.models.embedders.protocol import Embedder
from rag.store.columns import text_hash
from rag.store.failpoints import reach_failpoint
from rag.store.namespace import LiveChunk
from rag.store.records import DocumentRecord
from rag.types import Chunk


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """What one document changes in the generation: its manifest, chunks to write, and chunks to tombstone."""

    record: DocumentRecord
    to_write: tuple[Chunk, ...]
    to_tombstone: tuple[LiveChunk, ...]


class BatchWriter:
    """Collects documents and stages a batch when it is full. Keeps count in the report that it is given.

    Methods raise StoreError and EmbedderError. What `on_progress` raises ends the ingest between two writes.
    """

    def __init__(
        self,
        staging: Staging,
        embedder: Embedder,
        report: IngestReport,
        *,
        batch_size: int,
        documents_total: int,
        on_progress: OnProgress,
    ) -> None:
        self._staging = staging
        self._embedder = embedder
        self._report = report
        self._batch_size = batch_size
        self._on_progress = on_progress
        self._progress = Progress(0, documents_total, 0, 0)
        self._waiting: list[DocumentChange] = []
        self.has_staged = False

    def put(self, cut: CutDocument) -> None:
        """Take in a new or changed document; what did not change in it is left alone."""
        old = self._staging.chunks_of(cut.record.source)
        new_ids, old_ids = {chunk.id for chunk in cut.chunks}, {live.chunk.id for live in old}
        self._put(_compare(cut, old))
        self._report.chunks.added += len(new_ids - old_ids)
        self._report.chunks.removed += len(old_ids - new_ids)

    def keep_old_version(self, source: str, error: DocumentError) -> None:
        """Report a document that cannot be read, and keep the version of it that readers have."""
        counts = self._report.documents
        counts.failed += 1
        self._report.failures.append(Failure(source, str(error).removeprefix(f"{source}: ")))
        live = self._staging.live_documents().get(source)
        if live:
            counts.changed -= 1
        else:
            counts.added -= 1
        if live and self._staging.is_fresh:
            # Its old version moves into the new namespace. Without a fingerprint it is read again next time.
            chunks = tuple(self._staging.live_chunks_of(source))
            self._put(DocumentChange(replace(live, pipeline_fingerprint=""), chunks, ()))
        else:
            self._advance(documents=1)

    def finish(self, removed: Sequence[str]) -> None:
        """Stage what still waits, and remove the documents that are gone."""
        self._flush()
        if removed:
            self._report.chunks.removed += self._staging.remove_documents(removed)
            self.has_staged = True

    def _put(self, change: DocumentChange) -> None:
        self._waiting.append(change)
        self._advance(chunks=change.record.chunks)
        if sum(len(waiting.to_write) for waiting in self._waiting) >= self._batch_size:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        self.has_staged = True
        self._embed_and_insert([chunk for change in self._waiting for chunk in change.to_write])
        self._staging.tombstone_chunks([live for change in self._waiting for live in change.to_tombstone])
        self._staging.put_documents([change.record for change in self._waiting])
        self._advance(documents=len(self._waiting))
        self._waiting.clear()

    def _embed_and_insert(self, chunks: Sequence[Chunk]) -> None:
        for start in range(0, len(chunks), self._batch_size):
            batch = chunks[start : start + self._batch_size]
            texts = {text_hash(chunk.searchable_text): chunk.searchable_text for chunk in batch}
            vectors = self._staging.vectors_by_text_hash(list(texts))
            new = {key: text for key, text in texts.items() if key not in vectors}
            vectors.update(zip(new, self._embedder.embed_documents(list(new.values())), strict=True))
            self._report.embedded += len(new)
            reach_failpoint("embedded")
            self._staging.insert_chunks(batch, np.stack([vectors[text_hash(chunk.searchable_text)] for chunk in batch]))
            self._advance(embedded=len(new))

    def _advance(self, *, documents: int = 0, chunks: int = 0, embedded: int = 0) -> None:
        self._progress = replace(
            self._progress,
            documents=self._progress.documents + documents,
            chunks=self._progress.chunks + chunks,
            embedded=self._progress.embedded + embedded,
        )
        self._on_progress(self._progress)


def _compare(cut: CutDocument, old: Sequence[LiveChunk]) -> DocumentChange:
    """Leave alone the chunks that are as they were; write again those that only moved, with their old vectors."""
    before = {live.chunk.id: asdict(live.chunk) for live in old}
    kept = {chunk.id for chunk in cut.chunks if before.get(chunk.id) == asdict(chunk)}
    return DocumentChange(
        cut.record,
        to_write=tuple(chunk for chunk in cut.chunks if chunk.id not in kept),
        to_tombstone=tuple(live for live in old if live.chunk.id not in kept),
    )
