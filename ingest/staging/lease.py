"""One writer at a time: within the process by a lock, on a Milvus server by a lease row as well.

Milvus has no compare-and-set, so the lease is advisory: two writers that take it in the same instant both go on, and
the commit of the second finds the generation moved and gives up.
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
from rag.store import rows
from rag.store.store import Store

log = logging.getLogger("zhiwen.ingest")

_BEAT_SECONDS = 5.0
_STALE_SECONDS = 30.0


CheckLease = Callable[[], None]


@contextmanager
def write_lease(store: Store) -> Iterator[CheckLease]:
    """Hold the right to write; what it gives raises StoreLocked once that right is lost.

    Raises StoreLocked at once, naming the owner, if somebody else holds it.
    """
    if not store.writing.acquire(blocking=False):
        raise StoreLocked(f"{store.uri}: an ingest or rollback is running already in this process; wait for its end")
    try:
        if store.milvus.is_embedded:
            yield lambda: None  # the database file has one process anyway
        else:
            lease = _Lease(store)
            with lease.held():
                yield lease.check
    finally:
        store.writing.release()


class _Lease:
    """The row, and the thread that keeps it fresh. A process that was stopped for long finds that it lost it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._ended = threading.Event()
        self._last_beat = 0.0

    @contextmanager
    def held(self) -> Iterator[None]:
        self._store.create_state_collection()
        current = lease_holder(self._store)
        if current and time.time() - current[1] < _STALE_SECONDS:
            raise StoreLocked(
                f"{self._store.uri}: {current[0]} is writing; wait for its end, or {_STALE_SECONDS:.0f} s if it died"
            )
        self._beat()
        heart = threading.Thread(target=self._keep_beating, name="lease", daemon=True)
        heart.start()
        try:
            yield
        finally:
            self._ended.set()
            heart.join()
            self._let_go()

    def _let_go(self) -> None:
        try:
            if self._is_mine():
                self._store.milvus.delete(self._store.state_collection, 'key == "lease"')
        except StoreError as error:
            # What was written under it stands, or has failed by an error of its own; nobody else is told of this one.
            log.warning("the lease could not be given back, and ends in %.0f s: %s", _STALE_SECONDS, error)

    def check(self) -> None:
        if time.time() - self._last_beat > _STALE_SECONDS / 2 and not self._is_mine():
            raise StoreLocked(f"{self._store.uri}: another process has taken over; nothing was changed, run again")

    def _is_mine(self) -> bool:
        current = lease_holder(self._store)
        return current is not None and current[0] == self._owner

    def _keep_beating(self) -> None:
        while not self._ended.wait(_BEAT_SECONDS):
            try:
                if self._is_mine():
                    self._beat()
            except StoreError as error:
                # The next beat may get through. If none does, `check` finds out before anything is written.
                log.warning("the lease was not renewed: %s", error)

    def _beat(self) -> None:
        beat = time.time()
        row = rows.to_state_row("lease", {"owner": self._owner, "beat": beat})
        self._store.milvus.upsert(self._store.state_collection, [row])
        self._last_beat = beat


def lease_holder(store: Store) -> tuple[str, float] | None:
    """Who holds the lease, and when its heart last beat, by its own clock."""
    found = list(store.milvus.rows(store.state_collection, 'key == "lease"', ["payload"]))
    return (str(found[0]["payload"]["owner"]), float(found[0]["payload"]["beat"])) if found else None
