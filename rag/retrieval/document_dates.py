"""The dates of documents, so that a reader sees how old a source is."""

import threading
from collections.abc import Collection, Iterable, Mapping

from cachetools import LRUCache

from rag.store.joint import AnySnapshot
from rag.store.snapshot import Snapshot

Document = tuple[str, str]
"""The name of a knowledge base, and the source of a document in it."""

_MAX_KNOWN = 10_000


class DocumentDates:
    """Reads the date of each document once in a generation. Safe to use from several threads."""

    def __init__(self) -> None:
        self._known: LRUCache[tuple[str, int, str], str] = LRUCache(_MAX_KNOWN)
        self._lock = threading.Lock()

    def of(self, snapshot: AnySnapshot, documents: Iterable[Document]) -> Mapping[Document, str]:
        """Return the date of each document as `2026-01-31`, "" if it is not known. Raises StoreError."""
        wanted: dict[str, list[str]] = {}
        for knowledge_base, source in dict.fromkeys(documents):
            wanted.setdefault(knowledge_base, []).append(source)
        return {
            (part.knowledge_base, source): date
            for part in snapshot.parts
            for source, date in self._in_one(part, wanted.get(part.knowledge_base, ())).items()
        }

    def _in_one(self, snapshot: Snapshot, sources: Collection[str]) -> Mapping[str, str]:
        namespace, generation = snapshot.commit.namespace, snapshot.generation
        with self._lock:
            found = {source: self._known.get((namespace, generation, source)) for source in sources}
        if missing := [source for source, date in found.items() if date is None]:
            records = snapshot.documents_named(missing)
            read = {source: records[source].date if source in records else "" for source in missing}
            with self._lock:
                self._known.update({(namespace, generation, source): date for source, date in read.items()})
            found |= read
        return {source: date or "" for source, date in found.items()}
