"""Readers during continuous re-ingests: every answer is whole, of one version, and never older than the one before."""

import itertools
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from bench.embedding_endpoint import word_vector_endpoint
from bench.reingest import endpoint_settings
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.retrieval.search import retrieve
from rag.settings import RetrievalSettings
from rag.store.snapshot import Snapshot
from rag.wiring import open_store
from tests.kit.corpus import Folder, Library, library_in, settings_for
from tests.kit.waiting import eventually

pytestmark = pytest.mark.timeout(600)

SOURCES = ("harbour.md", "lantern.md", "guides/orchard.md", "guides/quarry.md", "saddle.md")
CHUNKS_PER_DOCUMENT = 3
CHUNKS = len(SOURCES) * CHUNKS_PER_DOCUMENT
QUESTION = "这一段的版本是什么？"
READERS = 2
IN_PROCESS_SEARCHES = 1500
HTTP_SEARCHES = 750
MIN_INGESTS = 8
_VERSION = re.compile(r"版本 (\d+)")


class Watch:
    """Collects what the readers report, and says when it is enough."""

    def __init__(self, searches_wanted: int) -> None:
        self.searches = 0
        self.versions: set[int] = set()
        self.problems: list[str] = []
        self.committed = 0
        """The newest version whose ingest is known to have ended."""
        self._is_stopped = False
        self._wanted = searches_wanted
        self._lock = threading.Lock()
        self._deadline = time.monotonic() + 500  # many times what it takes

    @property
    def is_over(self) -> bool:
        enough = self.searches >= self._wanted and len(self.versions) >= MIN_INGESTS
        return self._is_stopped or bool(self.problems) or enough or time.monotonic() > self._deadline

    def stop(self) -> None:
        self._is_stopped = True

    def report(self, searches: int, version: int) -> None:
        with self._lock:
            self.searches += searches
            self.versions.add(version)

    def blame(self, problem: str) -> None:
        with self._lock:
            self.problems.append(problem)

    def assert_good(self) -> None:
        assert not self.problems, "\n".join(self.problems[:10])
        assert self.searches >= self._wanted
        assert len(self.versions) >= MIN_INGESTS


def write_version(folder: Folder, version: int) -> None:
    """Every paragraph of every document says which version it is."""
    for source in SOURCES:
        name = Path(source).stem
        parts = "".join(f"\n## {name} 第{part}段\n\n第{part}段说 {name}，版本 {version}。\n" for part in "一二三")
        folder.write(source, f"# {name}\n{parts}")


def test_readers_in_the_process_never_see_an_empty_partial_or_mixed_answer(tmp_path: Path) -> None:
    folder, watch = Folder(tmp_path / "docs"), Watch(IN_PROCESS_SEARCHES)
    write_version(folder, 1)
    with open_store(settings_for(folder.root, tmp_path / "m.db")) as store:
        library = library_in(store, folder)
        library.ingest()
        watch.committed = 1
        threads = [threading.Thread(target=read_in_process, args=(library, watch)) for _ in range(READERS)]
        for thread in threads:
            thread.start()
        try:
            for version in itertools.count(2):
                if watch.is_over:
                    break
                write_version(folder, version)
                assert library.ingest().ok
                watch.committed = version
        finally:
            watch.stop()
            for thread in threads:
                thread.join()
    watch.assert_good()


def test_readers_over_http_never_see_an_empty_partial_or_mixed_answer(tmp_path: Path) -> None:
    folder, watch = Folder(tmp_path / "docs"), Watch(HTTP_SEARCHES)
    write_version(folder, 1)
    with serving(folder, tmp_path) as client:
        ingest_over_http(client)
        watch.committed = 1
        threads = [threading.Thread(target=read_over_http, args=(client, watch)) for _ in range(READERS)]
        for thread in threads:
            thread.start()
        try:
            for version in itertools.count(2):
                if watch.is_over:
                    break
                write_version(folder, version)
                ingest_over_http(client)
                watch.committed = version
        finally:
            watch.stop()
            for thread in threads:
                thread.join()
    watch.assert_good()


def read_in_process(library: Library, watch: Watch) -> None:
    """Each request takes one snapshot and searches it in every way there is."""
    embedder = ScriptedEmbedder()
    embedding = embedder.embed_query(QUESTION)
    latest = 0
    while not watch.is_over:
        at_least = max(latest, watch.committed)
        try:
            snapshot = library.store.snapshot()
            by_vector = [stored.chunk.content for stored, _ in snapshot.search_vectors(embedding, limit=CHUNKS)]
            by_terms = [stored.chunk.content for stored, _ in snapshot.search_terms(["版本"], limit=CHUNKS)]
            found = retrieve(QUESTION, snapshot, embedder, RetrievalSettings(candidates=CHUNKS), top_k=CHUNKS)
            answers = {
                "vectors": by_vector,
                "terms": by_terms,
                "retrieve": [hit.chunk.content for hit in found.hits],
                "chunks": [chunk.content for chunk in snapshot.chunks()],
            }
            problem = manifest_problem(snapshot)
        except Exception as error:  # noqa: BLE001  (whatever it is, a reader must not meet it)
            watch.blame(f"{type(error).__name__}: {error}")
            return
        version = check(answers, watch, at_least)
        if problem:
            watch.blame(problem)
        latest = version
        watch.report(4, version)


def manifest_problem(snapshot: Snapshot) -> str:
    documents, statistics = snapshot.documents(), snapshot.statistics
    if sorted(documents) != sorted(SOURCES):
        return f"the manifest names {sorted(documents)}"
    if statistics.chunks != CHUNKS:
        return f"the statistics count {statistics.chunks} chunks"
    return ""


def read_over_http(client: httpx2.Client, watch: Watch) -> None:
    latest = 0
    while not watch.is_over:
        at_least = max(latest, watch.committed)
        response = client.post("/search", json={"question": QUESTION, "top_k": 50})
        if response.status_code != 200:
            watch.blame(f"{response.status_code} {response.text}")
            return
        latest = check({"search": [hit["content"] for hit in response.json()["hits"]]}, watch, at_least)
        watch.report(1, latest)


def check(answers: dict[str, list[str]], watch: Watch, at_least: int) -> int:
    """Return the version of all answers. Report answers that are not whole, not of one version, or too old."""
    versions = {int(found) for contents in answers.values() for text in contents for found in _VERSION.findall(text)}
    for way, contents in answers.items():
        if len(contents) != CHUNKS or len(set(contents)) != CHUNKS:
            watch.blame(f"{way}: {len(contents)} passages, {len(set(contents))} of them distinct, instead of {CHUNKS}")
    if len(versions) != 1:
        watch.blame(f"versions {sorted(versions)} in one request")
    version = max(versions, default=0)
    if version < at_least:
        watch.blame(f"version {version} after {at_least}")
    return version


def ingest_over_http(client: httpx2.Client) -> None:
    """Start an ingest and wait for its end."""
    assert client.post("/ingest").status_code == 202
    eventually(lambda: not client.get("/ingest").json()["running"], message="the ingest to end")
    state = client.get("/ingest").json()
    assert state["error"] is None, state
    assert state["last"]["failures"] == []


@contextmanager
def serving(folder: Folder, base: Path) -> Iterator[httpx2.Client]:
    """`zhiwen serve` over the folder, with an embedder so quick that reads and writes meet often."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZHIWEN_")} | {
        "ZHIWEN_KNOWLEDGE__PATH": str(folder.root),
        "ZHIWEN_STORE__URI": str(base / "m.db"),
    }
    with (
        word_vector_endpoint() as endpoint,
        subprocess.Popen(
            [Path(sys.executable).with_name("zhiwen"), "serve", "--port", "0"],
            env=environment | endpoint_settings(endpoint),
            cwd=base,
            stdout=subprocess.PIPE,
            text=True,
        ) as server,
    ):
        try:
            assert server.stdout
            url = server.stdout.readline().strip()
            assert url.startswith("http://"), url
            with httpx2.Client(base_url=url, timeout=60, trust_env=False) as client:
                yield client
        finally:
            server.terminate()
