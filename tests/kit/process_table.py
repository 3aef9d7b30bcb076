"""What the kernel knows of processes: their children, their command lines, how long they have computed."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.kit.waiting import eventually


def children(pid: int) -> list[int]:
    """The process ids of the children of a process."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


def pause(pid: int) -> None:
    """Make a process hang, with all its threads. Some of them may run on for a while after the signal."""
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: all(state in "TZ" for state in _thread_states(pid)), message=f"process {pid} to stop")


def resume(pid: int) -> None:
    os.kill(pid, signal.SIGCONT)


def _thread_states(pid: int) -> list[str]:
    states = []
    for path in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):  # a thread that has just ended
            states.append(path.read_text().rpartition(")")[2].split()[0])
    return states


def processor_seconds(pid: int) -> float:
    """How long a process has computed so far; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def command_line(pid: int) -> str:
    """How a process was started; empty if it is gone, or dead and not yet collected."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return "" if state == "Z" else Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def process_behind(connection: socket.socket) -> int:
    """The id of the process on this machine that has the other end of a connection."""
    host, port = connection.getpeername()
    address = f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    inode = next(row[9] for row in rows if row[1] == address)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and f"socket:[{inode}]" in _open_files(folder):
            return int(folder.name)
    raise AssertionError(f"no process has the other end of port {port}")


def _open_files(process: Path) -> Iterator[str]:
    with suppress(OSError):  # it has just ended
        for file in (process / "fd").iterdir():
            with suppress(OSError):  # another of its threads has just closed this one
                yield str(file.readlink())
