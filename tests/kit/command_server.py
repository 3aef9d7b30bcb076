"""Runs commands of `zhiwen` in forks of a process that has imported it: imports take longer than most commands.

Each command is a process of its own. It has the arguments, environment, folder and files that it is started with.
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
from typing import IO

from tests.kit import forked_commands

_REPLY_BYTES = 32


class ForkedCommand:
    """A running command, as `subprocess.Popen` shows one."""

    def __init__(self, arguments: Sequence[str], reply: socket.socket) -> None:
        self.args = arguments
        self.pid = int(reply.recv(_REPLY_BYTES))
        self.stdout: IO[bytes] | None = None
        self.returncode: int | None = None
        self._reply = reply
        self._waiting = threading.Lock()

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, negative for a signal. Raises subprocess.TimeoutExpired."""
        with self._waiting:
            if self.returncode is None:
                self._reply.settimeout(timeout)
                try:
                    self.returncode = int(self._reply.recv(_REPLY_BYTES))
                except TimeoutError:
                    raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
                self._reply.close()
            return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has been waited for."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


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
        with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
            given.write(stdin)
            given.seek(0)
            command = self._start(arguments, folder, environment, given, out, err)
            try:
                status = command.wait(timeout)
            except subprocess.TimeoutExpired:
                command.kill()
                command.wait()
                raise
            for file in (out, err):
                file.seek(0)
            return subprocess.CompletedProcess(command.args, status, out.read(), err.read())

    def start(
        self, arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str], err: IO[bytes]
    ) -> ForkedCommand:
        """Start a command without input; its `stdout` is a pipe, and what it complains about goes to `err`."""
        read, write = os.pipe()
        with TemporaryFile() as given, os.fdopen(write, "wb") as out:
            command = self._start(arguments, folder, environment, given, out, err)
        command.stdout = os.fdopen(read, "rb")
        return command

    def _start(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        *files: IO[bytes],
    ) -> ForkedCommand:
        command = [str(self._program), *arguments]
        request = json.dumps({"command": command, "folder": str(folder), "environment": dict(environment)}).encode()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with TemporaryFile() as wanted, theirs:
            wanted.write(request)
            wanted.seek(0)
            self._send([wanted.fileno(), *(file.fileno() for file in files), theirs.fileno()])
        return ForkedCommand(command, ours)

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
