"""One writer at a time: within the process by a lock, on a Milvus server by a lease row as well.

Milvus has no compare-and-set, so the lease is advisory: two writers that take it in the same instant both go on, and
the second to commit finds that the generation has moved and gives up.
"""

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rag.errors import StoreError, StoreLocked
from rag.store.records import Lease
from rag.store.store import Store

log = logging.getLogger("zhiwen.ingest")

_BEAT_SECONDS = 5.0
_STALE_SECONDS = 30.0

CheckLease = Callable[[], None]
"""Raises StoreLocked if another writer has taken over."""


@contextmanager
def write_lease(store: Store) -> Iterator[CheckLease]:
    """Hold the right to write; yields a function that raises StoreLocked once the right is lost.

    Raises StoreLocked at once, naming the holder, if another writer holds it.
    """
    if not store.write_lock.acquire(blocking=False):
        raise StoreLocked(f"{store.uri}: an ingest or rollback is running already in this process; wait for its end")
    try:
        if store.is_embedded:
            yield lambda: None  # only one process has the database file open anyway
        else:
            writer = _Writer(store)
            with writer.holding():
                yield writer.check
    finally:
        store.write_lock.release()


class _Writer:
    """Holds the lease row and renews it on a thread. A process that was stopped for long finds out that it lost it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._has_ended = threading.Event()
        self._last_beat = 0.0

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Hold the lease. Raises StoreLocked if another writer renewed it lately."""
        current = self._store.notes.read_lease()
        if current and time.time() - current.beat < _STALE_SECONDS:
            raise StoreLocked(
                f"{self._store.uri}: {current.owner} is writing; wait for its end, or {_STALE_SECONDS:.0f} s if it died"
            )
        self._renew()
        renewal = threading.Thread(target=self._keep_renewing, name="lease", daemon=True)
        renewal.start()
        try:
            yield
        finally:
            self._has_ended.set()
            renewal.join()
            self._release()

    def check(self) -> None:
        """Raises StoreLocked if another writer has taken over."""
        if time.time() - self._last_beat > _STALE_SECONDS / 2 and not self._is_mine():
            raise StoreLocked(f"{self._store.uri}: another process has taken over; nothing was changed, run again")

    def _is_mine(self) -> bool:
        current = self._store.notes.read_lease()
        return current is not None and current.owner == self._owner

    def _keep_renewing(self) -> None:
        while not self._has_ended.wait(_BEAT_SECONDS):
            try:
                if self._is_mine():
                    self._renew()
            except StoreError as error:
                # The next renewal may get through. If none does, `check` finds out before anything is written.
                log.warning("the lease was not renewed: %s", error)

    def _renew(self) -> None:
        beat = time.time()
        self._store.notes.put_lease(Lease(self._owner, beat))
        self._last_beat = beat

    def _release(self) -> None:
        try:
            if self._is_mine():
                self._store.notes.release_lease()
        except StoreError as error:
            # The writes have succeeded, or failed with an error of their own; this one is for the log only.
            log.warning("the lease was not released and expires in %.0f s: %s", _STALE_SECONDS, error)
