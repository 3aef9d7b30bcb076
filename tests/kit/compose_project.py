"""The default Compose project, as a user starts it in a fresh clone."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx2

from tests.kit.compose import compose_command
from tests.kit.docker_engine import Engine
from tests.kit.paths import ROOT
from tests.kit.waiting import eventually

SECONDS_TO_START = 300.0


def fresh_clone(folder: Path) -> Path:
    """The tracked files, as they are in the work tree, in `folder`."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def build(engine: Engine, clone: Path, folder: Path) -> None:
    """`docker compose build` in the clone. The build gets pip's settings from the environment, as any user's does."""
    for name in sorted(set(re.findall(r"^FROM (\S+:\S+)", (clone / "Dockerfile").read_text("utf-8"), re.MULTILINE))):
        engine.get_base_image(name, folder)
    subprocess.run([compose_command(), "build"], cwd=clone, env=engine.environment, check=True)


@dataclass(frozen=True, slots=True)
class Stack:
    """A running project on a port of its own."""

    engine: Engine
    clone: Path
    environment: dict[str, str]
    client: httpx2.Client
    started_at: float
    """When it was started, by the monotonic clock."""

    @classmethod
    @contextmanager
    def started(cls, engine: Engine, clone: Path) -> Iterator[Self]:
        """`docker compose up -d`; nothing is set but the port, so that what runs on 8000 is not in the way."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        environment = engine.environment | {"PUBLISH": address, "COMPOSE_PROJECT_NAME": "zhiwen-test"}
        with httpx2.Client(base_url=f"http://{address}", timeout=30, trust_env=False) as client:
            stack = cls(engine, clone, environment, client, time.monotonic())
            try:
                stack.compose("up", "--detach")
                yield stack
            finally:
                stack.compose("down", "--volumes", "--timeout", "0")

    def compose(self, *arguments: str) -> str:
        """What a Compose command prints. Raises AssertionError with what it says if it fails."""
        status, out, err = self.tried(*arguments)
        assert status == 0, f"{arguments}: {out} {err}"
        return out

    def tried(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, output and messages of a Compose command."""
        done = subprocess.run(
            [compose_command(), *arguments],
            cwd=self.clone,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.strip(), done.stderr.strip()

    def inside(self, script: str) -> str:
        """What a shell script prints in the container, run as the service is."""
        return self.compose("exec", "--no-TTY", "zhiwen", "sh", "-c", script)

    @property
    def container(self) -> str:
        return self.compose("ps", "--all", "--quiet", "zhiwen")

    @property
    def log(self) -> str:
        return self.compose("logs", "--no-log-prefix", "zhiwen")

    def status_of(self, path: str, key: str = "") -> int:
        """The status of a GET request; 0 while nobody answers."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            return self.client.get(path, headers=headers).status_code
        except httpx2.TransportError:
            return 0

    def wait_until_ready(self) -> float:
        """Wait until questions can be answered; the seconds that it took."""
        began = time.monotonic()
        eventually(lambda: self.status_of("/health/ready") == 200, within_seconds=SECONDS_TO_START, message="not ready")
        return time.monotonic() - began

    def new_key(self, name: str) -> str:
        """A new key of an administrator, by the command that the guide shows."""
        return self.compose(
            "run", "--rm", "zhiwen", "keys", "new", name, "--scope", "admin", "--file", "/data/keys.txt"
        )

    def ask(self, question: str, key: str) -> dict[str, Any]:
        """An answer over HTTP."""
        response = self.client.post(
            "/ask", json={"question": question}, headers={"Authorization": f"Bearer {key}"}, timeout=120
        )
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer
