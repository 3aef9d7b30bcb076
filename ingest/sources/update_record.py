"""What became of the last update of a copy, for those who ask later and in other processes."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rag.private_files import open_private


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
    try:
        return UpdateRecord(**json.loads(_file_of(copy).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return UpdateRecord()


def write_record(copy: Path, record: UpdateRecord) -> None:
    """Replace the record of a copy, as a whole. Raises OSError."""
    file = _file_of(copy)
    new = file.with_suffix(".json.new")
    new.unlink(missing_ok=True)
    with open(new, "x", encoding="utf-8", opener=open_private) as out:
        json.dump(asdict(record), out)
    new.replace(file)


def _file_of(copy: Path) -> Path:
    return copy.with_suffix(".json")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
