"""`zhiwen export` and `zhiwen import`: always in this process, for a backup needs the store and no server."""

from pathlib import Path

from pydantic import BaseModel

from api.schemas.ingest import ProgressOut
from api.service.owner import find_owner
from api.service.protocol import OnProgress
from ingest.backup import BackupReport, export_backup, import_backup
from rag.errors import StoreLocked
from rag.models.embedders.factory import open_embedder
from rag.settings import Settings
from rag.wiring import open_store


class BackupResponse(BaseModel):
    """What is in the file; `generation` is the one exported, or the one that the import made live."""

    file: str
    generation: int
    documents: int
    chunks: int
    embedder: str
    bytes: int
    seconds: float

    @classmethod
    def of(cls, report: BackupReport) -> "BackupResponse":
        return cls(
            file=str(report.file),
            generation=report.generation,
            documents=report.documents,
            chunks=report.chunks,
            embedder=report.embedder,
            bytes=report.bytes,
            seconds=report.seconds,
        )


def run_export(settings: Settings, path: Path, on_progress: OnProgress) -> BackupResponse:
    """Raises StoreLocked if a server has the database file open."""
    _refuse_served(settings)
    with open_store(settings) as store:
        report = export_backup(store, path, on_progress=lambda progress: on_progress(ProgressOut.of(progress)))
    return BackupResponse.of(report)


def run_import(settings: Settings, path: Path, on_progress: OnProgress) -> BackupResponse:
    """Raises StoreLocked if a server has the database file open."""
    _refuse_served(settings)
    embedder = open_embedder(settings.embedding)
    with open_store(settings) as store:
        report = import_backup(
            settings, store, embedder, path, on_progress=lambda progress: on_progress(ProgressOut.of(progress))
        )
    return BackupResponse.of(report)


def _refuse_served(settings: Settings) -> None:
    """One process has the file of Milvus Lite, and no server reads or writes files where a client says."""
    owner = find_owner(settings)
    if owner:
        raise StoreLocked(
            f"{settings.store.uri} is open in the server {owner.url} (process {owner.pid}); "
            "stop it, run this again, and start it anew"
        )
