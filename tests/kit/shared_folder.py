"""A folder that is costly to fill, for all processes of a run of the tests."""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import pytest
from filelock import FileLock


def shared_folder(factory: pytest.TempPathFactory, name: str, fill: Callable[[Path], None]) -> Path:
    """The folder of that name, which the first that asks for it fills; tests only read it, or copy it."""
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
