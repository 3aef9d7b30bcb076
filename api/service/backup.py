"""Export and import the live index.

Both run in this process and need the store for themselves: a server reads and writes no file that a client names.
"""

from pathlib import Path

from pydantic import BaseModel

from api.service.audit import COMMAND_LINE, AuditLog, Subject
from api.service.ingest import ProgressOut
from api.service.owner import find_owner
from api.service.protocol import OnProgress
from ingest.backup import BackupReport, export_backup, import_backup
from rag.errors import StoreLocked
from rag.settings import Settings
from rag.wiring import Services


class BackupResponse(BaseModel):
    """The content of a backup file. `generation` is the exported one, or the one that the import made live."""

    file: str
    generation: int
    documents: int
    chunks: int
    embedder: str
    bytes: int
    seconds: float

    @classmethod
    def of(cls, report: BackupReport) -> "BackupResponse":
        """Convert a report to JSON."""
        return cls(
            file=str(report.file),
            generation=report.generation,
            documents=report.documents,
            chunks=report.chunks,
            embedder=report.embedder,
            bytes=report.bytes,
            seconds=report.seconds,
        )


def export_index(settings: Settings, knowledge_base: str, path: Path, on_progress: OnProgress) -> BackupResponse:
    """Write the live generation of a knowledge base to a Parquet file.

    Raises KnowledgeBaseNotFound, StoreLocked if a server has the database file open, StoreEmpty, StoreError and
    BackupError.
    """
    _refuse_served(settings)
    with Services(settings) as services:
        store = services.of(knowledge_base).store
        AuditLog(settings.serve).note("exported", COMMAND_LINE, name=str(path), subject=Subject((knowledge_base,)))
        report = export_backup(store, path, on_progress=lambda progress: on_progress(ProgressOut.of(progress)))
    return BackupResponse.of(report)


def import_index(settings: Settings, knowledge_base: str, path: Path, on_progress: OnProgress) -> BackupResponse:
    """Make the content of an exported file the live generation of a knowledge base.

    Raises KnowledgeBaseNotFound, StoreLocked if a server has the database file open, EmbedderMismatch, StoreError and
    BackupError.
    """
    _refuse_served(settings)
    with Services(settings, for_one_command=True) as services:
        chosen = services.of(knowledge_base)
        AuditLog(settings.serve).note("imported", COMMAND_LINE, name=str(path), subject=Subject((knowledge_base,)))
        report = import_backup(
            chosen.settings,
            chosen.store,
            chosen.embedder,
            path,
            on_progress=lambda progress: on_progress(ProgressOut.of(progress)),
        )
    return BackupResponse.of(report)


def _refuse_served(settings: Settings) -> None:
    owner = find_owner(settings)
    if owner:
        raise StoreLocked(
            f"{settings.store.uri} is open in the server {owner.url} (process {owner.pid}); "
            "stop the server, run the command again, then restart the server"
        )
