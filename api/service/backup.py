"""Export and import the live index.

Both run in this process and need the store for themselves: a server reads and writes no file that a client names.
"""

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
    """Write the live generation to a Parquet file.

    Raises StoreLocked if a server has the database file open, StoreEmpty, StoreError and BackupError.
    """
    _refuse_served(settings)
    with open_store(settings) as store:
        report = export_backup(store, path, on_progress=lambda progress: on_progress(ProgressOut.of(progress)))
    return BackupResponse.of(report)


def import_index(settings: Settings, path: Path, on_progress: OnProgress) -> BackupResponse:
    """Make the content of an exported file the live generation.

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
    owner = find_owner(settings)
    if owner:
        raise StoreLocked(
            f"{settings.store.uri} is open in the server {owner.url} (process {owner.pid}); "
            "stop the server, run the command again, then restart the server"
        )
