"""Files → cut documents → vectors → the staged generation: three stages that work at the same time.

    one thread      has an engine read a file and cut it into chunks
    this thread     compares documents with the store, and writes rows
    one thread      has the store load its chunks, then the engine embed a window of documents, the longest first

What the two threads hand over arrives in one inbox. Documents arrive in their order and windows are closed by what is
in them, so what is staged does not depend on which stage is faster. The first error ends all three.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial

from ingest.files.scan import File
from ingest.staging.changes import DocumentChange, compare
from ingest.staging.chunk_writer import ChunkWriter
from ingest.staging.cutting import Cutting
from ingest.staging.document_cutter import CutDocument, UnreadableDocument
from ingest.staging.engine import Cut, Engine
from ingest.staging.plan import Plan
from ingest.staging.progress_meter import ProgressMeter
from ingest.staging.removal_groups import group_removals
from ingest.staging.report import Failure, IngestReport, OnProgress
from ingest.staging.stage_thread import Inbox, StageThread
from ingest.staging.staging import Staging
from rag.errors import EmbedderError, IngestStopped, StoreError, TextsRefused
from rag.models.embedders.protocol import Matrix
from rag.store.records import DocumentRecord
from rag.store.rows import LiveChunk

_HEARTBEAT_SECONDS = 0.5


class Pipeline:
    """Stages what a plan names, and keeps count in the report and the meter that it is given.

    `live_documents` is the manifest that readers have. The first window is small, so that vectors come soon, and each
    has twice as many chunks as the one before. `on_progress` is called at least twice a second; what it raises ends the
    ingest.
    """

    def __init__(
        self,
        staging: Staging,
        live_documents: Mapping[str, DocumentRecord],
        engine: Engine,
        cutting: Cutting,
        report: IngestReport,
        meter: ProgressMeter,
        *,
        on_progress: OnProgress,
    ) -> None:
        self._staging = staging
        self._live_documents = live_documents
        self._engine = engine
        self._cutting = cutting
        self._report = report
        self._meter = meter
        self._on_progress = on_progress
        self._inbox = Inbox()
        self._cutting_thread = StageThread("cutting", self._inbox, interrupt=engine.interrupt)
        self._embedding = StageThread("embedding", self._inbox)
        self._writer = ChunkWriter(staging, batch_size=4 * engine.first_window)
        self._window_chunks = engine.first_window
        self._collected: list[CutDocument] = []
        self._windows: deque[list[CutDocument]] = deque()
        self._is_loaded = False
        self._to_move: deque[str] = deque()
        self._documents_under_way = self._chunks_under_way = 0
        self.has_staged = False
        """Whether anything was written."""

    def run(self, plan: Plan) -> None:
        """Stage the documents that the plan adds and changes, and remove those that are gone.

        Raises StoreError, EmbedderError and IngestStopped. A document that cannot be read or embedded keeps its old
        version, and is in the report.
        """
        upcoming = deque(plan.to_read)
        self._to_move.extend(plan.kept if self._staging.is_fresh else ())
        with self._cutting_thread, self._embedding, self._keeping_vectors():
            if upcoming or self._to_move:
                self._embedding.submit(self._staging.load_chunks, then=self._end_loading)
            while upcoming or self._to_move or self._documents_under_way:
                self._keep_stages_busy(upcoming)
                self._inbox.handle_next(timeout_seconds=_HEARTBEAT_SECONDS)
                self._on_progress(self._meter.progress())
        for gone in group_removals(plan.removed, self._live_documents):
            self._report.chunks.removed += self._staging.remove_documents(gone)
            self.has_staged = True
            self._on_progress(self._meter.progress())
        self._report.failures.sort(key=lambda failure: failure.source)
        self._report.warnings.sort(key=lambda warning: warning.source)

    @contextmanager
    def _keeping_vectors(self) -> Iterator[None]:
        """If the ingest is given up, write what was embedded: the next one need not embed it again."""
        try:
            yield
        except (EmbedderError, IngestStopped):
            with suppress(StoreError):  # the first error is the one to report
                self._writer.flush()
            raise

    def _keep_stages_busy(self, upcoming: deque[File]) -> None:
        """Bounds what is under way: two of the largest windows, and the document with which they are full."""
        most = 2 * self._engine.largest_window
        while self._to_move and self._chunks_under_way < most:
            self._documents_under_way += 1
            self._move_old_version(self._to_move.popleft())
        thread = self._cutting_thread
        while upcoming and thread.jobs < self._engine.files_ahead and self._chunks_under_way < most:
            self._documents_under_way += 1
            thread.submit(self._cutting.begin(upcoming.popleft(), thread.check_running), then=self._collect)
        is_complete = not upcoming and not self._to_move and not thread.jobs
        # A document without any chunk counts, too: there may be many.
        collected = max(_count_chunks(self._collected), len(self._collected))
        if self._collected and (is_complete or collected >= self._window_chunks):
            self._windows.append(self._collected)
            self._collected = []
            self._window_chunks = min(2 * self._window_chunks, self._engine.largest_window)
        while self._is_loaded and self._windows:
            self._begin_window(self._windows.popleft())

    def _collect(self, document: Cut) -> None:
        if isinstance(document, UnreadableDocument):
            self._meter.passed_over(document.size)
            self._keep_old_version(document.source, document.error)
        else:
            self._meter.cut(len(document.chunks))
            for warning in document.warnings:
                self._report.warn(document.record.source, warning)
            self._add(document)

    def _add(self, document: CutDocument) -> None:
        self._collected.append(document)
        self._chunks_under_way += len(document.chunks)

    def _end_loading(self, _: object) -> None:
        self._is_loaded = True

    def _begin_window(self, documents: Sequence[CutDocument]) -> None:
        changes = self._changes_of(documents)
        texts = self._writer.put([chunk for change in changes for chunk in change.to_write])
        self._meter.compared(
            sum(document.record.size for document in documents if not document.is_old_version),
            chunks=_count_chunks(documents),
            to_embed=len(texts),
            bytes_to_embed=_bytes_of(texts),
        )
        # A window without new texts waits for its turn like the others, whose texts it may share.
        self._embedding.submit(partial(self._embed, texts), then=partial(self._end_window, changes, texts))

    def _changes_of(self, documents: Sequence[CutDocument]) -> list[DocumentChange]:
        old: dict[str, list[LiveChunk]] = {document.record.source: [] for document in documents}
        for live in self._staging.chunks_of(*(source for source in old if source in self._live_documents)):
            old[live.chunk.source].append(live)
        return [compare(document, old[document.record.source]) for document in documents]

    def _embed(self, texts: Mapping[str, str]) -> Mapping[str, str]:
        """Runs on the embedding thread. Return why texts are refused, by their keys."""
        keys = sorted(texts, key=lambda key: (-len(texts[key].encode()), key))

        def hand_over(positions: Sequence[int], vectors: Matrix) -> None:
            self._embedding.check_running()
            self._inbox.post(
                partial(self._take_vectors, {keys[each]: texts[keys[each]] for each in positions}, vectors)
            )

        try:
            if keys:
                self._engine.embedder.embed_documents([texts[key] for key in keys], hand_over)
        except TextsRefused as error:
            if not error.reasons:
                raise
            return {keys[position]: reason for position, reason in error.reasons.items()}
        return {}

    def _take_vectors(self, texts: Mapping[str, str], vectors: Matrix) -> None:
        self._writer.take_vectors(list(texts), vectors)
        self._report.embedded += len(texts)
        self._meter.embedded(len(texts), _bytes_of(texts))

    def _end_window(
        self, changes: Sequence[DocumentChange], texts: Mapping[str, str], refused: Mapping[str, str]
    ) -> None:
        self._meter.refused(_bytes_of({key: texts[key] for key in refused}))
        self._writer.refuse(refused)
        self._writer.flush()
        self._chunks_under_way -= _count_chunks([change.cut for change in changes])
        staged = [change for change in changes if not self._is_refused(change)]
        if staged:
            self.has_staged = True
            self._staging.tombstone_chunks([live for change in staged for live in change.to_tombstone])
            self._staging.put_documents([change.cut.record for change in staged])
        self._report.without_passages += sum(not change.cut.chunks for change in staged)
        self._report.chunks.added += sum(change.added for change in staged)
        self._report.chunks.removed += sum(change.removed for change in staged)
        self._finish(len(staged))

    def _is_refused(self, change: DocumentChange) -> bool:
        """Return whether the model cannot embed a text of the document; if so, nothing of this version stays."""
        refusals = [(chunk, reason) for chunk in change.to_write if (reason := self._writer.refusal_of(chunk))]
        if not refusals:
            return False
        refused = {chunk.id for chunk, _ in refusals}
        self._staging.withdraw_chunks([chunk for chunk in change.to_write if chunk.id not in refused])
        if change.cut.is_old_version:
            self._finish(1)  # reported already: neither version can be kept
        else:
            chunk, reason = refusals[0]
            error = f"lines {chunk.start_line} to {chunk.end_line} cannot be embedded: {reason}"
            self._keep_old_version(chunk.source, error)
        return True

    def _keep_old_version(self, source: str, error: str) -> None:
        """Report a document that cannot be taken in, and keep the version of it that readers have."""
        live = self._live_documents.get(source)
        counts = self._report.documents
        counts.failed += 1
        counts.changed -= live is not None
        counts.added -= live is None
        self._report.failures.append(Failure(source, error))
        if live and self._staging.is_fresh:
            self._move_old_version(source)
        else:
            self._finish(1)

    def _move_old_version(self, source: str) -> None:
        """Take the version that readers have into the new namespace."""
        chunks = tuple(self._staging.live_chunks_of(source))
        # Without a fingerprint it is read again next time.
        record = replace(self._live_documents[source], pipeline_fingerprint="")
        self._add(CutDocument(record, chunks, is_old_version=True))

    def _finish(self, documents: int) -> None:
        self._documents_under_way -= documents
        self._meter.staged(documents)


def _count_chunks(documents: Sequence[CutDocument]) -> int:
    return sum(len(document.chunks) for document in documents)


def _bytes_of(texts: Mapping[str, str]) -> int:
    return sum(len(text.encode()) for text in texts.values())
