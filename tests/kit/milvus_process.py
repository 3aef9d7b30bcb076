"""A real Milvus server as a process that can hang, die and come back: the one that the PyPI package `milvus` ships."""

import os
import signal
import socket
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError

import milvus
import pytest
from filelock import FileLock

_START_LOCK = Path(tempfile.gettempdir()) / f"zhiwen-tests-milvus-{os.getuid()}.lock"
_HEALTHY_SECONDS = 90
_SESSION_SECONDS = "6"
"""After a kill, a server takes its own collections over when the dead one's session has ended. Since 2.6 that takes ten
seconds by default, as in docker-compose.yml, where they pass while the server starts anew; the etcd inside this one
counts them once more from its own start. A server that hangs for most of this time gives up and ends itself."""


class MilvusProcess:
    """Starts at once, and keeps its address and its data over a kill."""

    def __init__(self, folder: Path, settings: Mapping[str, object] | None = None) -> None:
        self._server = milvus.MilvusServer(wait_for_started=False)
        self._server.set_base_dir(str(folder))
        self._server.listen_port = 0
        self._etcd_settings = _etcd_settings(folder)
        for name, value in (settings or {}).items():
            self._server.config.set(name, value)
        self._server.config.try_bind_port = _bound
        self.start()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._server.listen_port}"

    def start(self) -> None:
        """Returns when the server calls itself healthy; one server starts at a time, in all processes of the tests.

        The package looks for free ports from the same number on, lets go of them, and only then starts the server.
        """
        with FileLock(_START_LOCK):
            self._start()

    def _start(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ETCD_CONFIG_PATH", str(self._etcd_settings))
            patch.setenv("COMMON_SESSION_TTL", _SESSION_SECONDS)
            self._server.start()
        deadline = time.monotonic() + _HEALTHY_SECONDS
        while not self._is_healthy():
            assert time.monotonic() < deadline, "Milvus did not start"
            time.sleep(0.1)

    def pause(self) -> None:
        """It hangs: connections stay open, nothing is answered. For few seconds only: see above."""
        os.kill(self._server.server_proc.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self._server.server_proc.pid, signal.SIGCONT)

    def kill(self) -> None:
        self._server.server_proc.kill()
        self._server.server_proc.wait()
        self._server.server_proc = None
        self._server.stop()  # closes its log files

    def stop(self) -> None:
        self._server.stop()

    def _is_healthy(self) -> bool:
        assert self._server.server_proc.poll() is None, "Milvus ended while it was starting"
        url = f"http://127.0.0.1:{self._server.webservice_port}/healthz"
        with suppress(URLError, OSError), urllib.request.urlopen(url, timeout=5) as response:
            return b"OK" in response.read()
        return False


def _etcd_settings(folder: Path) -> Path:
    """Ports of its own for the etcd inside: its usual ones may be taken, as by another Milvus of the developer's."""
    client, peer = (f"http://127.0.0.1:{_free_port()}" for _ in range(2))
    file = folder / "etcd.yaml"
    file.write_text(
        f"name: default\nlisten-client-urls: {client}\nadvertise-client-urls: {client}\nlisten-peer-urls: {peer}\n"
        f"initial-advertise-peer-urls: {peer}\ninitial-cluster: default={peer}\n",
        encoding="utf-8",
    )
    return file


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _bound(port: int) -> socket.socket | None:
    """The package's own trial takes a port with connections that are just ending for taken, and would move away."""
    trial = socket.socket()
    trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        trial.bind(("127.0.0.1", port))
        trial.listen()
    except OSError:
        trial.close()
        return None
    return trial
