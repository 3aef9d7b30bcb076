"""A real Ray cluster on loopback: each node is a `ray start`, whose processes die together, like those of a machine."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.server_process import ROOT

_MARK = "ZHIWEN_RAY_NODE"
_START_SECONDS = 120
_END_SECONDS = 60


class RayNode:
    """All processes that one `ray start` starts, and those that run its calls."""

    def __init__(self, environment: Mapping[str, str], *options: str) -> None:
        self._mark = uuid.uuid4().hex
        command = [
            str(Path(sys.executable).with_name("ray")),
            "start",
            "--num-cpus=1",
            "--object-store-memory=80000000",
            "--include-log-monitor=false",  # nobody reads what it passes on
        ]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ZHIWEN_", "RAY_"))}
        started = subprocess.run(  # noqa: S603  (Ray's command)
            [*command, "--disable-usage-stats", *options],
            env=kept | dict(environment) | {_MARK: self._mark, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_START_SECONDS,
            check=False,
        )
        if started.returncode:
            raise RuntimeError(started.stdout)

    def holds(self, pid: int) -> bool:
        """Return whether a process is one of this node's."""
        return pid in self._processes()

    def kill(self) -> None:
        """Kill all its processes at once, as the end of a machine does."""
        end = time.monotonic() + _END_SECONDS
        while processes := self._processes():
            for pid in processes:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > end:
                raise RuntimeError(f"these processes of a Ray node do not end: {processes}")
            time.sleep(0.02)

    def _processes(self) -> set[int]:
        """Those with the mark in their environment, and their children: Ray writes over that of a worker."""
        marked, parents = set(), {}
        for folder in Path("/proc").iterdir():
            with suppress(OSError):
                if folder.name.isdigit():
                    pid = int(folder.name)
                    parents[pid] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                    if f"{_MARK}={self._mark}".encode() in (folder / "environ").read_bytes():
                        marked.add(pid)
        return marked | {pid for pid, parent in parents.items() if parent in marked}


class RayNodes:
    """A head and other nodes, each with one CPU.

    `address` is for `ingest.ray_address`, and `environment` has what a process needs to be let in.
    """

    def __init__(self) -> None:
        # The paths of sockets are bounded.
        self._folder = Path(tempfile.mkdtemp(prefix="ray-"))
        port = _free_port()
        self.address = f"127.0.0.1:{port}"
        self.environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": uuid.uuid4().hex * 2}
        options = ("--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={self._folder}")
        self._nodes = [RayNode(self.environment, *options)]

    @property
    def nodes(self) -> Sequence[RayNode]:
        """All nodes, the head first."""
        return tuple(self._nodes)

    @property
    def others(self) -> Sequence[RayNode]:
        """All nodes but the head."""
        return self._nodes[1:]

    def add(self) -> None:
        """Start another node."""
        self._nodes.append(RayNode(self.environment, f"--address={self.address}"))

    def close(self) -> None:
        """Kill all nodes, and remove what they wrote."""
        for node in reversed(self._nodes):
            node.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def ray_nodes() -> Iterator[RayNodes]:
    """Start a cluster of one node; close it at the end."""
    nodes = RayNodes()
    try:
        yield nodes
    finally:
        nodes.close()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
