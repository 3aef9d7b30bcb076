"""Export and import the live index. Always in this process: a backup needs the store, and no server."""

from pathlib import Path

from api.schemas.backup import BackupResponse
from api.schemas.ingest import ProgressOut
from api.service.owner import find_owner
from api.service.protocol import OnProgress
from ingest.backup import export_backup, import_backup
from rag.errors import StoreLocked
from rag.settings import Settings
from rag.wiring import Services, open_store


def export_index(settings: Settings, path: Path, on_progress: OnProgress) -> BackupResponse:
    """Write the live generation to a file.

    Raises StoreLocked if a server has the database file open, StoreEmpty, StoreError and BackupError.
    """
    _refuse_served(settings)
    with open_store(settings) as store:
        report = export_backup(store, path, on_progress=lambda progress: on_progress(ProgressOut.of(progress)))
    return BackupResponse.of(report)


def import_index(settings: Settings, path: Path, on_progress: OnProgress) -> BackupResponse:
    """Make the content of a file the live generation.

    Raises StoreLocked if a server has the database file open, EmbedderMismatch, StoreError and BackupError.
    """
    _refuse_served(settings)
    with Services(settings) as services:
        report = import_backup(
            settings,
            services.store,
            services.embedder,
            path,
            on_progress=lambda progress: on_progress(ProgressOut.of(progress)),
        )
    return BackupResponse.of(report)


def _refuse_served(settings: Settings) -> None:
    """One process has the file of Milvus Lite, and a server reads and writes no file that a client names."""
    owner = find_owner(settings)
    if owner:
        raise StoreLocked(
            f"{settings.store.uri} is open in the server {owner.url} (process {owner.pid}); "
            "stop the server, run this again, and start it again"
        )
