"""Folders that are costly to fill, shared by all processes of a test run."""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import pytest
from filelock import FileLock


def shared_folder(factory: pytest.TempPathFactory, name: str, fill: Callable[[Path], None]) -> Path:
    """Return the folder of that name; the first call fills it. Tests read it or copy it, and never change it."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / name
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            unfinished = Path(mkdtemp(prefix=f"{name}-", dir=base))
            fill(unfinished)
            unfinished.rename(folder)
    return folder
