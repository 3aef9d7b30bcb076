"""Measure what an index of many documents costs: an ingest that finds nothing to do, writing, and a Milvus server.

    python -m bench.scale [--documents 100000] [--chunks 1000 10000 100000] [--server-chunks 100000]
                          [--threads 1 2 4 8] [--server URI [--import-url URL]] [--work DIR] [--results FILE]

For `--documents`, small files are written, and their manifests, without chunks, into an empty Milvus Lite file. Then
`zhiwen ingest` is run as a command, which finds nothing to do: the seconds, the peak memory of its process and of
Milvus, and whether it wrote anything. Then the processor time to write a chunk is measured, which one process does for
all machines that embed. For each number of `--chunks`, the figures are those of `bench.growth`, in a file.

For each number of `--server-chunks`, the server of the tests is started, and they are written, indexed and searched
there, in the dense mode, with random vectors. `--threads` inserts chunks by these numbers of threads at a time, on the
same server or on `--server`, an empty one; there, `--import-url`, a `store.bulk_import_url`, imports them in bulk.

An option without numbers leaves its part out, and the figures of a file that are not measured again stay there. So
`--documents --chunks --threads --server-chunks 1000000` adds a million. docs/scaling.md says what follows from all.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import growth
from bench.growth import DIMENSION
from bench.ingest import peak_memory
from bench.milvus_server import milvus_server
from bench.results import add_result
from bench.server_process import ZHIWEN
from bench.server_scale import (
    WRITTEN_CHUNKS,
    batches,
    chunks_with_vectors,
    measure_import,
    measure_inserts,
    measure_size,
)
from ingest.files.scan import File, scan_knowledge
from ingest.staging.document_cutter import pipeline_fingerprint
from ingest.staging.lease import write_lease
from ingest.staging.staging import Staging
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.settings import KnowledgeSettings, Settings, StoreSettings
from rag.store.records import DocumentRecord
from rag.store.store import Store
from rag.wiring import Services

_FILES_IN_A_FOLDER = 100
_RECORDS_TOGETHER = 5000
_POLL_SECONDS = 0.02


def main() -> None:
    """Measure, print the figures, and write them if `--results` is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, nargs="*", default=[100_000], help="documents of ingests of nothing")
    parser.add_argument("--chunks", type=int, nargs="*", default=[1_000, 10_000, 100_000], help="chunks in a file")
    parser.add_argument("--server-chunks", type=int, nargs="*", default=[100_000], help="chunks on a server")
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2, 4, 8], help="threads that insert")
    parser.add_argument("--server", default="", help="address of an empty Milvus server [default: one is started]")
    parser.add_argument("--import-url", default="", help="bucket or folder from which the server imports files")
    parser.add_argument("--work", type=Path, default=Path(".zhiwen/bench-scale"), help="folder for documents and index")
    parser.add_argument("--results", type=Path, help="write the figures into this JSON file")
    arguments = parser.parse_args()
    work = arguments.work.resolve()

    def report(name: str, figures: Mapping[str, Any]) -> None:
        print(f"{name}: {dict(figures)}", flush=True)
        if arguments.results:
            add_result(arguments.results, name, figures)

    for documents in arguments.documents:
        report(f"nothing to do, {documents} documents", measure_nothing(documents, _empty(work)))
    report("writing", measure_writing(_empty(work)))
    for chunks in arguments.chunks:
        report(f"{chunks} chunks in a file", growth.measure(chunks, _empty(work)))
    for chunks in arguments.server_chunks:
        with milvus_server(_empty(work) / "milvus") as server:
            report(f"{chunks} chunks on a server", measure_size(chunks, server))
    if arguments.threads:
        with _server(arguments.server, _empty(work)) as address:
            for threads in arguments.threads:
                store = StoreSettings(uri=address, collection=f"scale_threads_{threads}", timeout_seconds=60)
                report(f"inserts by {threads} threads", measure_inserts(store, threads))
    if arguments.server and arguments.import_url:
        for times in (1, 5):
            own = {"collection": f"scale_import_{times}", "bulk_import_url": arguments.import_url}
            store = StoreSettings(uri=arguments.server, timeout_seconds=60, **own)
            report(f"import of {times * WRITTEN_CHUNKS} chunks", measure_import(store, times))


def measure_nothing(documents: int, work: Path) -> dict[str, Any]:
    """Return the figures of `zhiwen ingest` over documents of which none has changed."""
    settings = Settings(
        knowledge=KnowledgeSettings(path=work / "docs", gitignore=False),
        store=StoreSettings(uri=str(work / "milvus.db"), timeout_seconds=60),
    )
    _write_documents(settings.knowledge.path, documents)
    with Services(settings, for_one_command=True) as services:
        _write_manifests(services)
    before = _digest(work)
    started = time.monotonic()
    done, peak_mb = _run_watched(settings)
    seconds = time.monotonic() - started
    assert done["documents"]["unchanged"] == documents, done  # noqa: S101  (or something else was measured)
    return {"seconds": round(seconds, 1), "peak_mb": peak_mb, "wrote": _digest(work) != before}


def measure_writing(work: Path) -> dict[str, Any]:
    """Return how long the process of an ingest computes to write a chunk, whichever machine has embedded it."""
    chunks, vectors = chunks_with_vectors()
    store = Store.open(StoreSettings(uri=str(work / "milvus.db"), timeout_seconds=60))
    try:
        with write_lease(store):
            store.connect()
            staging = Staging(store, ScriptedEmbedder(dimension=DIMENSION), mode="hybrid")
            began = time.process_time()
            for rows in batches():
                staging.insert_chunks(chunks[rows], vectors[rows])
            seconds = time.process_time() - began
    finally:
        store.close()
    return {"processor_milliseconds_for_a_chunk": round(1000 * seconds / WRITTEN_CHUNKS, 2)}


@contextmanager
def _server(address: str, work: Path) -> Iterator[str]:
    if address:
        yield address
        return
    with milvus_server(work / "milvus") as server:
        yield server.uri


def _empty(work: Path) -> Path:
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    return work


def _write_documents(root: Path, count: int) -> None:
    for number in range(count):
        if number % _FILES_IN_A_FOLDER == 0:
            folder = root / f"{number // _FILES_IN_A_FOLDER:05}"
            folder.mkdir(parents=True)
        (folder / f"document-{number:07}.md").write_text(f"# Document {number}\n\nOne short paragraph.\n")


def _write_manifests(services: Services) -> None:
    """Commit a generation that knows every file of the folder, as if each had been ingested."""
    settings, store, embedder = services.settings, services.store, services.embedder
    files = list(scan_knowledge(settings.knowledge).files)
    fingerprint = pipeline_fingerprint(settings, embedder)
    with write_lease(store):
        store.connect()
        staging = Staging(store, embedder, mode=settings.retrieval.mode)
        for start in range(0, len(files), _RECORDS_TOGETHER):
            staging.put_documents([_record(file, fingerprint) for file in files[start : start + _RECORDS_TOGETHER]])
        sealed = staging.seal(str(settings.knowledge.path.resolve()))
        staging.commit(sealed.commit, keep=settings.store.keep_generations)


def _record(file: File, fingerprint: str) -> DocumentRecord:
    digest = hashlib.sha256(file.source.encode()).hexdigest()
    return DocumentRecord(file.source, digest, fingerprint, file.size, file.modified_ns, file.source, chunks=1)


def _run_watched(settings: Settings) -> tuple[Any, dict[str, int]]:
    """Run the command. Return its report, and the most memory that it and its Milvus had, in MB."""
    own = {
        "ZHIWEN_KNOWLEDGE__PATH": str(settings.knowledge.path),
        "ZHIWEN_KNOWLEDGE__GITIGNORE": "false",
        "ZHIWEN_STORE__URI": settings.store.uri,
    }
    peak: dict[str, int] = {}
    with subprocess.Popen(  # noqa: S603  (our own command)
        [ZHIWEN, "ingest", "--json"], env=os.environ | own, stdout=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None:
            for name, megabytes in peak_memory(process.pid):
                peak[name] = max(peak.get(name, 0), megabytes)
            time.sleep(_POLL_SECONDS)
        assert process.stdout  # noqa: S101  (it is a pipe)
        return json.loads(process.stdout.read()), peak


def _digest(work: Path) -> str:
    return hashlib.sha256((work / "milvus.db").read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
