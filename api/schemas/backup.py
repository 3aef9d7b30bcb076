"""The result of an export or import, as JSON."""

from pydantic import BaseModel

from ingest.backup import BackupReport


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
