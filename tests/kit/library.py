"""A folder of documents with a store and an embedder, for the tests of the write path. All parts are real."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ingest.chunking.chunks import chunk_document
from ingest.files.scan import scan
from ingest.readers.parse import parse_document
from ingest.staging.report import IngestReport
from ingest.sync import ingest
from rag.errors import EmbedderError, StoreError
from rag.models.embedders.protocol import Matrix, Vector
from rag.settings import Settings
from rag.store.expressions import CollectionSpec, Row
from rag.store.milvus.client import Milvus
from rag.store.rows import alive_at, to_chunk_row
from rag.store.store import Store
from rag.store.term_statistics import TermChanges, TermStatistics, sum_statistics

BASE = {
    "a.md": "# Apples\n\nApples are red.\n\n## Storage\n\nKeep apples cool.\n\n- in a cellar\n- in a box\n",
    "b.md": "# Bread\n\nBread is baked.\n\n| Kind | Flour |\n|---|---|\n| Rye | dark |\n| Wheat | white |\n",
    "c.md": "# Cheese\n\nCheese is made of milk.\n\n```python\ncheese = milk + rennet\n```\n",
    "sub/d.md": "# 向量数据库\n\nMilvus 是一个向量数据库。\n\n## 部署\n\n使用 Docker 部署。\n",
    "sub/e.md": "# Empty but for this\n\nNothing much.\n",
    "f.md": "# Figs\n\nFigs are sweet.\n",
}

Content = tuple[str, str, str, str, int, int, int, bytes]
"""id, source, title, content, position, first and last line, vector."""


class WordEmbedder:
    """Counts words into 16 numbers by their hash; a token is a character. Remembers what it was given."""

    name = "test/words"
    dimension = 16
    max_tokens = 400

    def __init__(self, *, version: str = "1", fails_at_call: int = 0) -> None:
        self.fingerprint = hashlib.sha256(version.encode()).hexdigest()[:16]
        self.fails_at_call = fails_at_call
        self.calls = 0
        self.texts: list[str] = []

    def count_tokens(self, text: str) -> int:
        return len(text)

    def embed_query(self, text: str) -> Vector:
        return self._vector(text)

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        self.calls += 1
        if self.calls == self.fails_at_call:
            raise EmbedderError("test/words: out of order")
        self.texts.extend(texts)
        return np.array([self._vector(text) for text in texts], dtype=np.float32).reshape(len(texts), self.dimension)

    def _vector(self, text: str) -> Vector:
        vector = np.zeros(self.dimension, dtype=np.float32)
        for word in text.split() or [text]:
            digest = hashlib.sha256(f"{self.fingerprint} {word}".encode()).digest()
            vector[digest[0] % self.dimension] += 1
        return vector / np.linalg.norm(vector)


class WatchedMilvus(Milvus):
    """Milvus that counts its writes and, where it is told to, refuses one."""

    writes = 0
    refuses_write = 0

    def upsert(self, name: str, rows: Sequence[Row]) -> None:
        if rows:
            self._count()
        super().upsert(name, rows)

    def delete(self, name: str, expression: str) -> None:
        self._count()
        super().delete(name, expression)

    def create(self, name: str, collection: CollectionSpec) -> None:
        self._count()
        super().create(name, collection)

    def drop(self, name: str) -> None:
        self._count()
        super().drop(name)

    def _count(self) -> None:
        self.writes += 1
        if self.writes == self.refuses_write:
            raise StoreError(f"{self.uri}: write {self.writes} was refused")


@dataclass
class Library:
    root: Path
    settings: Settings
    milvus: WatchedMilvus
    store: Store
    embedder: WordEmbedder = field(default_factory=WordEmbedder)

    def write(self, source: str, content: str | bytes) -> None:
        path = self.root / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def edit(self, source: str, old: str, new: str) -> None:
        text = (self.root / source).read_text(encoding="utf-8")
        assert old in text
        self.write(source, text.replace(old, new))

    def remove(self, source: str) -> None:
        (self.root / source).unlink()

    def rename(self, source: str, new: str) -> None:
        (self.root / source).rename(self.root / new)

    def ingest(self, **options: Any) -> IngestReport:
        return ingest(self.settings, self.store, self.embedder, **options)

    def watch(self) -> None:
        """Begin to count embeddings and writes."""
        self.milvus.writes = self.milvus.refuses_write = 0
        self.embedder.calls = self.embedder.fails_at_call = 0
        self.embedder.texts.clear()

    def contents(self) -> list[Content]:
        """What readers of the live generation get."""
        commit = self.store.snapshot().commit
        fields = ["id", "source", "title", "content", "position", "start_line", "end_line", "vector"]
        found = self.milvus.rows(f"{commit.space}_chunks", alive_at(commit.generation), fields)
        # A chunk whose death is being written is there twice; readers take the two for one.
        return sorted({row["id"]: _content(row) for row in found}.values())

    def texts(self) -> set[str]:
        return {content for _, _, _, content, *_ in self.contents()}

    def statistics(self) -> TermStatistics:
        return self.store.snapshot().statistics

    def every_row(self) -> list[str]:
        """All that stands in the store, whatever its generation."""
        return sorted(
            f"{name} {json.dumps(row, sort_keys=True, default=float)}"
            for name in self.milvus.collections()
            if name.startswith(f"{self.store.collection}_")
            for row in self.milvus.rows(name, f'{_key(name)} != ""', ["*"])
        )

    def clean_contents(self) -> tuple[list[Content], TermStatistics]:
        """What a first ingest of the folder as it stands would give, worked out without a store."""
        contents, terms = [], TermChanges()
        knowledge = self.settings.knowledge
        for file in scan(knowledge.path, include=knowledge.include):
            document = parse_document(file.source, file.read(knowledge.max_file_bytes))
            for chunk in chunk_document(
                document,
                count_tokens=self.embedder.count_tokens,
                max_tokens=min(self.settings.chunking.max_tokens, self.embedder.max_tokens),
            ):
                row = to_chunk_row(chunk, self.embedder.embed_query(chunk.searchable_text), born=1)
                contents.append(_content(row))
                terms.add(row["terms"].split(" "))
        return sorted(contents), sum_statistics(terms.payloads())

    def assert_clean(self) -> None:
        contents, statistics = self.clean_contents()
        assert self.contents() == contents
        assert self.statistics() == statistics
        assert self.store.snapshot().commit.chunks == len(contents)
        knowledge = self.settings.knowledge
        sources = {file.source for file in scan(knowledge.path, include=knowledge.include)}
        assert set(self.store.snapshot().documents()) == sources
        assert self.store.snapshot().commit.documents == len(sources)


def _content(row: Row) -> Content:
    return (
        row["id"],
        row["source"],
        row["title"],
        row["content"],
        row["position"],
        row["start_line"],
        row["end_line"],
        np.asarray(row["vector"], dtype=np.float32).tobytes(),
    )


def _key(collection: str) -> str:
    return "key" if collection.endswith("_state") else "row_id"


LibraryMaker = Callable[..., Library]
