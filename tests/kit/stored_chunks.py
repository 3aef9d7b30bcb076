"""Chunks of documents whose names are hard to quote in a filter, and a store that holds them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ingest.staging.staging import Staging
from rag.models.embedders.protocol import Matrix
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.settings import StoreSettings
from rag.store.records import DocumentRecord
from rag.store.store import Store
from rag.types import Chunk

DIMENSION = 32
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


def chunk(number: int, source: str) -> Chunk:
    """The chunk `c<number>`, which holds the word `word<number>`."""
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
        line_numbers=f"{number + 1}-{number + 2}",
        metadata={"tags": ["x", "y"], "number": number, "none": None, "text": 'a "b" \\ 汉 🙂'},
    )


CHUNKS = [chunk(number, source) for number, source in enumerate(SOURCES)]
VECTORS = np.eye(DIMENSION, dtype=np.float32)[: len(CHUNKS)]
"""The vector of each chunk: one axis of its own."""


@contextmanager
def stored_chunks(folder: Path, chunks: Sequence[Chunk] = CHUNKS, vectors: Matrix = VECTORS) -> Iterator[Store]:
    """A store below `folder` whose one generation is these chunks, each a document of its own."""
    store = Store.open(StoreSettings(uri=str(folder / "new" / "m.db"), collection="stored"))
    try:
        staging = Staging(store, ScriptedEmbedder(dimension=DIMENSION), mode="hybrid")
        staging.insert_chunks(chunks, vectors)
        staging.put_documents([DocumentRecord(each.source, "h", "f", 1, 2, each.title, 1) for each in chunks])
        staging.commit(staging.seal("/docs").commit, keep=1)
        yield store
    finally:
        store.close()
