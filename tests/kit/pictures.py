"""Pictures of a generation: what a store shows, what it must show, and how the two differ."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ingest.chunking.chunks import chunk_document
from ingest.files.scan import scan
from ingest.readers.parse import parse_document
from ingest.staging.document_cutter import pipeline_fingerprint
from ingest.staging.plan import content_hash
from rag.models.embedders.protocol import Embedder
from rag.settings import Settings
from rag.store.records import Commit, DocumentRecord
from rag.store.rows import from_chunk_row, to_chunk_row
from rag.store.store import Store
from rag.store.term_statistics import TermChanges, TermStatistics, sum_statistics
from rag.types import Chunk
from tests.kit.raw_rows import chunk_rows, litter


def dump(store: Store, commit: Commit | None = None) -> list[str]:
    """What a generation shows, the live one by default: a line for each chunk, document and figure, sorted.

    Generation numbers are left out, so that stores with different histories can be compared.
    """
    snapshot = store.snapshot_of(commit or store.snapshot().commit)
    # Not from what the process keeps: another process would read them from the rows.
    payloads = store.namespace_of(snapshot.commit).term_payloads(snapshot.generation)
    # A row that is being tombstoned is there twice; `litter` tells if it stays so.
    chunks = {(row["id"], row["born"]): row for row in chunk_rows(store, snapshot.commit)}
    return _picture(
        list(chunks.values()),
        list(snapshot.documents().values()),
        sum_statistics(payloads),
        counts=[snapshot.commit.documents, snapshot.commit.chunks],
        embedder=[snapshot.commit.fingerprint, snapshot.commit.dimension, snapshot.commit.mode],
    )


def clean_picture(root: Path, settings: Settings, embedder: Embedder) -> list[str]:
    """What `dump` must give for a store that holds exactly this folder, worked out without any store."""
    rows: list[dict[str, Any]] = []
    records: list[DocumentRecord] = []
    terms = TermChanges()
    for file in scan(root, include=settings.knowledge.include).files:
        content = file.read(settings.knowledge.max_file_bytes)
        max_tokens = min(settings.chunking.max_tokens, embedder.max_tokens)
        document = parse_document(file.source, content)
        chunks = chunk_document(document, count_tokens=embedder.count_tokens, max_tokens=max_tokens)
        for chunk in chunks:
            rows.append(to_chunk_row(chunk, embedder.embed_query(chunk.searchable_text), born=0))
            terms.add(rows[-1]["terms"].split(" "))
        records.append(
            DocumentRecord(
                source=file.source,
                content_hash=content_hash(content),
                pipeline_fingerprint=pipeline_fingerprint(settings, embedder),
                size=file.size,
                modified_ns=file.modified_ns,
                title=chunks[0].title if chunks else document.title,
                chunks=len(chunks),
            )
        )
    return _picture(
        rows,
        records,
        sum_statistics(terms.payloads()),
        counts=[len(records), len(rows)],
        embedder=[embedder.fingerprint, embedder.dimension, settings.retrieval.mode],
    )


def chunks_of(source: str, content: bytes, embedder: Embedder) -> list[Chunk]:
    """The chunks of a document with the default settings."""
    return chunk_document(
        parse_document(source, content), count_tokens=embedder.count_tokens, max_tokens=embedder.max_tokens
    )


def without_times(picture: Sequence[str]) -> list[str]:
    """A picture without the times of modification: a file that is only touched keeps its manifest as it is."""
    return sorted(re.sub(r'"modified_ns": \d+, ', "", line) for line in picture)


def difference(found: Sequence[str], expected: Sequence[str]) -> str:
    """Empty if two pictures are equal; otherwise what is missing and what is too much, shortened for a person."""
    missing, extra = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
    return "\n".join(
        f"{count}× {what} {line[:200]}"
        for what, lines in (("missing", missing), ("too much", extra))
        for line, count in list(lines.items())[:6]
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """What a process found in a store: the pictures of the kept generations, the live one last, and litter."""

    generations: list[list[str]]
    litter: list[str]


def look(store: Store) -> Seen:
    """See all kept generations of a store."""
    state = store.state()
    return Seen([dump(store, commit) for commit in state.history] if state else [], litter(store))


def _picture(
    rows: Sequence[Mapping[str, Any]],
    records: Sequence[DocumentRecord],
    statistics: TermStatistics,
    *,
    counts: list[int],
    embedder: list[object],
) -> list[str]:
    return sorted(
        [
            *(_line("chunk", _shown(row)) for row in rows),
            *(_line("document", record.as_payload()) for record in records),
            _line("terms", [statistics.chunks, sorted(statistics.frequencies.items())]),
            _line("counts", counts),
            _line("embedder", embedder),
        ]
    )


def _shown(row: Mapping[str, Any]) -> dict[str, object]:
    """A chunk's row without its generations, and its vector as rounded numbers."""
    stored = from_chunk_row(dict(row))
    vector = [round(float(number), 6) + 0.0 for number in row["vector"]]
    return asdict(stored.chunk) | {"text_hash": row["text_hash"], "terms": row["terms"], "vector": vector}


def _line(what: str, value: object) -> str:
    return f"{what} {json.dumps(value, ensure_ascii=False, sort_keys=True)}"
