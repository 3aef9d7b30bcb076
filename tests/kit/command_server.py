"""Runs commands of `zhiwen` in forks of a process that has imported it: imports take longer than most commands.

Each command is a process of its own, with the arguments, environment, folder and files of one that is started anew.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile

from tests.kit import forked_commands


class CommandServer:
    """The process, started for the first command; it ends with this one."""

    def __init__(self, program: Path, environment: Mapping[str, str]) -> None:
        self._program = program
        self._environment = dict(environment)
        self._lock = threading.Lock()
        self._requests: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def run(
        self, arguments: Sequence[str], *, stdin: bytes, folder: Path, environment: Mapping[str, str], timeout: float
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run a command to its end. Raises subprocess.TimeoutExpired, after it has been killed."""
        command = [str(self._program), *arguments]
        request = json.dumps({"command": command, "folder": str(folder), "environment": dict(environment)}).encode()
        with TemporaryFile() as wanted, TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
            for file, content in ((wanted, request), (given, stdin)):
                file.write(content)
                file.seek(0)
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with ours:
                with theirs:
                    self._send([file.fileno() for file in (wanted, given, out, err, theirs)])
                pid = int(ours.recv(32))
                ours.settimeout(timeout)
                try:
                    status = int(ours.recv(32))
                except TimeoutError:
                    os.kill(pid, signal.SIGKILL)
                    raise subprocess.TimeoutExpired(command, timeout) from None
            for file in (out, err):
                file.seek(0)
            return subprocess.CompletedProcess(command, status, out.read(), err.read())

    def _send(self, files: Sequence[int]) -> None:
        with self._lock:
            if self._requests is None:
                self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                with theirs:
                    self._process = subprocess.Popen(
                        [sys.executable, forked_commands.__file__, str(theirs.fileno())],
                        stdin=subprocess.DEVNULL,
                        env=self._environment,
                        pass_fds=[theirs.fileno()],
                    )
            socket.send_fds(self._requests, [forked_commands.REQUEST], files)
