"""The files of a copy: written, removed if they are gone elsewhere, and summed up in a digest."""

import hashlib
import json
from collections.abc import Container, Mapping
from contextlib import suppress
from pathlib import Path

from rag.private_files import open_private


def write_copied(file: Path, content: bytes) -> None:
    """Replace a file of a copy, whatever is in its place. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with open(file, "xb", opener=open_private) as out:
        out.write(content)


def remove_other_files(folder: Path, wanted: Container[str]) -> None:
    """Remove the files of a copy whose paths are not wanted, and the folders that are empty then. Raises OSError."""
    # A path is shorter than what is below it.
    for path in sorted(folder.rglob("*"), key=lambda path: len(path.parts), reverse=True):
        if path.is_dir() and not path.is_symlink():
            with suppress(OSError):  # not empty
                path.rmdir()
        elif path.relative_to(folder).as_posix() not in wanted:
            path.unlink()


def digest_of(versions: Mapping[str, str]) -> str:
    """Return a digest that changes with every path and every version."""
    return hashlib.sha256(json.dumps(sorted(versions.items())).encode()).hexdigest()
