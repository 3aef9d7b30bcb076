"""What a mandatory filter lets through in a generation: its documents, and the statistics of their terms.

The statistics are of these documents alone. With those of the whole generation, the score of a passage would tell a
reader how often a word stands in documents that it must not see.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cachetools import LRUCache

from rag.store.collection_spec import Row
from rag.store.columns import TERMS_COLUMN
from rag.store.records import Commit
from rag.store.term_statistics import TermChanges, TermStatistics

_KEPT = 16
"""Of 1,000 chunks, one takes about 1 MB."""

VISIBLE_FIELDS = ("id", "source", TERMS_COLUMN)


@dataclass(frozen=True, slots=True)
class Visible:
    """The sources of the documents that have text, and the statistics of their chunks."""

    sources: frozenset[str]
    statistics: TermStatistics

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "Visible":
        """Count the rows of chunks, which have `VISIBLE_FIELDS`."""
        counted, sources = TermChanges(), set()
        for row in rows:
            sources.add(row["source"])
            counted.add(row[TERMS_COLUMN].split(" "))
        return cls(frozenset(sources), counted.statistics())


class VisibleCache:
    """Keeps what was asked for last, by generation and filter. Safe to use from several threads.

    It is for committed generations only: those never change.
    """

    def __init__(self) -> None:
        self._known: LRUCache[tuple[Commit, str], Visible] = LRUCache(_KEPT)
        self._lock = threading.Lock()

    def of(self, commit: Commit, within: str, load: Callable[[], Visible]) -> Visible:
        """Return what was kept, or what `load` returns. Raises as `load`."""
        with self._lock:
            known = self._known.get((commit, within))
        if known is None:
            known = load()
            with self._lock:
                self._known[commit, within] = known
        return known
