"""Measure writing to a Milvus server, and searching there: in the dense mode, with synthetic chunks and vectors."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from bench.growth import DIMENSION, Words
from bench.latency import time_search
from bench.metrics import percentiles
from bench.milvus_server import MilvusServer
from ingest.staging.lease import write_lease
from ingest.staging.staging import Staging
from rag.models.embedders.protocol import Matrix
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.settings import KnowledgeSettings, RetrievalSettings, Settings, StoreSettings
from rag.store.namespace import Namespace
from rag.store.records import DocumentRecord
from rag.store.rows import chunk_collection_spec
from rag.store.store import Store
from rag.types import Chunk
from rag.wiring import Services

WRITTEN_CHUNKS = 20_000
_WRITTEN_TOGETHER = 500
_STAGED_TOGETHER = 2000
_CHUNKS_IN_A_DOCUMENT = 20
_WARM_UP_QUESTIONS = 20
_QUESTIONS = 200
_SEED = 20261129


def measure_size(chunks: int, server: MilvusServer, *, collection: str = "scale") -> dict[str, Any]:
    """Return the figures of an index of this number of chunks. Memory and disk are those of the whole server.

    They are written as an ingest writes them, and committed. `idle_seconds` is how long after the commit the server has
    built its indexes; searches are measured then: whole ones, which ask first which generation is live, and those of a
    generation that is known.
    """
    settings = Settings(
        knowledge=KnowledgeSettings(path=server.folder),
        store=StoreSettings(uri=server.uri, collection=collection, timeout_seconds=60),
        retrieval=RetrievalSettings(mode="dense"),
    )
    embedder = ScriptedEmbedder(dimension=DIMENSION)
    with Services(settings, embedder=embedder, for_one_command=True) as services:
        inserted, committed = _write(chunks, services)
        started = time.monotonic()
        server.wait_until_idle()
        idle = time.monotonic() - started
        whole = _search(services)
        snapshot = services.store.snapshot()
        with Services(settings, store=services.store.pinned(snapshot), embedder=embedder) as of_one_generation:
            known = _search(of_one_generation)
    return {
        "chunks": snapshot.commit.chunks,
        "insert_seconds": round(inserted, 1),
        "chunks_per_second": round(chunks / inserted),
        "commit_seconds": round(committed, 1),
        "idle_seconds": round(idle, 1),
        "search_milliseconds": percentiles(whole),
        "search_in_known_generation_milliseconds": percentiles(known),
        "peak_mb": server.peak_mb(),
        "disk_mb": server.disk_mb(),
    }


def measure_inserts(settings: StoreSettings, threads: int) -> dict[str, Any]:
    """Return how fast several threads insert chunks on a server."""
    chunks, vectors = chunks_with_vectors()
    with _filled_namespace(settings, WRITTEN_CHUNKS) as (_, namespace):
        started = time.monotonic()
        with ThreadPoolExecutor(threads) as pool:
            for rows in batches():
                pool.submit(namespace.insert_chunks, chunks[rows], vectors[rows], born=1)
        seconds = time.monotonic() - started
    return {"seconds": round(seconds, 1), "chunks_per_second": round(WRITTEN_CHUNKS / seconds)}


def measure_import(settings: StoreSettings, times: int) -> dict[str, Any]:
    """Return how fast a server imports chunks in bulk: until the last file is written, and until readers have all."""
    chunks, vectors = chunks_with_vectors()
    spec = chunk_collection_spec(DIMENSION, lexical=False)
    with _filled_namespace(settings, times * WRITTEN_CHUNKS) as (store, namespace):
        started = time.monotonic()
        with namespace.importing(store.imports, spec, born=1, check=lambda: None):
            for number in range(times):
                for rows in batches():
                    some = [replace(chunk, id=f"{number}-{chunk.id}") for chunk in chunks[rows]]
                    namespace.insert_chunks(some, vectors[rows], born=1)
            written = time.monotonic() - started
            namespace.finish_import()
        seconds = time.monotonic() - started
    chunks_per_second = round(times * WRITTEN_CHUNKS / seconds)
    return {"seconds": round(seconds, 1), "written": round(written, 1), "chunks_per_second": chunks_per_second}


def chunks_with_vectors() -> tuple[list[Chunk], Matrix]:
    """Return `WRITTEN_CHUNKS` chunks of one document, and their vectors as rows of a matrix."""
    rng, words = np.random.default_rng(_SEED), Words()
    return [_chunk(number, "a.md", words) for number in range(WRITTEN_CHUNKS)], _vectors(WRITTEN_CHUNKS, rng)


def batches() -> Iterator[slice]:
    """Yield the parts of `WRITTEN_CHUNKS` that are written together."""
    for start in range(0, WRITTEN_CHUNKS, _WRITTEN_TOGETHER):
        yield slice(start, start + _WRITTEN_TOGETHER)


def _write(chunks: int, services: Services) -> tuple[float, float]:
    """Write and commit a generation. Return the seconds of both."""
    store, root = services.store, services.settings.knowledge.path
    rng, words = np.random.default_rng(_SEED), Words()
    started = time.monotonic()
    with write_lease(store) as check_lease:
        store.connect()
        staging = Staging(store, services.embedder, mode="dense", check_lease=check_lease)
        for start in range(0, chunks, _STAGED_TOGETHER):
            numbers = range(start, min(start + _STAGED_TOGETHER, chunks))
            sources = [f"{number // _CHUNKS_IN_A_DOCUMENT:07}.md" for number in numbers]
            some = [_chunk(number, source, words) for number, source in zip(numbers, sources, strict=True)]
            staging.insert_chunks(some, _vectors(len(some), rng))
            staging.put_documents([_record(source) for source in dict.fromkeys(sources)])
        inserted = time.monotonic()
        staging.commit(staging.seal(str(root)).commit, keep=services.settings.store.keep_generations)
    return inserted - started, time.monotonic() - inserted


def _search(services: Services) -> list[float]:
    words = Words()
    questions = [words.question() for _ in range(_WARM_UP_QUESTIONS + _QUESTIONS)]
    return [time_search(question, services) for question in questions][_WARM_UP_QUESTIONS:]


@contextmanager
def _filled_namespace(settings: StoreSettings, chunks: int) -> Iterator[tuple[Store, Namespace]]:
    """Yield an empty namespace for vectors, which must have this number of chunks at the end; then it is dropped."""
    store = Store.open(settings)
    try:
        namespace = store.new_namespace(1)
        namespace.create(dimension=DIMENSION, lexical=False)
        yield store, namespace
        assert namespace.count_chunks(1) == chunks  # noqa: S101  (or a write was lost)
        store.drop_namespace(namespace.name)
    finally:
        store.close()


def _chunk(number: int, source: str, words: Words) -> Chunk:
    return Chunk(f"{number:032x}", source, "A", ("A",), "", "text", number, "g", 1, 1, words.paragraph())


def _record(source: str) -> DocumentRecord:
    return DocumentRecord(source, "0" * 64, "0" * 16, 1, 1, source, chunks=_CHUNKS_IN_A_DOCUMENT)


def _vectors(count: int, rng: np.random.Generator) -> Matrix:
    vectors = rng.standard_normal((count, DIMENSION), dtype=np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
