"""How chunks, manifests and the store's state are laid out as rows of Milvus.

There are three sorts of collections: `<name>_state` says which generation is live, and each namespace has
`<namespace>_chunks` and `<namespace>_ledger`, its manifests and term statistics. Every row of a namespace carries the
generations in which it was born and died.
"""

import hashlib
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rag.knowledge_base_names import DEFAULT
from rag.models.embedders.protocol import Vector
from rag.store.collection_spec import PAYLOADS_BY_KEY, CollectionSpec, Field, Row
from rag.store.columns import CHUNK_COLUMNS, TERMS_COLUMN, columns_at
from rag.types import Chunk

ALIVE = 2**63 - 1
"""`died` of a row that is alive."""

_HEADING_PATH = next(column for column in CHUNK_COLUMNS if column.attribute == "heading_path")
_TERMS = next(column for column in CHUNK_COLUMNS if column.name == TERMS_COLUMN)
_LIFE = ("row_id", "born", "died")
_NO_VECTOR = [0.0, 0.0]  # Milvus wants a vector in every collection.

MANIFEST_COLLECTION = CollectionSpec(
    fields=(
        Field("row_id", "text", 64),
        Field("kind", "text", 16),
        Field("name", "text", 4096),
        Field("born", "integer"),
        Field("died", "integer"),
        Field("payload", "json"),
    ),
    dimension=len(_NO_VECTOR),
)

STATE_COLLECTION = PAYLOADS_BY_KEY


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk and the terms by which the store finds it, with the number of times that it has each."""

    chunk: Chunk
    terms: Counter[str]


@dataclass(frozen=True, slots=True)
class LiveChunk:
    """A stored chunk with its row, which a tombstone is a copy of."""

    chunk: Chunk
    terms: Counter[str]
    row: Row


def state_collection(store: str) -> str:
    """Return the name of a store's state collection."""
    return f"{store}_state"


def chunks_collection(namespace: str) -> str:
    """Return the name of a namespace's chunk collection."""
    return f"{namespace}_chunks"


def manifests_collection(namespace: str) -> str:
    """Return the name of a namespace's collection of manifests and term statistics."""
    return f"{namespace}_ledger"


def chunk_collection_spec(dimension: int, *, lexical: bool) -> CollectionSpec:
    """Return the shape of a chunk collection for vectors of `dimension` numbers; a `lexical` one has a BM25 index."""
    life = (Field("row_id", "text", 64), Field("born", "integer"), Field("died", "integer"))
    return CollectionSpec(
        fields=(*life, *(column.field for column in CHUNK_COLUMNS)),
        dimension=dimension,
        terms_field=TERMS_COLUMN if lexical else "",
        is_searched=True,
    )


def to_chunk_row(chunk: Chunk, vector: Vector, *, born: int) -> Row:
    """Return the row of a chunk that is born in a generation."""
    # The same chunk may live, die and come back: each life has a row of its own.
    life = {"row_id": chunk_row_id(chunk, born=born), "born": born, "died": ALIVE}
    values = {column.name: column.to_milvus(column.value_of(chunk)) for column in CHUNK_COLUMNS}
    return life | values | {"vector": vector.tolist()}


def to_copied_row(row: Row, chunk: Chunk, *, born: int) -> Row:
    """Return the row of a chunk that is born in a generation and differs from that of `row` only in what names it."""
    life = {"row_id": chunk_row_id(chunk, born=born), "born": born, "died": ALIVE}
    return row | life | {"id": chunk.id, "source": chunk.source, "group_id": chunk.group}


def chunk_row_id(chunk: Chunk, *, born: int) -> str:
    """Return the key of the row of a chunk that was born in a generation."""
    return f"{chunk.id}-{born}"


def chunk_id_of(row_id: str) -> str:
    """Return the id of the chunk whose row has this key, also if the row is a tombstone. Ids have no hyphen."""
    return row_id.partition("-")[0]


def chunk_of_row(row: Row, knowledge_base: str = DEFAULT, commit: str = "") -> Chunk:
    """Return the chunk of a row of this knowledge base and commit; columns that it lacks have their defaults."""
    values = {
        column.attribute: column.from_milvus(row[column.name]) if column.name in row else column.default
        for column in CHUNK_COLUMNS
        if column.attribute
    }
    return Chunk(**values, knowledge_base=knowledge_base, commit=commit)


def from_chunk_row(row: Row, knowledge_base: str = DEFAULT, commit: str = "") -> StoredChunk:
    """Return the chunk of a row, as `chunk_of_row`, with its terms."""
    chunk = chunk_of_row(row, knowledge_base, commit)
    # Most terms are in many chunks, of which a server keeps thousands: interned, each is in memory once.
    return StoredChunk(chunk, Counter(map(sys.intern, row[TERMS_COLUMN].split(" "))))


def each_once(found: Iterable[Row]) -> Iterator[Row]:
    """Yield the row of each chunk once: one that is being tombstoned is there twice for a moment."""
    seen: set[str] = set()
    for row in found:
        if row["id"] not in seen:
            seen.add(row["id"])
            yield row


def terms_of(chunk: Chunk) -> Counter[str]:
    """Return the terms by which the store finds a chunk, with the number of times that it has each."""
    return Counter(_TERMS.value_of(chunk).split(" "))


def heading_path_of(row: Row) -> tuple[str, ...]:
    """Return the heading path of a row that need not hold more."""
    names: tuple[str, ...] = _HEADING_PATH.from_milvus(row[_HEADING_PATH.name])
    return names


def chunk_fields(schema: int) -> Sequence[str]:
    """Return the fields that `chunk_of_row` reads, of an index of this version of the schema."""
    return [column.name for column in columns_at(schema) if column.attribute]


def all_chunk_fields(schema: int) -> Sequence[str]:
    """Return all fields of a chunk's row, its vector among them: what a copy of the row consists of."""
    return [*_LIFE, *(column.name for column in columns_at(schema)), "vector"]


def to_manifest_row(kind: str, name: str, payload: dict[str, object], *, born: int) -> Row:
    """Return the row of a document's manifest or of term statistics, as `kind` says."""
    key = hashlib.sha256(f"{kind}\0{name}\0{born}".encode()).hexdigest()[:32]
    return {
        "row_id": key,
        "kind": kind,
        "name": name,
        "born": born,
        "died": ALIVE,
        "payload": payload,
        "vector": _NO_VECTOR,
    }


def to_state_row(key: str, payload: dict[str, object]) -> Row:
    """Return a row of the state collection."""
    return {"key": key, "payload": payload, "vector": _NO_VECTOR}
