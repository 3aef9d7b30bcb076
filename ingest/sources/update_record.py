"""What became of the last update of a copy, for those who ask later and in other processes."""

from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from ingest.sources.private_json import read_json, write_json


@dataclass(frozen=True, slots=True)
class UpdateRecord:
    """`version` is what the copy holds since `updated_at`, "" for nothing yet; both times are UTC in ISO 8601.

    `error` says why the last update failed, at `failed_at`; it is "" if that one succeeded.
    """

    version: str = ""
    updated_at: str = ""
    error: str = ""
    failed_at: str = ""

    def succeeded(self, version: str) -> "UpdateRecord":
        """Return the record after an update."""
        return UpdateRecord(version, _now())

    def failed(self, error: str) -> "UpdateRecord":
        """Return the record after an update that failed."""
        return UpdateRecord(self.version, self.updated_at, error, _now())


def read_record(copy: Path) -> UpdateRecord:
    """Return the record of a copy; an empty one if nothing was fetched yet, or if it cannot be read."""
    found = read_json(_file_of(copy))
    return UpdateRecord(**{field.name: str(found.get(field.name, "")) for field in fields(UpdateRecord)})


def write_record(copy: Path, record: UpdateRecord) -> None:
    """Replace the record of a copy, as a whole. Raises OSError."""
    write_json(_file_of(copy), asdict(record))


def _file_of(copy: Path) -> Path:
    return copy.with_suffix(".json")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
