"""How long commands and the server take to start: `python -m bench.startup [--times N] [--results FILE]`.

Over the shipped knowledge, ingested once, each of these N times, one after the other:

- `zhiwen --help`, `zhiwen status` and `zhiwen ask`, from the start of the process to its end;
- `zhiwen serve`, from the start of the process to the first answer of `/health`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx2

from bench.metrics import percentiles
from bench.results import report

ROOT = Path(__file__).parents[1]
_ZHIWEN = str(Path(sys.executable).with_name("zhiwen"))
_QUESTION = "向量数据库有哪些知名组件？"


def main() -> None:
    """Measure, print, and keep the figures if a file is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10, help="how often each is started")
    parser.add_argument("--results", type=Path, help="add the figures to this JSON file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), arguments.times)
    report("startup", result, arguments.results)


def measure(folder: Path, times: int) -> dict[str, object]:
    """The milliseconds of each kind of start, with the index in `folder`."""
    environment = os.environ | {
        "ZHIWEN_KNOWLEDGE__PATH": str(ROOT / "knowledge"),
        "ZHIWEN_STORE__URI": str(folder / "m.db"),
    }
    _run(environment, "ingest")
    starts: dict[str, Callable[[], float]] = {
        "help": lambda: _run(environment, "--help"),
        "status": lambda: _run(environment, "status"),
        "ask": lambda: _run(environment, "ask", _QUESTION),
        "serve": lambda: _serve(environment),
    }
    figures: dict[str, object] = {"times": times}
    for name, start in starts.items():
        figures[f"{name}_milliseconds"] = percentiles([start() for _ in range(times)])
    return figures


def _run(environment: Mapping[str, str], *arguments: str) -> float:
    """Seconds of a whole command."""
    started = time.perf_counter()
    subprocess.run(  # noqa: S603  (our own command)
        [_ZHIWEN, *arguments], check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return time.perf_counter() - started


def _serve(environment: Mapping[str, str]) -> float:
    """Seconds until a server answers."""
    started = time.perf_counter()
    command = [_ZHIWEN, "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        try:
            assert process.stdout  # noqa: S101  (it is a pipe)
            url = process.stdout.readline().decode().strip()
            httpx2.get(f"{url}/health", timeout=60, trust_env=False).raise_for_status()
            return time.perf_counter() - started
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
