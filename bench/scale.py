"""Measure what an index of many documents costs: an ingest that finds nothing to do, and writing to a server.

    python -m bench.scale [--documents 100000] [--chunks 1000 10000 100000] [--server URI [--import-url URL]]
                          [--work DIR] [--results FILE]

For `--documents`, small files are written, and their manifests, without chunks, into an empty Milvus Lite file. Then
`zhiwen ingest` is run as a command, which finds nothing to do: the seconds, the peak memory of its process and of
Milvus, and whether it wrote anything. Then the processor time to write a chunk is measured, which one process does for
all machines that embed. For each number of `--chunks`, the figures are those of `bench.growth`, also on
`--server`, an empty Milvus server, in the dense mode; there, chunks are also inserted by one to eight threads at a
time, and imported in bulk by way of `--import-url`, a `store.bulk_import_url`. docs/scaling.md has the figures, and
says what follows from them.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench import growth
from bench.growth import Words
from bench.ingest import peak_memory
from bench.results import add_result
from bench.server_process import ZHIWEN
from ingest.files.scan import File, scan_knowledge
from ingest.staging.document_cutter import pipeline_fingerprint
from ingest.staging.lease import write_lease
from ingest.staging.staging import Staging
from rag.models.embedders.protocol import Matrix
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.settings import KnowledgeSettings, Settings, StoreSettings
from rag.store.namespace import Namespace
from rag.store.records import DocumentRecord
from rag.store.rows import chunk_collection_spec
from rag.store.store import Store
from rag.types import Chunk
from rag.wiring import Services

_FILES_IN_A_FOLDER = 100
_RECORDS_TOGETHER = 5000
_WRITTEN_CHUNKS = 20_000
_WRITTEN_TOGETHER = 500
_SEED = 20261129
_DIMENSION = 384
_POLL_SECONDS = 0.02


def main() -> None:
    """Measure, print the figures, and write them if `--results` is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, nargs="*", default=[100_000], help="documents of ingests of nothing")
    parser.add_argument("--chunks", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--server", default="", help="address of an empty Milvus server")
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
        if arguments.server:
            store = StoreSettings(uri=arguments.server, collection=f"scale_{chunks}", timeout_seconds=60)
            report(f"{chunks} chunks on a server", growth.measure(chunks, _empty(work), store=store))
    if arguments.server:
        for threads in (1, 2, 4, 8):
            store = StoreSettings(uri=arguments.server, collection=f"scale_threads_{threads}", timeout_seconds=60)
            report(f"inserts by {threads} threads", measure_inserts(store, threads))
    if arguments.server and arguments.import_url:
        for times in (1, 5):
            own = {"collection": f"scale_import_{times}", "bulk_import_url": arguments.import_url}
            store = StoreSettings(uri=arguments.server, timeout_seconds=60, **own)
            report(f"import of {times * _WRITTEN_CHUNKS} chunks", measure_import(store, times))


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
    chunks, vectors = _chunks_with_vectors()
    store = Store.open(StoreSettings(uri=str(work / "milvus.db"), timeout_seconds=60))
    try:
        with write_lease(store):
            store.connect()
            staging = Staging(store, ScriptedEmbedder(dimension=_DIMENSION), mode="hybrid")
            began = time.process_time()
            for rows in _batches():
                staging.insert_chunks(chunks[rows], vectors[rows])
            seconds = time.process_time() - began
    finally:
        store.close()
    return {"processor_milliseconds_for_a_chunk": round(1000 * seconds / _WRITTEN_CHUNKS, 2)}


def measure_inserts(settings: StoreSettings, threads: int) -> dict[str, Any]:
    """Return how fast several threads insert chunks on a server."""
    chunks, vectors = _chunks_with_vectors()
    with _filled_namespace(settings, _WRITTEN_CHUNKS) as (_, namespace):
        started = time.monotonic()
        with ThreadPoolExecutor(threads) as pool:
            for rows in _batches():
                pool.submit(namespace.insert_chunks, chunks[rows], vectors[rows], born=1)
        seconds = time.monotonic() - started
    return {"seconds": round(seconds, 1), "chunks_per_second": round(_WRITTEN_CHUNKS / seconds)}


def measure_import(settings: StoreSettings, times: int) -> dict[str, Any]:
    """Return how fast a server imports chunks in bulk: until the last file is written, and until readers have all."""
    chunks, vectors = _chunks_with_vectors()
    spec = chunk_collection_spec(_DIMENSION, lexical=False)
    with _filled_namespace(settings, times * _WRITTEN_CHUNKS) as (store, namespace):
        started = time.monotonic()
        with namespace.importing(store.imports, spec, born=1, check=lambda: None):
            for number in range(times):
                for rows in _batches():
                    some = [replace(chunk, id=f"{number}-{chunk.id}") for chunk in chunks[rows]]
                    namespace.insert_chunks(some, vectors[rows], born=1)
            written = time.monotonic() - started
            namespace.finish_import()
        seconds = time.monotonic() - started
    chunks_per_second = round(times * _WRITTEN_CHUNKS / seconds)
    return {"seconds": round(seconds, 1), "written": round(written, 1), "chunks_per_second": chunks_per_second}


@contextmanager
def _filled_namespace(settings: StoreSettings, chunks: int) -> Iterator[tuple[Store, Namespace]]:
    """Yield an empty namespace for vectors, which must have this number of chunks at the end; then it is dropped."""
    store = Store.open(settings)
    try:
        namespace = store.new_namespace(1)
        namespace.create(dimension=_DIMENSION, lexical=False)
        yield store, namespace
        assert namespace.count_chunks(1) == chunks  # noqa: S101  (or a write was lost)
        store.drop_namespace(namespace.name)
    finally:
        store.close()


def _chunks_with_vectors() -> tuple[list[Chunk], Matrix]:
    rng = np.random.default_rng(_SEED)
    vectors = rng.standard_normal((_WRITTEN_CHUNKS, _DIMENSION), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    words = Words()
    chunks = [
        Chunk(f"{number:032x}", "a.md", "A", ("A",), "", "text", number, "g", 1, 1, words.paragraph())
        for number in range(_WRITTEN_CHUNKS)
    ]
    return chunks, vectors


def _batches() -> Iterator[slice]:
    for start in range(0, _WRITTEN_CHUNKS, _WRITTEN_TOGETHER):
        yield slice(start, start + _WRITTEN_TOGETHER)


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
