"""Which of the documents that are gone are removed together."""

from collections.abc import Iterator, Mapping, Sequence

from rag.store.records import DocumentRecord

# A deletion costs a file of many rows at least 0.1 s, however few rows it is of. As many as this are read in one call.
_CHUNKS_TOGETHER = 1900


def group_removals(sources: Sequence[str], documents: Mapping[str, DocumentRecord]) -> Iterator[Sequence[str]]:
    """Yield the sources in groups of at most 1,900 chunks, or of one document that has more. Keeps their order."""
    group: list[str] = []
    chunks = 0
    for source in sources:
        more = documents[source].chunks
        if group and chunks + more > _CHUNKS_TOGETHER:
            yield group
            group, chunks = [], 0
        group.append(source)
        chunks += more
    if group:
        yield group
