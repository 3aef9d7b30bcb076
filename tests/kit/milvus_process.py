"""A real Milvus server, from the PyPI package `milvus`, as a process that can hang, die and come back."""

import os
import socket
import tempfile
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError

import milvus
import pytest
from filelock import FileLock

from tests.kit.process_table import pause, resume
from tests.kit.waiting import eventually

_START_LOCK = Path(tempfile.gettempdir()) / f"zhiwen-tests-milvus-{os.getuid()}.lock"
_HEALTHY_SECONDS = 90
_SESSION_SECONDS = 6
"""After a kill, a server takes over its collections when the session of the dead one has ended. Since 2.6 that takes
ten seconds by default, as in docker-compose.yml, where they pass while the server starts again; the etcd in this server
counts them from its own start. A server that hangs for most of this time gives up and ends itself."""


class MilvusProcess:
    """Starts when it is made, and keeps its address and its data over a kill."""

    def __init__(
        self, folder: Path, settings: Mapping[str, object] | None = None, *, session_seconds: int = _SESSION_SECONDS
    ) -> None:
        self._session_seconds = session_seconds
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

    @property
    def pid(self) -> int:
        """The id of the process, which must be running."""
        pid: int = self._server.server_proc.pid
        return pid

    @property
    def is_running(self) -> bool:
        """Whether it has been started and not killed since."""
        return self._server.server_proc is not None

    def start(self) -> None:
        """Return when the server calls itself healthy. In all test processes together, one server starts at a time.

        The package looks for free ports from the same number on, releases them, and starts the server after that.
        """
        with FileLock(_START_LOCK):
            self._start()

    def _start(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ETCD_CONFIG_PATH", str(self._etcd_settings))
            patch.setenv("COMMON_SESSION_TTL", str(self._session_seconds))
            self._server.start()
        eventually(self._is_healthy, within_seconds=_HEALTHY_SECONDS, message="Milvus to start")

    def pause(self) -> None:
        """Make it hang: connections stay open, nothing is answered. For a few seconds only, see above."""
        pause(self.pid)

    def resume(self) -> None:
        resume(self.pid)

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
    """Give the etcd in the server free ports: another Milvus on the machine may have its usual ones."""
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
    """Take a port whose old connections are still ending for free; the package itself would use another one."""
    trial = socket.socket()
    trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        trial.bind(("127.0.0.1", port))
        trial.listen()
    except OSError:
        trial.close()
        return None
    return trial
