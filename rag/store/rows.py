"""How chunks and the ledger are laid out as Milvus rows.

Three collections: `<name>_state` (one row: which generation is live), and for each space `<space>_chunks` and
`<space>_ledger` (document manifests and term statistics). A space is the pair of collections that one embedder, one
schema and one retrieval mode write to. Every row of a space carries the generations between which it is alive.
"""

import hashlib
from dataclasses import dataclass

from rag.models.embedders.protocol import Vector
from rag.store.expressions import CollectionSpec, Field, Row
from rag.store.filter_keys import filter_keys_of
from rag.text.tokens import tokenize
from rag.types import Chunk

SCHEMA_VERSION = 2
FACETS_SINCE = 2
"""The first schema whose chunks can be filtered by front matter and its negation."""
ALIVE = 2**63 - 1
"""`died` of a row that has not died."""

MAX_CONTENT_BYTES = 65_000
_NO_VECTOR = [0.0, 0.0]  # Milvus wants a vector in every collection.

CHUNK_FIELDS = tuple(
    "id source title heading_path anchor kind position group_id start_line end_line content metadata terms".split()
)


def chunk_collection(dimension: int, *, lexical: bool) -> CollectionSpec:
    return CollectionSpec(
        fields=(
            Field("row_id", "text", 64),
            Field("id", "text", 64),
            Field("born", "integer"),
            Field("died", "integer"),
            Field("source", "text", 4096),
            Field("title", "text", 4096),
            Field("heading_path", "json"),
            Field("anchor", "text", 4096),
            Field("kind", "text", 16),
            Field("position", "integer"),
            Field("group_id", "text", 64),
            Field("start_line", "integer"),
            Field("end_line", "integer"),
            Field("content", "text", 65_535),
            Field("metadata", "json"),
            Field("facets", "json"),
            Field("text_hash", "text", 64),
            Field("terms", "text", 65_535),
        ),
        dimension=dimension,
        terms_field="terms" if lexical else "",
    )


LEDGER_COLLECTION = CollectionSpec(
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

STATE_COLLECTION = CollectionSpec(
    fields=(Field("key", "text", 64), Field("payload", "json")), dimension=len(_NO_VECTOR)
)


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk with what the store knows of it. `terms` are distinct."""

    chunk: Chunk
    terms: frozenset[str]


def text_hash(text: str) -> str:
    """32 hex digits of what is embedded: equal text under the same embedder has an equal vector."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def to_chunk_row(chunk: Chunk, vector: Vector, *, born: int) -> Row:
    return {
        # The same chunk may live, die and come back: each life is a row of its own.
        "row_id": f"{chunk.id}-{born}",
        "id": chunk.id,
        "born": born,
        "died": ALIVE,
        "source": chunk.source,
        "title": _clip(chunk.title, 4096),
        # Servers before 2.4 take JSON objects only.
        "heading_path": {"names": list(chunk.heading_path)},
        "anchor": _clip(chunk.anchor, 4096),
        "kind": chunk.kind,
        "position": chunk.position,
        "group_id": chunk.group,
        "start_line": chunk.start_line,
        "end_line": chunk.end_line,
        "content": chunk.content,
        "metadata": dict(chunk.metadata),
        "facets": dict.fromkeys(sorted(filter_keys_of(chunk.metadata)), True),
        "text_hash": text_hash(chunk.searchable_text),
        "terms": _clip(" ".join(tokenize(chunk.searchable_text)), 65_000),
        "vector": vector.tolist(),
    }


def columns_of(schema: int) -> list[str]:
    """All columns of a chunk but its vector: an index of an earlier schema is still read, and rolled back to."""
    facets = ["facets"] if schema >= FACETS_SINCE else []
    return ["row_id", "born", "died", "text_hash", *facets, *CHUNK_FIELDS]


def from_chunk_row(row: Row) -> StoredChunk:
    chunk = Chunk(
        id=row["id"],
        source=row["source"],
        title=row["title"],
        heading_path=heading_path_of(row),
        anchor=row["anchor"],
        kind=row["kind"],
        position=row["position"],
        group=row["group_id"],
        start_line=row["start_line"],
        end_line=row["end_line"],
        content=row["content"],
        metadata=row["metadata"],
    )
    return StoredChunk(chunk, frozenset(row["terms"].split(" ")))


def heading_path_of(row: Row) -> tuple[str, ...]:
    return tuple(row["heading_path"]["names"])


def to_manifest_row(kind: str, name: str, payload: dict[str, object], *, born: int) -> Row:
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
    return {"key": key, "payload": payload, "vector": _NO_VECTOR}


def alive_at(generation: int) -> str:
    """The filter that every read of a generation carries."""
    return f"born <= {generation} and died > {generation}"


def _clip(text: str, max_bytes: int) -> str:
    encoded = text.encode()
    return text if len(encoded) <= max_bytes else encoded[:max_bytes].decode(errors="ignore")
