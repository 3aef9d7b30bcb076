"""The dates of documents, so that a reader sees how old a source is."""

import threading
from collections.abc import Iterable, Mapping

from rag.store.snapshot import Snapshot

_MAX_KNOWN = 10_000


class DocumentDates:
    """Reads the date of each document once in a generation. Safe to use from several threads."""

    def __init__(self) -> None:
        self._generation = ("", 0)
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()

    def of(self, snapshot: Snapshot, sources: Iterable[str]) -> Mapping[str, str]:
        """Return the date of each document as `2026-01-31`, "" if it is not known. Raises StoreError."""
        wanted = list(dict.fromkeys(sources))
        generation = (snapshot.commit.namespace, snapshot.generation)
        with self._lock:
            known = dict(self._known) if self._generation == generation else {}
        if missing := [source for source in wanted if source not in known]:
            records = snapshot.documents_named(missing)
            known |= {source: records[source].date if source in records else "" for source in missing}
            with self._lock:
                self._generation, self._known = generation, known if len(known) <= _MAX_KNOWN else {}
        return {source: known[source] for source in wanted}
