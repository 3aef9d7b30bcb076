"""Answers that were given, for the same question to the same generation: no search, no model call."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from rag.answering.history import Turn
from rag.state.traces import Trace
from rag.store.filters import Filter
from rag.store.versions import Commit


@dataclass(frozen=True, slots=True)
class CacheKey:
    """All that an answer depends on besides the settings, which do not change while a cache lives."""

    question: str
    history: tuple[Turn, ...]
    condition: Filter | None
    commit: Commit


class AnswerCache:
    """The answers used last, at most `size`. Safe to use from several threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._traces: OrderedDict[CacheKey, Trace] = OrderedDict()

    def get(self, asked: CacheKey) -> Trace | None:
        with self._lock:
            if asked in self._traces:
                self._traces.move_to_end(asked)
            return self._traces.get(asked)

    def put(self, asked: CacheKey, trace: Trace) -> None:
        with self._lock:
            self._traces[asked] = trace
            self._traces.move_to_end(asked)
            while len(self._traces) > self._size:
                self._traces.popitem(last=False)
