"""A real Ray cluster on loopback: each node is a `ray start`, whose processes die together, like those of a machine."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from contextlib import suppress
from pathlib import Path

from tests.kit.paths import ROOT
from tests.kit.processes import clean_environment
from tests.kit.waiting import eventually

_MARK = "RAY_NODE_OF_TESTS"
_START_SECONDS = 120


class RayNodes:
    """A head and other nodes, each with one CPU. Close it."""

    def __init__(self) -> None:
        # The paths of sockets are bounded, so not below a folder of pytest.
        self._folder = Path(tempfile.mkdtemp(prefix="ray-"))
        self._nodes: list[_Node] = []
        port = _free_port()
        self.address = f"127.0.0.1:{port}"
        """For `ingest.ray_address`."""
        self._start("--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={self._folder}")

    def add(self) -> "_Node":
        """Start another node and return it when it has joined."""
        return self._start(f"--address={self.address}")

    def close(self) -> None:
        """Kill all nodes, and remove what they wrote."""
        for node in reversed(self._nodes):
            node.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, *options: str) -> "_Node":
        node = _Node(*options)
        self._nodes.append(node)
        return node


class _Node:
    """All processes that `ray start` starts, and those that run the calls."""

    def __init__(self, *options: str) -> None:
        self._mark = uuid.uuid4().hex
        command = [Path(sys.executable).with_name("ray"), "start", "--num-cpus=1", "--object-store-memory=80000000"]
        self.log = subprocess.run(
            [*command, "--disable-usage-stats", *options],
            env=clean_environment() | {_MARK: self._mark, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_START_SECONDS,
            check=False,
        ).stdout
        assert "Ray runtime started" in self.log, self.log

    def holds(self, pid: int) -> bool:
        """Whether a process is one of this node's."""
        return pid in self._processes()

    def kill(self) -> None:
        """Kill all its processes at once, as the end of a machine does."""
        for pid in self._processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        eventually(lambda: not self._processes(), message="the processes of the node to end")

    def _processes(self) -> set[int]:
        found = set()
        for folder in Path("/proc").iterdir():
            with suppress(OSError):
                if folder.name.isdigit() and f"{_MARK}={self._mark}".encode() in (folder / "environ").read_bytes():
                    found.add(int(folder.name))
        return found


def process_behind(connection: socket.socket) -> int:
    """The id of the process on this machine that has the other end of a connection."""
    host, port = connection.getpeername()
    address = f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    inode = next(row[9] for row in rows if row[1] == address)
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            links = (str(file.readlink()) for file in (folder / "fd").iterdir())
            if folder.name.isdigit() and f"socket:[{inode}]" in links:
                return int(folder.name)
    raise AssertionError(f"no process has the other end of port {port}")


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
