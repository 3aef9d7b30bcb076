"""Measure what Milvus Lite alone takes to rename documents, with nothing of zhiwen.

    python -m bench.store_floor INDEX [--rows 1243] [--collection zhiwen_g1_chunks]

`INDEX` is a database file that `bench.reingest` has left, `.zhiwen/bench-reingest/first.db`; a copy is used. The
benchmark prints the seconds to import pymilvus, to open the file, to load the chunks, which Milvus Lite does before the
first read or write of a collection, and then to read `--rows` rows, to write them twice (the renamed chunk, and the old
one marked as gone) and to delete the originals. The processor time, of this process and of Milvus together, depends
less on what else the machine does. Linux only.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_BATCH_ROWS = 500


def main() -> None:
    """Time each step on a copy of the file and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", type=Path, help="database file of an embedded store")
    parser.add_argument("--rows", type=int, default=1243, help="chunks of the renamed documents")
    parser.add_argument("--collection", default="zhiwen_g1_chunks")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(arguments.index, Path(folder) / "m.db")
        _measure(str(copy), arguments.collection, arguments.rows)


def _measure(database: str, collection: str, count: int) -> None:
    with _step("import"):
        from pymilvus import MilvusClient  # noqa: PLC0415  (the import is measured)
    with _step("open"):
        client = MilvusClient(database)
    with _step("load"):
        client.load_collection(collection, timeout=600)
    names = [field["name"] for field in client.describe_collection(collection)["fields"]]
    fields = [name for name in names if name != "sparse_terms"]
    with _step(f"read {count}"):
        rows = [dict(row) for row in client.query(collection, "born > 0", output_fields=fields, limit=count)]
    for copies in ("renamed", "gone"):
        with _step(f"write {count} {copies}"):
            _insert(client, collection, [row | {"row_id": f"{row['row_id']}-{copies}"} for row in rows])
    with _step(f"delete {count}"):
        client.delete(collection, ids=[row["row_id"] for row in rows])
    with _step("close"):
        client.close()


def _insert(client: Any, collection: str, rows: Sequence[Mapping[str, Any]]) -> None:
    for start in range(0, len(rows), _BATCH_ROWS):
        client.insert(collection, rows[start : start + _BATCH_ROWS])


@contextmanager
def _step(name: str) -> Iterator[None]:
    started, used = time.perf_counter(), _processor_seconds()
    yield
    seconds, processor = time.perf_counter() - started, _processor_seconds() - used
    print(f"{name:<20} {seconds:>6.2f} s, {processor:>6.2f} s of processor time", flush=True)


def _processor_seconds() -> float:
    own = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="utf-8").split()
    milvus = sum(sum(map(int, _stat(pid)[11:13])) for pid in own) / os.sysconf("SC_CLK_TCK")
    return time.process_time() + milvus


def _stat(pid: str) -> Sequence[str]:
    # The name of the program, in brackets, may hold spaces.
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


if __name__ == "__main__":
    main()
