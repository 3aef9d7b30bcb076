"""Documents that were renamed or moved: their chunks are copied, and their files are neither parsed nor embedded."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ingest.chunking.moved_chunks import move_chunks
from ingest.files.scan import File
from ingest.staging.document_cutter import document_date
from ingest.staging.plan import Move, Plan, content_hash
from ingest.staging.progress_meter import ProgressMeter
from ingest.staging.removal_groups import group_removals
from ingest.staging.report import IngestReport, OnProgress
from ingest.staging.staging import Staging
from rag.errors import DocumentError
from rag.store.records import DocumentRecord
from rag.store.rows import LiveChunk
from rag.types import Chunk


def find_moves(
    plan: Plan, documents: Mapping[str, DocumentRecord], *, pipeline_fingerprint: str, max_bytes: int
) -> Plan:
    """Return the plan with the added files that hold, byte for byte, a document that is gone.

    Of the files, only those with the size of such a document are read, up to `max_bytes`.
    """
    gone: defaultdict[str, deque[DocumentRecord]] = defaultdict(deque)
    for record in (documents[source] for source in plan.removed):
        if record.chunks and record.pipeline_fingerprint == pipeline_fingerprint:
            gone[record.content_hash].append(record)
    sizes = {record.size for records in gone.values() for record in records}
    moved: list[Move] = []
    for file in plan.added:
        records = gone.get(_hash(file, max_bytes)) if file.size in sizes else None
        if records:
            moved.append(Move(file, records.popleft()))
    return replace(plan, moved=tuple(moved))


def stage_moves(
    plan: Plan,
    staging: Staging,
    dates: Mapping[str, str],
    report: IngestReport,
    meter: ProgressMeter,
    *,
    is_copy: bool,
    on_progress: OnProgress,
) -> Plan:
    """Stage the documents that were moved. Return the plan of the rest.

    A document whose chunks do not say for certain what its file gives under the new path is left to be read. `dates`
    are the days of the last commits by source; `is_copy` says whether the folder is a copy of another place.
    """
    moves = {move.record.source: move for move in plan.moved}
    staged: dict[str, DocumentRecord] = {}
    for sources in group_removals(list(moves), {source: move.record for source, move in moves.items()}):
        live = _by_document(staging.chunks_of(*sources))
        copies: list[tuple[LiveChunk, Chunk]] = []
        records: dict[str, DocumentRecord] = {}
        for source in sources:
            chunks = _chunks_of(moves[source], live[source])
            if chunks:
                copies += zip(live[source], chunks, strict=True)
                day = dates.get(moves[source].file.source, "")
                records[source] = _record_of(moves[source], chunks[0], day, is_copy=is_copy)
        if records:
            staging.move_documents(copies, records)
        staged |= records
        report.chunks.added += len(copies)
        report.chunks.removed += len(copies)
        meter.staged(len(records))
        meter.passed_over(sum(record.size for record in records.values()))
        on_progress(meter.progress())
    taken = {record.source for record in staged.values()}
    return replace(
        plan,
        added=tuple(file for file in plan.added if file.source not in taken),
        removed=tuple(source for source in plan.removed if source not in staged),
        moved=(),
    )


def _hash(file: File, max_bytes: int) -> str:
    try:
        return content_hash(file.read(max_bytes))
    except DocumentError:
        return ""  # it is read again as an added one, and reported by name


def _by_document(chunks: Sequence[LiveChunk]) -> Mapping[str, Sequence[LiveChunk]]:
    documents: defaultdict[str, list[LiveChunk]] = defaultdict(list)
    for live in sorted(chunks, key=lambda live: live.chunk.position):
        documents[live.chunk.source].append(live)
    return documents


def _chunks_of(move: Move, live: Sequence[LiveChunk]) -> Sequence[Chunk] | None:
    chunks = [each.chunk for each in live]
    is_whole = [chunk.position for chunk in chunks] == list(range(move.record.chunks))
    # The store cuts a title that is too long for it.
    return move_chunks(chunks, move.file.source) if is_whole and chunks[0].title == move.record.title else None


def _record_of(move: Move, first: Chunk, committed: str, *, is_copy: bool) -> DocumentRecord:
    dated, dated_by = document_date(first.metadata, committed, is_copy=is_copy)
    file = move.file
    return replace(
        move.record,
        source=file.source,
        size=file.size,
        modified_ns=file.modified_ns,
        dated=dated,
        dated_by=dated_by,
    )
