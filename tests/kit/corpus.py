"""Small corpora, an embedder that a person can check, what a store must hold for them, and ingests to be killed."""

import hashlib
import json
import multiprocessing
import os
import signal
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from ingest.chunking.chunks import chunk_document
from ingest.readers.parse import parse_document
from ingest.staging.plan import OnPlan
from ingest.staging.report import IngestReport, OnProgress
from ingest.sync import ingest
from rag.errors import EmbedderError
from rag.models.embedders.protocol import Matrix, Vector
from rag.retrieval.search import retrieve
from rag.settings import EmbeddingSettings, KnowledgeSettings, Settings, StoreSettings
from rag.store.milvus.client import Milvus
from rag.store.rows import ALIVE, alive_at, from_chunk_row, to_chunk_row
from rag.store.snapshot import Snapshot
from rag.store.store import Store
from rag.store.term_statistics import TermChanges, sum_statistics
from rag.store.versions import Commit
from rag.text.tokens import tokenize
from rag.types import Chunk
from rag.wiring import open_store

DIMENSION = 16
_RUN = "CORPUS_KIT_RUN"
_CHILD_SECONDS = 200  # on a machine that may be busy
NOT_TEXT = b"# \x81\x20\xff\xff\n\nneither UTF-8 nor GB18030 \x80\xff\n"


class WordHashEmbedder:
    """Each word points along one of 16 axes, forwards or backwards; a text points where its words point together.

    Counts its calls and texts; the `fails_at`-th call fails.
    """

    name = "double/word-hash"
    dimension = DIMENSION
    max_tokens = 160

    def __init__(self, *, fingerprint: str = "0123456789abcdef", fails_at: int = 0) -> None:
        self.fingerprint = fingerprint
        self.calls = 0
        self.texts: list[str] = []
        self._fails_at = fails_at

    def count_tokens(self, text: str) -> int:
        return len(text) + 2

    def embed_query(self, text: str) -> Vector:
        return self._embed(text)

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        if texts:
            self.calls += 1
            if self.calls == self._fails_at:
                raise EmbedderError("the double was told to fail")
            self.texts.extend(texts)
        return np.stack([self._embed(text) for text in texts]) if texts else np.zeros((0, DIMENSION), np.float32)

    def _embed(self, text: str) -> Vector:
        vector = np.full(DIMENSION, 1e-3, dtype=np.float32)
        for word in tokenize(text):
            digest = hashlib.sha256(f"{self.fingerprint} {word}".encode()).digest()
            vector[digest[0] % DIMENSION] += 1.0 if digest[1] % 2 else -1.0
        return vector / np.linalg.norm(vector)


def settings_for(root: Path, database: Path, *, keep: int = 1) -> Settings:
    """Small batches, so that one ingest writes many times."""
    return Settings(
        knowledge=KnowledgeSettings(path=root),
        embedding=EmbeddingSettings(batch_size=4),
        store=StoreSettings(uri=str(database), keep_generations=keep),
    )


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of documents."""

    root: Path

    def write(self, source: str, text: str | bytes) -> None:
        path = self.root / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)

    def edit(self, source: str, old: str, new: str) -> None:
        text = (self.root / source).read_text(encoding="utf-8")
        assert old in text, f"{source} does not hold {old!r}"
        self.write(source, text.replace(old, new, 1))

    def rename(self, source: str, target: str) -> None:
        (self.root / target).parent.mkdir(parents=True, exist_ok=True)
        (self.root / source).rename(self.root / target)

    def delete(self, source: str) -> None:
        (self.root / source).unlink()

    def touch(self, source: str) -> None:
        """Another time of modification for the same bytes."""
        path = self.root / source
        path.write_bytes(path.read_bytes())
        later = path.stat().st_mtime_ns + 1_000_000_000
        os.utime(path, ns=(later, later))

    def sources(self) -> list[str]:
        return sorted(path.relative_to(self.root).as_posix() for path in self.root.rglob("*.md"))


def document(name: str, *, paragraphs: int = 3, table: bool = False, note: str = "") -> str:
    """A document whose every paragraph and row holds words of its own, such as `harbour3`."""
    lines = ["---", f"title: About {name}", "level: 2", "---", "", f"# {name}", ""]
    for number in range(paragraphs):
        lines += [
            f"## Part {number}",
            "",
            f"The {name} has a word {name}{number} here. 第{number}段说的是{name}。{note}",
            "",
        ]
    if table:
        lines += ["| Component | Port |", "|---|---|"]
        lines += [f"| {name}row{number} | {7000 + number} |" for number in range(3)]
    return "\n".join(lines) + "\n"


NAMES = ("harbour", "lantern", "orchard", "quarry", "saddle", "tannery", "viaduct", "windmill")


def write_small_corpus(root: Path) -> Folder:
    """Eight documents, three of them with tables, one in a folder of its own."""
    folder = Folder(root)
    for number, name in enumerate(NAMES):
        source = f"guides/{name}.md" if number == 7 else f"{name}.md"
        folder.write(source, document(name, table=number % 3 == 0))
    return folder


def change_everything_a_little(folder: Folder) -> None:
    """Additions, edits (one of them of a table), deletions and a rename."""
    folder.write("beacon.md", document("beacon", table=True))
    folder.write("guides/chapel.md", document("chapel"))
    folder.edit("harbour.md", "harbour1", "harbour1changed")
    folder.edit("harbour.md", "harbourrow1", "harbourrow1changed")
    folder.edit("lantern.md", "## Part 0", "New first paragraph of the lantern.\n\n## Part 0")
    folder.edit("guides/windmill.md", "windmill2", "windmill2changed")
    folder.delete("orchard.md")
    folder.rename("quarry.md", "guides/quarry.md")


def dump(store: Store, commit: Commit | None = None) -> list[str]:
    """What a generation shows, the live one by default: a line for each chunk, document and figure, sorted.

    Generation numbers are left out, so that two stores with different histories can be compared.
    """
    commit = commit or store.snapshot().commit
    # A row that is being buried stands there twice; that it does not stay so is for `litter` to see.
    rows = store.milvus.rows(f"{commit.space}_chunks", alive_at(commit.generation), ["*", "vector"])
    chunks = {(row["id"], row["born"]): row for row in rows}
    manifest = Snapshot(store, commit).documents()
    statistics = sum_statistics(store.term_payloads(commit))
    return sorted(
        [
            *(_line("chunk", _visible(row)) for row in chunks.values()),
            *(_line("document", asdict(record)) for record in manifest.values()),
            _line("terms", [statistics.chunks, sorted(statistics.frequencies.items())]),
            _line("counts", [commit.documents, commit.chunks]),
            _line("embedder", [commit.fingerprint, commit.dimension, commit.mode]),
        ]
    )


def clean_picture(folder: Folder, embedder: WordHashEmbedder, recipe: str) -> list[str]:
    """What `dump` must give for a store that holds exactly this folder, worked out without any store."""
    lines: list[str] = []
    changes = TermChanges()
    documents = chunks = 0
    for source in folder.sources():
        path = folder.root / source
        content, status = path.read_bytes(), path.stat()
        cut = chunks_of(source, content, embedder)
        for chunk in cut:
            row = to_chunk_row(chunk, embedder.embed_query(chunk.searchable_text), born=0)
            changes.add(row["terms"].split(" "))
            lines.append(_line("chunk", _visible(row)))
        record = {
            "source": source,
            "content_hash": hashlib.sha256(content).hexdigest(),
            "recipe": recipe,
            "size": status.st_size,
            "modified_ns": status.st_mtime_ns,
            "title": cut[0].title,
            "chunks": len(cut),
        }
        lines.append(_line("document", record))
        documents, chunks = documents + 1, chunks + len(cut)
    statistics = sum_statistics(changes.payloads())
    lines.append(_line("terms", [statistics.chunks, sorted(statistics.frequencies.items())]))
    lines.append(_line("counts", [documents, chunks]))
    lines.append(_line("embedder", [embedder.fingerprint, DIMENSION, "hybrid"]))
    return sorted(lines)


def chunks_of(source: str, content: bytes, embedder: WordHashEmbedder) -> list[Chunk]:
    return chunk_document(
        parse_document(source, content), count_tokens=embedder.count_tokens, max_tokens=embedder.max_tokens
    )


def litter(store: Store) -> list[str]:
    """What a finished ingest must not leave: rows unborn or long dead, unfinished deaths, and spaces unread.

    What died in the oldest kept generation may still lie there, for requests that began before it, and an older state
    beside the newest, which is the one that counts.
    """
    state = store.state()
    spaces = {commit.space for commit in state.history} if state else set()
    expected = {store.state_collection, *(f"{space}_{part}" for space in spaces for part in ("chunks", "ledger"))}
    ours = {name for name in store.milvus.collections() if name.startswith(f"{store.collection}_")}
    found = [f"collection {name}" for name in sorted(ours - expected)]
    for space in sorted(spaces):
        generations = [commit.generation for commit in state.history if commit.space == space] if state else []
        for part in ("chunks", "ledger"):
            never = f"born > {max(generations)} or died < {min(generations)}"
            unfinished = f"died > {max(generations)} and died < {ALIVE}"
            for row in store.milvus.rows(f"{space}_{part}", f"({never}) or ({unfinished})", ["row_id", "born", "died"]):
                found.append(f"{space}_{part} {row['row_id']} {row['born']} {row['died']}")
    return found


def difference(found: Sequence[str], expected: Sequence[str]) -> str:
    """Empty if two dumps are equal; else what is missing and what is too much, clipped for a person."""
    missing, extra = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
    return "\n".join(
        f"{count}× {what} {line[:200]}"
        for what, lines in (("missing", missing), ("too much", extra))
        for line, count in list(lines.items())[:6]
    )


def _visible(row: Mapping[str, Any]) -> dict[str, object]:
    """A chunk row without the generations, and the vector as rounded numbers."""
    stored = from_chunk_row(dict(row))
    vector = [round(float(number), 6) + 0.0 for number in row["vector"]]
    return asdict(stored.chunk) | {"text_hash": row["text_hash"], "terms": row["terms"], "vector": vector}


def _line(what: str, value: object) -> str:
    return f"{what} {json.dumps(value, ensure_ascii=False, sort_keys=True)}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a process found in a store: the dumps of the kept generations, the live one last, and litter."""

    generations: list[list[str]]
    litter: list[str]


def look(store: Store) -> Seen:
    state = store.state()
    return Seen([dump(store, commit) for commit in state.history] if state else [], litter(store))


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder, its store and an embedder, in this process."""

    folder: Folder
    settings: Settings
    store: Store
    embedder: WordHashEmbedder

    def ingest(
        self,
        *,
        embedder: WordHashEmbedder | None = None,
        allow_mass_deletion: bool = False,
        verify: bool = False,
        on_plan: OnPlan = lambda plan: None,
        on_progress: OnProgress = lambda progress: None,
    ) -> IngestReport:
        return ingest(
            self.settings,
            self.store,
            embedder or self.embedder,
            allow_mass_deletion=allow_mass_deletion,
            verify=verify,
            on_plan=on_plan,
            on_progress=on_progress,
        )

    def live(self) -> list[str]:
        return dump(self.store)

    def sources_with(self, word: str, snapshot: Snapshot | None = None) -> set[str]:
        """The documents that a search for the word brings."""
        found = (snapshot or self.store.snapshot()).search_terms([word], limit=100)
        return {stored.chunk.source for stored, _ in found}

    def sources_answering(self, question: str, snapshot: Snapshot | None = None) -> set[str]:
        """The documents among all hits for the question."""
        found = retrieve(question, snapshot or self.store.snapshot(), self.embedder, self.settings.retrieval, top_k=100)
        return {hit.chunk.source for hit in found.hits}


def shelf_in(milvus: Milvus, folder: Folder, *, collection: str, keep: int = 1) -> Shelf:
    """In collections of its own."""
    settings = settings_for(folder.root, Path(milvus.uri), keep=keep)
    return Shelf(folder, settings, Store(milvus, collection=collection), WordHashEmbedder())


def ingest_in_child(
    root: Path, database: Path, failpoint: str, lingers: bool, run: str, connection: Connection
) -> None:
    """Tell what is in the store, ingest, tell how long that took and what is in the store then."""
    os.setsid()
    os.environ.update({_RUN: run} | ({"ZHIWEN_FAILPOINT": failpoint} if failpoint else {}))
    settings = settings_for(root, database)
    with open_store(settings) as store:
        connection.send(look(store))
        started = time.monotonic()
        ingest(settings, store, WordHashEmbedder(), allow_mass_deletion=True)
        connection.send(time.monotonic() - started)
        while lingers:
            signal.pause()
        connection.send(look(store))


class IngestProcess:
    """One ingest of a folder in a process of its own, leader of its own process group.

    Forked from a server that has imported everything: a fresh interpreter takes longer than the ingest.
    """

    def __init__(self, root: Path, database: Path, *, failpoint: str = "", lingers: bool = False) -> None:
        """One that `lingers` stays, after it has ingested, until it is killed."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["ingest.sync", "rag.wiring", "rag.store.milvus.client"])
        self._run = uuid.uuid4().hex
        self._received, sent = context.Pipe(duplex=False)
        arguments = (root, database, failpoint, lingers, self._run, sent)
        self._process = context.Process(target=ingest_in_child, args=arguments)
        self._process.start()
        sent.close()

    def found(self) -> Seen:
        """What was in the store before the ingest, which begins now."""
        seen = self._receive()
        assert isinstance(seen, Seen), f"the store did not open; exit code {self._process.exitcode}"
        return seen

    def kill(self, *, with_milvus: bool) -> None:
        """As kill -9 does; with Milvus and the parser, as the end of a container does."""
        with suppress(ProcessLookupError):
            if with_milvus:
                os.killpg(self._process.pid or 0, signal.SIGKILL)
            else:
                os.kill(self._process.pid or 0, signal.SIGKILL)

    def ingested(self) -> float | None:
        """The seconds that the ingest took, once it is done; None if the process died before."""
        seconds = self._receive()
        return seconds if isinstance(seconds, float) else None

    def ended(self) -> "Ended":
        """Wait for its end, however it comes."""
        seconds = self.ingested()
        seen = self._receive()
        self._process.join(_CHILD_SECONDS)
        code = self._process.exitcode
        assert code is not None, "the ingest does not end"
        self._received.close()
        return Ended(code, seconds, seen if isinstance(seen, Seen) else None)

    def remains(self) -> list[str]:
        """The processes that it has left behind, if they are still there after some seconds."""
        deadline = time.monotonic() + 30
        while (left := _processes_of(self._run)) and time.monotonic() < deadline:
            time.sleep(0.01)
        return left

    def _receive(self) -> object:
        try:
            assert self._received.poll(_CHILD_SECONDS), "the ingest says nothing"
            return self._received.recv()
        except (EOFError, OSError):  # OSError: killed in the middle of a message
            self._process.join(_CHILD_SECONDS)
            return None


@dataclass(frozen=True, slots=True)
class Ended:
    """`exit_code` is -9 for a process that was killed; `seconds` and `seen` are of an ingest that got to its end."""

    exit_code: int
    seconds: float | None
    seen: Seen | None


def clean_build(folder: Folder, database: Path) -> list[str]:
    """Ingest a folder into an empty store in a process of its own: the dump."""
    process = IngestProcess(folder.root, database)
    assert process.found() == Seen([], [])
    ended = process.ended()
    assert ended.exit_code == 0
    assert ended.seen
    assert ended.seen.litter == []
    (clean,) = ended.seen.generations
    return clean


def _processes_of(run: str) -> list[str]:
    """Those that inherited the mark of the run, which no process can shake off."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and f"{_RUN}={run}".encode() in (folder / "environ").read_bytes():
                found.append(f"{folder.name} {(folder / 'cmdline').read_bytes().decode().replace(chr(0), ' ')}")
    return found
