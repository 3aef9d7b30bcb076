"""Cache answers: the same question to the same generation is answered again without a search or a model."""

import threading
from dataclasses import dataclass

from cachetools import LRUCache

from rag.answering.draft import Composition
from rag.answering.history import Turn
from rag.answering.rewriting import StandaloneQuestion
from rag.state.traces import Trace
from rag.store.filters import Filter
from rag.store.records import Commit


@dataclass(frozen=True, slots=True)
class CacheKey:
    """Everything that an answer depends on, except for the settings: they do not change while a cache exists."""

    question: str
    history: tuple[Turn, ...]
    search_filter: Filter | None
    commit: Commit


class AnswerCache:
    """Keeps the traces of the `size` answers that were used last. Safe to use from several threads."""

    def __init__(self, size: int) -> None:
        self._lock = threading.Lock()
        self._traces: LRUCache[CacheKey, Trace] = LRUCache(size)

    def get(self, key: CacheKey) -> Trace | None:
        """Return the trace of an earlier answer, or None."""
        with self._lock:
            return self._traces.get(key)

    def put(self, key: CacheKey, trace: Trace) -> None:
        """Keep the trace of an answer; if the cache is full, drop the one whose last use is longest ago."""
        with self._lock:
            # A cache of size 0 refuses every value.
            if self._traces.maxsize:
                self._traces[key] = trace


def is_cacheable(standalone: StandaloneQuestion, composition: Composition) -> bool:
    """Return whether another attempt could not give a better answer: this one is complete, and no call failed."""
    attempts = standalone.attempts + composition.attempts
    no_call_failed = all(attempt.outcome in ("answered", "declined") for attempt in attempts)
    is_definite = composition.reason in (None, "no_evidence", "model_declined", "small_talk")
    is_incomplete = composition.truncated or composition.by_fallback or composition.error is not None
    return no_call_failed and is_definite and not is_incomplete
