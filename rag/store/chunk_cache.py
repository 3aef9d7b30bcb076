"""Chunks of the generations that are searched, kept in memory: to read a chunk takes longer than to find it."""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence

from cachetools import LRUCache

from rag.errors import StoreError
from rag.store.neighbourhood import ChunkPlaces
from rag.store.records import Commit
from rag.store.rows import StoredChunk

log = logging.getLogger("zhiwen.store")

_KEPT_GENERATIONS = 2  # the live one, and the one that requests under way still read
KEPT_CHUNKS = 4096
"""Of each generation; one takes about 10 KB."""
_WORTH_COMPLETING = 0.25
"""If this share of a small generation is known, the rest is read, too: questions will soon need it."""


class ChunkCache:
    """Keeps the chunks that were used last, by generation and id. Safe to use from several threads.

    It is for committed generations only: those never change, while a staged one may be given up and staged again.
    """

    def __init__(self) -> None:
        self._known: LRUCache[Commit, LRUCache[str, StoredChunk]] = LRUCache(_KEPT_GENERATIONS)
        self._places: LRUCache[Commit, ChunkPlaces | None] = LRUCache(_KEPT_GENERATIONS)
        self._asked: LRUCache[Commit, bool] = LRUCache(_KEPT_GENERATIONS)
        self._lock = threading.Lock()

    def get(self, commit: Commit, ids: Iterable[str]) -> dict[str, StoredChunk]:
        """Return the chunks that are known, by id."""
        with self._lock:
            known = self._known.get(commit)
            return {name: known[name] for name in ids if name in known} if known else {}

    def put(self, commit: Commit, chunks: Iterable[StoredChunk]) -> None:
        """Keep chunks of a generation."""
        with self._lock:
            known = self._known.setdefault(commit, LRUCache(KEPT_CHUNKS))
            known.update((stored.chunk.id, stored) for stored in chunks)

    def places(self, commit: Commit) -> ChunkPlaces | None:
        """Return the places of all chunks of a generation, or None if not all are known."""
        with self._lock:
            return self._places.get(commit)

    def should_complete(self, commit: Commit) -> bool:
        """Return True once, when questions have found so much of a small generation that `complete` should be called.

        The first question alone is not enough: a command asks no other.
        """
        with self._lock:
            known = len(self._known.get(commit, ()))
            is_due = commit.chunks <= KEPT_CHUNKS and known >= _WORTH_COMPLETING * commit.chunks
            is_first, self._asked[commit] = commit not in self._asked, True
            if is_first or not is_due or commit in self._places:
                return False
            self._places[commit] = None
            return True

    def complete(self, commit: Commit, read: Callable[[], Sequence[StoredChunk]]) -> None:
        """Keep all chunks of a generation, which `read` returns; if it fails, questions read what they need."""
        try:
            chunks = read()
        except StoreError as error:
            log.warning("generation %d could not be read into memory: %s", commit.generation, error)
            return
        if len(chunks) == commit.chunks:  # otherwise it was deleted meanwhile
            self.put(commit, chunks)
            places = ChunkPlaces(stored.chunk for stored in chunks)
            with self._lock:
                self._places[commit] = places
