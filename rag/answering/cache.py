"""Answers that can be given once more: to the same question, of the same generation, without a search or a model."""

import threading
from dataclasses import dataclass

from cachetools import LRUCache

from rag.answering.history import Turn
from rag.state.traces import Trace
from rag.store.filters import Filter
from rag.store.versions import Commit


@dataclass(frozen=True, slots=True)
class CacheKey:
    """Everything that an answer depends on except the settings, which do not change while a cache lives."""

    question: str
    history: tuple[Turn, ...]
    search_filter: Filter | None
    commit: Commit


class AnswerCache:
    """The traces of the answers used last, at most `size`. Shared by all threads."""

    def __init__(self, size: int) -> None:
        self._lock = threading.Lock()
        self._traces: LRUCache[CacheKey, Trace] = LRUCache(size)

    def get(self, key: CacheKey) -> Trace | None:
        """Return the trace of an earlier answer, or None."""
        with self._lock:
            return self._traces.get(key)

    def put(self, key: CacheKey, trace: Trace) -> None:
        """Keep an answer; the one that was used longest ago gives way."""
        with self._lock:
            # A cache of size 0 refuses every value.
            if self._traces.maxsize:
                self._traces[key] = trace
