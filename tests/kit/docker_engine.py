"""A Docker engine: the one that runs, or one of our own that lasts as long as the tests."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.kit.paths import ROOT
from tests.kit.waiting import eventually

_STAND_IN = ROOT / "tests" / "container" / "base_image.sh"


@dataclass(frozen=True, slots=True)
class Engine:
    """A Docker engine that answers. `is_ours` if it was started for the tests and holds nothing of anybody else."""

    environment: dict[str, str]
    is_ours: bool

    def docker(self, *arguments: str) -> str:
        """What a docker command prints. Raises CalledProcessError."""
        command = ["docker", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True).stdout.strip()

    def inspect(self, name: str) -> dict[str, Any]:
        """The description of a container or an image."""
        (found,) = json.loads(self.docker("inspect", name))
        described: dict[str, Any] = found
        return described

    def get_base_image(self, name: str, folder: Path) -> None:
        """Have this image: from a registry or, in an engine of our own, a stand-in made of Debian's packages.

        Skips the test if there is no way.
        """
        for arguments in (["image", "inspect", name], ["pull", "--quiet", name]):
            if not subprocess.run(
                ["docker", *arguments], env=self.environment, capture_output=True, check=False
            ).returncode:
                return
        if not self.is_ours:
            pytest.skip(f"the running Docker engine has no {name} and cannot pull it; a stand-in might confuse others")
        if not shutil.which("mmdebstrap"):
            pytest.skip(
                f"{name} cannot be pulled, and there is no mmdebstrap to make a stand-in; apt-get install mmdebstrap"
            )
        subprocess.run([_STAND_IN, name, folder], env=self.environment, check=True)


@contextmanager
def docker_engine(folder: Path) -> Iterator[Engine]:
    """The Docker engine that runs; else one with its files in `folder`, until the end. Skips if there is none."""
    if not shutil.which("docker"):
        pytest.skip("the command docker is not installed; apt-get install docker.io")
    environment = dict(os.environ)
    if _answers(environment):
        yield Engine(environment, is_ours=False)
        return
    if os.geteuid() != 0 or not shutil.which("dockerd"):
        pytest.skip("no Docker engine answers, and only root can start one, with dockerd; apt-get install docker.io")
    environment |= {"DOCKER_HOST": f"unix://{folder}/docker.sock", "DOCKER_CONFIG": str(folder / "config")}
    options = ["--data-root", folder / "data", "--exec-root", folder / "exec", "--pidfile", folder / "pid"]
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen(
            ["dockerd", "--host", environment["DOCKER_HOST"], *options], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        eventually(lambda: daemon.poll() is not None or _answers(environment))
        if daemon.poll() is not None:
            pytest.skip(f"dockerd does not run here: {(folder / 'log').read_text().strip().splitlines()[-1]}")
        yield Engine(environment, is_ours=True)
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()
        shutil.rmtree(folder / "data", ignore_errors=True)


def _answers(environment: dict[str, str]) -> bool:
    return not subprocess.run(["docker", "info"], env=environment, capture_output=True, check=False).returncode
