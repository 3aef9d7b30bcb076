"""Chunks of documents with the names that filters get wrong most easily, and a store that holds them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ingest.staging.staging import Staging
from rag.models.embedders.protocol import Matrix, Vector
from rag.settings import StoreSettings
from rag.store.store import Store
from rag.store.versions import DocumentRecord
from rag.types import Chunk

SOURCES = [
    "a.md",
    "b.md",
    'quote".md',
    "it's.md",
    "back\\slash.md",
    'end\\".md',
    "trailing\\",
    "100%.md",
    "under_score.md",
    "underXscore.md",
    "表格/中文 名.md",
    "emoji 🙂👩‍💻.md",
    "é.md",
    "{curly}.md",
    "\\u0041.md",
    "\\n.md",
    "' or source != '",
    '" or born >= 0 or source == "',
    "a.md ",
    "A.MD",
]


class UnitEmbedder:
    """A vector of its own for each text, in the order in which they come."""

    name = "test/units"
    fingerprint = "0" * 16
    dimension = 32
    max_tokens = 1000

    def count_tokens(self, text: str) -> int:
        return len(text)

    def embed_query(self, text: str) -> Vector:
        return self.embed_documents([text])[0]

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        return np.eye(self.dimension, dtype=np.float32)[: len(texts)]


def chunk(number: int, source: str) -> Chunk:
    return Chunk(
        id=f"c{number}",
        source=source,
        title=f"Title {number}",
        heading_path=("Top", f"H{number // 2}"),
        anchor="h",
        kind="text",
        position=number,
        group="g",
        start_line=number + 1,
        end_line=number + 2,
        content=f"word{number} common 向量",
        metadata={"tags": ["x", "y"], "number": number, "none": None, "text": 'a "b" \\ 汉 🙂'},
    )


CHUNKS = [chunk(number, source) for number, source in enumerate(SOURCES)]


@contextmanager
def stored_chunks(folder: Path) -> Iterator[Store]:
    """A store below `folder` whose one generation is `CHUNKS`, each a document of its own."""
    store = Store.open(StoreSettings(uri=str(folder / "new" / "m.db"), collection="reading"))
    try:
        staging = Staging(store, UnitEmbedder(), mode="hybrid")
        staging.add(CHUNKS, UnitEmbedder().embed_documents([each.content for each in CHUNKS]))
        staging.put_documents([DocumentRecord(each.source, "h", "r", 1, 2, each.title, 1) for each in CHUNKS])
        staging.commit(staging.seal("/docs").commit, keep=1)
        yield store
    finally:
        store.close()
