"""Files of figures. Each result has the commit and the kind of machine that it was measured on."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def report(name: str, result: Mapping[str, Any], path: Path | None) -> None:
    """Print the figures of a result, and add it to a JSON file if a path is given."""
    for figure, value in result.items():
        print(f"{figure}: {value}")
    if path:
        add_result(path, name, result)


def add_result(path: Path, name: str, result: Mapping[str, Any]) -> None:
    """Write a result, with commit and machine, to a JSON file under its name. Results of other names stay there."""
    results = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    _write(path, results | {name: _with_origin(result)})


def write_result(path: Path, result: Mapping[str, Any]) -> None:
    """Write the only result of a JSON file, with commit and machine."""
    _write(path, _with_origin(result))


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _with_origin(result: Mapping[str, Any]) -> dict[str, Any]:
    return {"commit": _commit(), "machine": _machine(), **result}


def _commit() -> str:
    """The short hash of the commit that is checked out in the working directory."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603  (constant)


def _machine() -> str:
    """The cores, the processor architecture and the Python version, in words."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
