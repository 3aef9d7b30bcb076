"""Export and import the live index: backup and migration.

A backup holds documents, chunks and vectors. Neither direction embeds anything, and the manifest travels too, so an
ingest of the same folder has nothing to do after an import.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ingest.backup_columns import BackedUpDocument
from ingest.backup_file import FORMAT, Origin, reading_backup, writing_backup
from ingest.staging.lease import write_lease
from ingest.staging.recovery import recover
from ingest.staging.report import OnProgress, Progress
from ingest.staging.staging import Staging
from rag.errors import BackupError, EmbedderMismatch, StoreError
from rag.models.embedders.protocol import Embedder, Vector, can_search
from rag.settings import Settings
from rag.store.columns import SCHEMA_VERSION
from rag.store.records import Commit, DocumentRecord
from rag.store.snapshot import Snapshot
from rag.store.store import Store
from rag.types import Chunk

# At most this many chunks are read, written and held at a time, unless a single document has more.
_CHUNKS_IN_A_GROUP = 800
_DOCUMENTS_IN_A_GROUP = 200


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

    Raises StoreEmpty, BackupError (the file cannot be written) or StoreError, also if the generation was replaced and
    deleted during the export.
    """
    started = time.monotonic()
    snapshot = store.snapshot()
    origin = _origin_of(snapshot.commit)
    records = snapshot.documents().values()
    progress = Progress(0, len(records), 0, 0)
    with writing_backup(path, origin) as write:
        for group in _grouped(records):
            documents = _read(snapshot, group)
            write(documents)
            progress = _advanced(progress, documents)
            on_progress(progress)
        if _is_incomplete(origin, progress):
            raise StoreError(f"{store.uri}: generation {origin.generation} was replaced meanwhile; export again")
    return _report(path, origin, started, generation=origin.generation)


def import_backup(
    settings: Settings, store: Store, embedder: Embedder, path: Path, *, on_progress: OnProgress = lambda progress: None
) -> BackupReport:
    """Make the content of a file the next generation; readers have the old one until all of it is there.

    The generation before stays for a rollback. Raises BackupError (not a readable backup), EmbedderMismatch or
    StoreError; what was live is then still live.
    """
    started = time.monotonic()
    with reading_backup(path) as (origin, groups), write_lease(store) as check_lease:
        _check_embedder(origin, embedder, path)
        store.connect()  # creates a missing database file, but not for a backup that cannot be imported
        recover(store)
        staging = Staging(store, embedder, mode=settings.retrieval.mode, check_lease=check_lease, fresh=True)
        progress = Progress(0, origin.documents, 0, 0)
        damaged = f"{path} is damaged: it does not hold what it says it holds; nothing was changed"
        with staging.importing(origin.chunks):
            for group in groups:
                _stage(staging, group)
                progress = _advanced(progress, group)
                on_progress(progress)
            if _is_incomplete(origin, progress):
                raise BackupError(damaged)
            sealed = staging.seal(origin.root).commit
        # The vectors are those of the file, even if this machine has another engine for the same model.
        sealed = replace(sealed, embedder=origin.embedder, fingerprint=origin.fingerprint, label=origin.label)
        if (sealed.documents, sealed.chunks) != (origin.documents, origin.chunks):
            raise BackupError(damaged)
        if origin.mode == sealed.mode:
            # What another retrieval mode found says nothing about what this one should find.
            sealed = replace(sealed, golden_asked=origin.golden_asked, golden_found=origin.golden_found)
        staging.commit(sealed, keep=settings.store.keep_generations)
    return _report(path, origin, started, generation=sealed.generation)


def _origin_of(commit: Commit) -> Origin:
    return Origin(
        format=FORMAT,
        generation=commit.generation,
        committed_at=commit.committed_at,
        root=commit.root,
        embedder=commit.embedder,
        fingerprint=commit.fingerprint,
        dimension=commit.dimension,
        schema=SCHEMA_VERSION,
        mode=commit.mode,
        documents=commit.documents,
        chunks=commit.chunks,
        golden_asked=commit.golden_asked,
        golden_found=commit.golden_found,
        label=commit.label,
    )


def _grouped(records: Iterable[DocumentRecord]) -> Iterator[list[DocumentRecord]]:
    group: list[DocumentRecord] = []
    for record in records:
        chunks = sum(member.chunks for member in group)
        if group and (chunks + record.chunks > _CHUNKS_IN_A_GROUP or len(group) == _DOCUMENTS_IN_A_GROUP):
            yield group
            group = []
        group.append(record)
    if group:
        yield group


def _read(snapshot: Snapshot, records: Sequence[DocumentRecord]) -> list[BackedUpDocument]:
    by_source: dict[str, list[tuple[Chunk, Vector]]] = {record.source: [] for record in records}
    for chunk, vector in snapshot.chunks_with_vectors(list(by_source)):
        by_source[chunk.source].append((chunk, vector))
    return [
        BackedUpDocument(record, tuple(sorted(by_source[record.source], key=lambda pair: pair[0].position)))
        for record in records
    ]


def _stage(staging: Staging, group: Sequence[BackedUpDocument]) -> None:
    pairs = [pair for document in group for pair in document.chunks]
    if pairs:
        staging.insert_chunks([chunk for chunk, _ in pairs], np.stack([vector for _, vector in pairs]))
    staging.put_documents([document.record for document in group])


def _advanced(progress: Progress, group: Sequence[BackedUpDocument]) -> Progress:
    chunks = sum(len(document.chunks) for document in group)
    return replace(progress, documents=progress.documents + len(group), chunks=progress.chunks + chunks)


def _is_incomplete(origin: Origin, progress: Progress) -> bool:
    return (progress.documents, progress.chunks) != (origin.documents, origin.chunks)


def _check_embedder(origin: Origin, embedder: Embedder, path: Path) -> None:
    if not can_search(embedder, origin.fingerprint) or origin.dimension != embedder.dimension:
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
