"""A real Milvus server as a process that can hang, die and come back: the one that the PyPI package `milvus` ships."""

import os
import signal
import socket
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError

import milvus

_HEALTHY_SECONDS = 90
_SESSION_SECONDS = 3
"""After a kill, a server takes its own collections over when the dead one's session has ended; its default is 30."""


class MilvusProcess:
    """Starts at once, and keeps its address and its data over a kill."""

    def __init__(self, folder: Path, settings: Mapping[str, object] | None = None) -> None:
        self._server = milvus.MilvusServer(wait_for_started=False)
        self._server.set_base_dir(str(folder))
        self._server.listen_port = 0
        self._server.config.set("common.session.ttl", _SESSION_SECONDS)
        for name, value in (settings or {}).items():
            self._server.config.set(name, value)
        self._server.config.try_bind_port = _bound
        self.start()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._server.listen_port}"

    def start(self) -> None:
        """Returns when the server calls itself healthy."""
        self._server.start()
        deadline = time.monotonic() + _HEALTHY_SECONDS
        while not self._is_healthy():
            assert time.monotonic() < deadline, "Milvus did not start"
            time.sleep(0.1)

    def pause(self) -> None:
        """It hangs: connections stay open, nothing is answered. After some seconds it would lose its own session."""
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
