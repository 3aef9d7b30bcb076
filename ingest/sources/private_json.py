"""Small JSON files of ours beside a copy."""

import json
from collections.abc import Mapping
from pathlib import Path

from rag.private_files import open_private


def read_json(file: Path) -> dict[str, str]:
    """Return the object in a file; an empty one if there is no such file, or if it holds something else."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(file: Path, values: Mapping[str, str]) -> None:
    """Replace a file as a whole. Raises OSError."""
    replace_file(file, json.dumps(values).encode())


def replace_file(file: Path, content: bytes) -> None:
    """Replace a file as a whole, whatever it holds. Raises OSError."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with open(new, "xb", opener=open_private) as out:
        out.write(content)
    new.replace(file)
