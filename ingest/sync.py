"""The write path: files → documents → chunks → vectors → a staged generation → commit."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from ingest.chunking.chunks import CHUNKER_VERSION, chunk_sections
from ingest.files.scan import File, scan
from ingest.golden import GoldenResult, ask_golden, check_golden_loss, load_golden
from ingest.parser_process import ParserProcess
from ingest.staging.failpoints import reach_failpoint
from ingest.staging.lease import write_lease
from ingest.staging.plan import OnPlan, Plan, check_mass_deletion, content_hash, make_plan
from ingest.staging.recovery import recover
from ingest.staging.report import Failure, IngestReport, OnProgress, Progress
from ingest.staging.staging import LiveChunk, Staging
from rag.errors import DocumentError
from rag.models.embedders.protocol import Embedder
from rag.settings import Settings
from rag.store.rows import text_hash
from rag.store.store import Store
from rag.store.versions import DocumentRecord
from rag.types import Chunk


@dataclass(frozen=True, slots=True)
class StagedDocument:
    """What one document puts into the generation: its manifest, the chunks to write and the chunks to retire."""

    record: DocumentRecord
    to_write: tuple[Chunk, ...]
    to_retire: tuple[LiveChunk, ...]


def ingest(
    settings: Settings,
    store: Store,
    embedder: Embedder,
    *,
    verify: bool = False,
    allow_mass_deletion: bool = False,
    force: bool = False,
    on_plan: OnPlan = lambda plan: None,
    on_progress: OnProgress = lambda progress: None,
) -> IngestReport:
    """Bring the store in line with the knowledge folder and return what was done.

    Readers see the old generation until the last moment and the new one from then on. Only what changed is embedded; a
    document that cannot be read keeps its old version and is named in the report. An unchanged folder costs no
    embedding and no write. `force` lets a generation go live that finds fewer golden questions.

    Raises KnowledgeError (folder missing, empty, or mostly gone; golden questions lost), StoreError, EmbedderError; the
    live generation is then as it was.
    """
    started = time.monotonic()
    knowledge = settings.knowledge
    with write_lease(store) as still_mine:
        files, golden = _scan(settings), load_golden(knowledge.path)
        root = str(knowledge.path.resolve())
        recover(store)
        reach_failpoint("repaired")
        staging = Staging(store, embedder, mode=settings.retrieval.mode, still_mine=still_mine)
        recipe = _recipe(settings, embedder)
        plan = make_plan(files, staging.documents(), recipe=recipe, max_bytes=knowledge.max_file_bytes, verify=verify)
        if not allow_mass_deletion:
            gone = staging.replaced_documents().keys() - {file.source for file in files}
            check_mass_deletion(len(gone), staging.live, root)
        on_plan(plan)
        reach_failpoint("planned")
        report = _report_of(plan)
        with ParserProcess(timeout_seconds=knowledge.max_seconds_per_document) as parser:
            writer = _Writer(staging, embedder, parser, settings, report, on_progress, len(plan.to_read))
            for file in plan.to_read:
                writer.stage(file, recipe)
            writer.finish(plan.removed)
        live = staging.live
        if writer.has_staged:
            sealed = staging.seal(root)
            result = ask_golden(golden, sealed, embedder, settings.retrieval)
            if live and not force:
                before = GoldenResult(live.golden_asked, live.golden_found)
                check_golden_loss(before, result, golden, max_drop=knowledge.max_golden_drop)
            reach_failpoint("gated")
            live = replace(sealed.commit, golden_asked=result.asked, golden_found=result.found)
            staging.commit(live, keep=settings.store.keep_generations)
        if live:
            report.generation = live.generation
            report.chunks.unchanged = live.chunks - report.chunks.added
    report.seconds = round(time.monotonic() - started, 3)
    return report


def preview(settings: Settings, store: Store, embedder: Embedder, *, verify: bool = False) -> Plan:
    """What `ingest` would do, without doing it. Raises KnowledgeError if the folder is missing or empty."""
    state = store.state()
    live = state.live if state else None
    is_fresh = live is None or (live.fingerprint, live.mode) != (embedder.fingerprint, settings.retrieval.mode)
    manifest = {} if is_fresh else store.snapshot().documents()
    max_bytes = settings.knowledge.max_file_bytes
    return make_plan(_scan(settings), manifest, recipe=_recipe(settings, embedder), max_bytes=max_bytes, verify=verify)


def pending_changes(settings: Settings, store: Store) -> Plan:
    """What changed in the folder since the live generation, whatever embedder is configured now.

    Raises KnowledgeError if the folder is missing or empty.
    """
    manifest = store.snapshot().documents() if store.state() else {}
    recipe = next((record.recipe for record in manifest.values() if record.recipe), "")
    return make_plan(_scan(settings), manifest, recipe=recipe, max_bytes=settings.knowledge.max_file_bytes)


def _scan(settings: Settings) -> list[File]:
    knowledge = settings.knowledge
    return scan(knowledge.path, include=knowledge.include, exclude=knowledge.exclude, gitignore=knowledge.gitignore)


class _Writer:
    """Collects staged documents and writes them in batches that suit the embedder."""

    def __init__(
        self,
        staging: Staging,
        embedder: Embedder,
        parser: ParserProcess,
        settings: Settings,
        report: IngestReport,
        on_progress: OnProgress,
        documents_total: int,
    ) -> None:
        self._staging = staging
        self._embedder = embedder
        self._parser = parser
        self._settings = settings
        self._report = report
        self._on_progress = on_progress
        self._progress = Progress(0, documents_total, 0, 0)
        self._waiting: list[StagedDocument] = []
        self.has_staged = False

    def stage(self, file: File, recipe: str) -> None:
        """Read, cut and compare one document; write when a batch is full."""
        try:
            content = file.read(self._settings.knowledge.max_file_bytes)
            parsed = self._parser.parse(file.source, content)
            reach_failpoint("parsed")
            new = chunk_sections(
                parsed.document,
                parsed.sections,
                count_tokens=self._embedder.count_tokens,
                max_tokens=min(self._settings.chunking.max_tokens, self._embedder.max_tokens),
                timeout_seconds=self._settings.knowledge.max_seconds_per_document,
            )
        except DocumentError as error:
            self._fail(file, error)
            return
        old = self._staging.chunks_of(file.source)
        record = DocumentRecord(
            source=file.source,
            content_hash=content_hash(content),
            recipe=recipe,
            size=file.size,
            modified_ns=file.modified_ns,
            title=new[0].title if new else parsed.document.title,
            chunks=len(new),
        )
        self._put(_compare(record, new, old))
        self._report.chunks.added += len({chunk.id for chunk in new} - {live.chunk.id for live in old})
        self._report.chunks.removed += len({live.chunk.id for live in old} - {chunk.id for chunk in new})

    def finish(self, removed: Sequence[str]) -> None:
        self._flush()
        if removed:
            self._report.chunks.removed += self._staging.remove_documents(removed)
            self.has_staged = True

    def _fail(self, file: File, error: DocumentError) -> None:
        counts = self._report.documents
        counts.failed += 1
        self._report.failures.append(Failure(file.source, str(error).removeprefix(f"{file.source}: ")))
        replaced = self._staging.replaced_documents().get(file.source)
        if replaced:
            counts.changed -= 1
        else:
            counts.added -= 1
        if replaced and self._staging.is_fresh:
            # Its old version moves into the fresh space; the blank recipe has it read again next time.
            chunks = tuple(self._staging.replaced_chunks_of(file.source))
            self._put(StagedDocument(replace(replaced, recipe=""), chunks, ()))
        else:
            self._advance(documents=1)

    def _put(self, document: StagedDocument) -> None:
        self._waiting.append(document)
        self._advance(chunks=document.record.chunks)
        if sum(len(waiting.to_write) for waiting in self._waiting) >= self._settings.embedding.batch_size:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        self.has_staged = True
        self._write([chunk for document in self._waiting for chunk in document.to_write])
        self._staging.retire([live for document in self._waiting for live in document.to_retire])
        self._staging.put_documents([document.record for document in self._waiting])
        self._advance(documents=len(self._waiting))
        self._waiting.clear()

    def _write(self, chunks: Sequence[Chunk]) -> None:
        size = self._settings.embedding.batch_size
        for start in range(0, len(chunks), size):
            batch = chunks[start : start + size]
            texts = {text_hash(chunk.searchable_text): chunk.searchable_text for chunk in batch}
            known = self._staging.vectors_of(list(texts))
            new = {key: text for key, text in texts.items() if key not in known}
            known.update(zip(new, self._embedder.embed_documents(list(new.values())), strict=True))
            self._report.embedded += len(new)
            reach_failpoint("embedded")
            self._staging.add(batch, np.stack([known[text_hash(chunk.searchable_text)] for chunk in batch]))
            self._advance(embedded=len(new))

    def _advance(self, *, documents: int = 0, chunks: int = 0, embedded: int = 0) -> None:
        self._progress = replace(
            self._progress,
            documents=self._progress.documents + documents,
            chunks=self._progress.chunks + chunks,
            embedded=self._progress.embedded + embedded,
        )
        self._on_progress(self._progress)


def _compare(record: DocumentRecord, new: Sequence[Chunk], old: Sequence[LiveChunk]) -> StagedDocument:
    """Chunks that stand as they stood are left alone; one that only moved is written again, with its old vector."""
    standing = {live.chunk.id: asdict(live.chunk) for live in old}
    kept = {chunk.id for chunk in new if standing.get(chunk.id) == asdict(chunk)}
    return StagedDocument(
        record,
        to_write=tuple(chunk for chunk in new if chunk.id not in kept),
        to_retire=tuple(live for live in old if live.chunk.id not in kept),
    )


def _recipe(settings: Settings, embedder: Embedder) -> str:
    """Changes with everything besides the bytes that a document's chunks and vectors depend on."""
    parts = (str(CHUNKER_VERSION), str(settings.chunking.max_tokens), embedder.fingerprint)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _report_of(plan: Plan) -> IngestReport:
    report = IngestReport()
    report.documents.added = len(plan.added)
    report.documents.changed = len(plan.changed)
    report.documents.removed = len(plan.removed)
    report.documents.unchanged = len(plan.unchanged)
    return report
