"""Cache answers: the same question to the same generation is answered again without a search or a model."""

import threading
from dataclasses import dataclass
from operator import attrgetter

from cachetools import LRUCache

from rag.answering.draft import Composition
from rag.answering.history import Turn
from rag.answering.replies import ReplyCache
from rag.answering.rewriting import StandaloneQuestion
from rag.state.traces import Trace, dump_trace
from rag.store.records import SnapshotIdentity

_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CacheKey:
    """Everything that an answer depends on, except for the settings: they do not change while a cache exists.

    `snapshots` are the generations that are searched, of one knowledge base or of several, and what the caller may see
    of them. `search_filter` is a text that no other filter has: to Python, the values 1 and True are equal.
    """

    question: str
    history: tuple[Turn, ...]
    search_filter: str
    snapshots: tuple[SnapshotIdentity, ...]


class AnswerCache:
    """Keeps the traces of the `size` answers that were used last, at most `max_bytes` of them.

    `replies` are what the chat model wrote; they outlast their generation. Safe to use from several threads.
    """

    def __init__(self, size: int, *, max_bytes: int = _MAX_BYTES) -> None:
        self._lock = threading.Lock()
        self._size = size
        self.replies = ReplyCache(is_on=size > 0)
        self._entries: LRUCache[CacheKey, _Entry] = LRUCache(max_bytes, getsizeof=attrgetter("bytes"))

    def get(self, key: CacheKey) -> Trace | None:
        """Return the trace of an earlier answer, or None."""
        with self._lock:
            entry = self._entries.get(key)
        return entry.trace if entry else None

    def put(self, key: CacheKey, trace: Trace) -> None:
        """Keep the trace of an answer, unless it is too large; drop those whose last use is longest ago for it."""
        entry = _Entry(trace, _bytes_of(key, trace) if self._size else 0)
        with self._lock:
            if self._size and entry.bytes <= self._entries.maxsize:
                self._entries[key] = entry
            while len(self._entries) > self._size:
                self._entries.popitem()


@dataclass(frozen=True, slots=True)
class _Entry:
    trace: Trace
    bytes: int


def _bytes_of(key: CacheKey, trace: Trace) -> int:
    """Return about how many bytes of memory an answer takes: twice its JSON, four for each character of the key."""
    history = sum(len(turn.content) for turn in key.history)
    return 2 * len(dump_trace(trace)) + 4 * (len(key.question) + history + len(key.search_filter))


def is_cacheable(standalone: StandaloneQuestion, composition: Composition) -> bool:
    """Return whether another attempt could not give a better answer: this one is complete, and no call failed."""
    attempts = standalone.attempts + composition.attempts
    no_call_failed = all(attempt.outcome in ("answered", "declined") for attempt in attempts)
    is_definite = composition.reason in (None, "no_evidence", "model_declined", "small_talk")
    is_incomplete = composition.truncated or composition.by_fallback or composition.error is not None
    return no_call_failed and is_definite and not is_incomplete
