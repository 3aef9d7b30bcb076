"""A server in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
ZHIWEN = str(Path(sys.executable).with_name("zhiwen"))


@contextmanager
def server_process(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Run a server that prints its URL as its first line; yield the URL and the process id.

    `environment` is added to that of this process.
    """
    with subprocess.Popen(  # noqa: S603  (our own commands)
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout  # noqa: S101  (it is a pipe)
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.terminate()


def resident_megabytes(pid: int) -> float:
    """Return the memory of a process that is in RAM, in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
