"""Chunks of the generations that are searched, kept in memory: to read a chunk takes longer than to find it."""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence

from cachetools import LRUCache

from rag.errors import StoreError
from rag.models.embedders.protocol import Vector
from rag.store.records import Commit
from rag.store.rows import StoredChunk
from rag.store.whole_generation import WholeGeneration

log = logging.getLogger("zhiwen.store")

_KEPT_GENERATIONS = 2  # the live one, and the one that requests under way still read
KEPT_CHUNKS = 4096
"""Of each generation; one takes about 10 KB, and 12 KB with its vector in a generation that is there as a whole."""
_MAX_NUMBERS = KEPT_CHUNKS * 1024
"""Of the vectors of a generation that is kept as a whole: 16 MB."""
_WORTH_COMPLETING = 0.25
"""If this share of a small generation is known, the rest is read, too: questions will soon need it."""


class ChunkCache:
    """Keeps the chunks that were used last, by generation and id. Safe to use from several threads.

    It is for committed generations only: those never change, while a staged one may be given up and staged again.
    """

    def __init__(self) -> None:
        self._known: LRUCache[Commit, LRUCache[str, StoredChunk]] = LRUCache(_KEPT_GENERATIONS)
        self._whole: LRUCache[Commit, WholeGeneration | None] = LRUCache(_KEPT_GENERATIONS)
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

    def whole(self, commit: Commit) -> WholeGeneration | None:
        """Return all of a generation, or None if not all of it is known."""
        with self._lock:
            return self._whole.get(commit)

    def claim(self, commit: Commit) -> bool:
        """Return True once for a generation that is small enough: the caller should `complete` it."""
        is_small = commit.chunks <= KEPT_CHUNKS and commit.chunks * commit.dimension <= _MAX_NUMBERS
        with self._lock:
            if not commit.chunks or not is_small or commit in self._whole:
                return False
            self._whole[commit] = None
            return True

    def should_complete(self, commit: Commit) -> bool:
        """Return `claim` when questions have found enough of the generation; a question calls this once.

        The first one alone is not enough: a command asks no other.
        """
        with self._lock:
            known = len(self._known.get(commit, ()))
            is_first, self._asked[commit] = commit not in self._asked, True
        return not is_first and known >= _WORTH_COMPLETING * commit.chunks and self.claim(commit)

    def complete(self, commit: Commit, read: Callable[[], Sequence[tuple[StoredChunk, Vector]]]) -> None:
        """Keep all chunks of a generation, which `read` returns; if it fails, questions ask the store."""
        try:
            found = read()
        except StoreError as error:
            log.warning("generation %d could not be read into memory: %s", commit.generation, error)
            return
        if len(found) == commit.chunks:  # otherwise it was deleted meanwhile
            self.put(commit, (stored for stored, _ in found))
            whole = WholeGeneration(found)
            with self._lock:
                self._whole[commit] = whole
