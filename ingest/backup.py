"""Taking the live generation out into a file, and a file in as the next generation: to back up, and to move house.

What travels are documents, chunks and vectors. Nothing is embedded on the way, and the manifest travels too, so that
an ingest of the same folder has nothing to do afterwards.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ingest.backup_file import FORMAT, BackedUp, Origin, reading_backup, writing_backup
from ingest.staging.lease import write_lease
from ingest.staging.recovery import recover
from ingest.staging.report import OnProgress, Progress
from ingest.staging.staging import Staging
from rag.errors import BackupError, EmbedderMismatch, StoreError
from rag.models.embedders.protocol import Embedder, Vector
from rag.settings import Settings
from rag.store.rows import SCHEMA_VERSION
from rag.store.snapshot import Snapshot
from rag.store.store import Store
from rag.store.versions import DocumentRecord
from rag.types import Chunk

_GROUP_CHUNKS = 800
"""Chunks read, written and held at a time, but for a document that has more."""
_GROUP_DOCUMENTS = 200


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What is in the file. `generation` is the one that was exported, or the one that an import made live."""

    file: Path
    generation: int
    documents: int
    chunks: int
    embedder: str
    bytes: int
    seconds: float


def export_backup(store: Store, path: Path, *, on_progress: OnProgress = lambda progress: None) -> BackupReport:
    """Write the live generation to a file, which replaces an earlier one in one step.

    Raises StoreEmpty, BackupError (the file cannot be written), or StoreError, also where so many ingests went by
    meanwhile that the generation was collected.
    """
    started = time.monotonic()
    snapshot = store.snapshot()
    commit = snapshot.commit
    records = sorted(snapshot.documents().values(), key=lambda record: record.source)
    origin = Origin(
        format=FORMAT,
        generation=commit.generation,
        committed_at=commit.committed_at,
        root=commit.root,
        embedder=commit.embedder,
        fingerprint=commit.fingerprint,
        dimension=commit.dimension,
        schema=commit.schema,
        mode=commit.mode,
        documents=commit.documents,
        chunks=commit.chunks,
        golden_asked=commit.golden_asked,
        golden_found=commit.golden_found,
    )
    progress = Progress(0, len(records), 0, 0)
    with writing_backup(path, origin) as write:
        for group in _grouped(records):
            documents = _read(snapshot, group)
            write(documents)
            progress = _advanced(progress, documents)
            on_progress(progress)
        if _is_part(origin, progress):
            raise StoreError(f"{store.uri}: generation {commit.generation} was replaced meanwhile; export again")
    return _report(path, origin, started, generation=commit.generation)


def import_backup(
    settings: Settings, store: Store, embedder: Embedder, path: Path, *, on_progress: OnProgress = lambda progress: None
) -> BackupReport:
    """Make the content of a file the next generation; readers have the old one until all of it is there.

    The generation before stays for a rollback. Raises BackupError (no whole backup), EmbedderMismatch, or StoreError;
    what was live is then still live.
    """
    started = time.monotonic()
    with reading_backup(path) as (origin, groups), write_lease(store) as still_mine:
        _refuse_foreign(origin, embedder, path)
        recover(store)
        staging = Staging(store, embedder, mode=settings.retrieval.mode, still_mine=still_mine, fresh=True)
        progress = Progress(0, origin.documents, 0, 0)
        for group in groups:
            _stage(staging, group)
            progress = _advanced(progress, group)
            on_progress(progress)
        damaged = f"{path} is damaged: it does not hold what it says it holds; nothing was changed"
        if _is_part(origin, progress):
            raise BackupError(damaged)
        sealed = staging.seal(origin.root).commit
        if (sealed.documents, sealed.chunks) != (origin.documents, origin.chunks):
            raise BackupError(damaged)
        if origin.mode == sealed.mode:
            # What another mode of retrieval found says nothing of what this one should.
            sealed = replace(sealed, golden_asked=origin.golden_asked, golden_found=origin.golden_found)
        staging.commit(sealed, keep=settings.store.keep_generations)
    return _report(path, origin, started, generation=sealed.generation)


def _grouped(records: Sequence[DocumentRecord]) -> Iterator[list[DocumentRecord]]:
    group: list[DocumentRecord] = []
    for record in records:
        chunks = sum(member.chunks for member in group)
        if group and (chunks + record.chunks > _GROUP_CHUNKS or len(group) == _GROUP_DOCUMENTS):
            yield group
            group = []
        group.append(record)
    if group:
        yield group


def _read(snapshot: Snapshot, records: Sequence[DocumentRecord]) -> list[BackedUp]:
    by_source: dict[str, list[tuple[Chunk, Vector]]] = {record.source: [] for record in records}
    for chunk, vector in snapshot.chunks_with_vectors(list(by_source)):
        by_source[chunk.source].append((chunk, vector))
    return [
        BackedUp(record, tuple(sorted(by_source[record.source], key=lambda pair: pair[0].position)))
        for record in records
    ]


def _stage(staging: Staging, group: Sequence[BackedUp]) -> None:
    pairs = [pair for document in group for pair in document.chunks]
    if pairs:
        staging.add([chunk for chunk, _ in pairs], np.stack([vector for _, vector in pairs]))
    staging.put_documents([document.record for document in group])


def _advanced(progress: Progress, group: Sequence[BackedUp]) -> Progress:
    chunks = sum(len(document.chunks) for document in group)
    return replace(progress, documents=progress.documents + len(group), chunks=progress.chunks + chunks)


def _is_part(origin: Origin, progress: Progress) -> bool:
    return (progress.documents, progress.chunks) != (origin.documents, origin.chunks)


def _refuse_foreign(origin: Origin, embedder: Embedder, path: Path) -> None:
    if origin.schema > SCHEMA_VERSION:
        raise BackupError(f"{path} was written by a newer zhiwen (schema {origin.schema}); upgrade to read it")
    if (origin.fingerprint, origin.dimension) != (embedder.fingerprint, embedder.dimension):
        raise EmbedderMismatch(
            f"{path} was made with {origin.embedder} ({origin.fingerprint}), this installation embeds with "
            f"{embedder.name} ({embedder.fingerprint}); set embedding.* to the former, or run `zhiwen ingest` instead"
        )


def _report(path: Path, origin: Origin, started: float, *, generation: int) -> BackupReport:
    return BackupReport(
        file=path,
        generation=generation,
        documents=origin.documents,
        chunks=origin.chunks,
        embedder=origin.embedder,
        bytes=path.stat().st_size,
        seconds=round(time.monotonic() - started, 3),
    )
