"""One writer at a time: within the process by a lock, on a Milvus server by a lease row as well.

Milvus has no compare-and-set, so the lease is advisory: two writers that take it in the same instant both go on, and
the commit of the second finds the generation moved and gives up.
"""

import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from rag import rows
from rag.errors import StoreLocked
from rag.store import Store

_BEAT_SECONDS = 5.0
_STALE_SECONDS = 30.0


@contextmanager
def writing(store: Store) -> Iterator[None]:
    """Hold the right to write. Raises StoreLocked at once, naming the owner, if somebody else holds it."""
    if not store.writing.acquire(blocking=False):
        raise StoreLocked(f"{store.uri}: an ingest or rollback is running already in this process; wait for its end")
    try:
        if store.milvus.is_embedded:
            yield  # the database file has one process anyway
        else:
            with _leased(store):
                yield
    finally:
        store.writing.release()


@contextmanager
def _leased(store: Store) -> Iterator[None]:
    store.create_state_collection()
    owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    held = _read(store)
    if held and held[0] != owner and time.time() - held[1] < _STALE_SECONDS:
        raise StoreLocked(f"{store.uri}: {held[0]} is writing; wait for its end, or {_STALE_SECONDS:.0f} s if it died")
    _beat(store, owner)
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(_BEAT_SECONDS):
            _beat(store, owner)

    heart = threading.Thread(target=beat, name="lease", daemon=True)
    heart.start()
    try:
        yield
    finally:
        ended.set()
        heart.join()
        store.milvus.delete(store.state_collection, 'key == "lease"')


def _read(store: Store) -> tuple[str, float] | None:
    found = list(store.milvus.rows(store.state_collection, 'key == "lease"', ["payload"]))
    return (str(found[0]["payload"]["owner"]), float(found[0]["payload"]["beat"])) if found else None


def _beat(store: Store, owner: str) -> None:
    store.milvus.upsert(store.state_collection, [rows.state_row("lease", {"owner": owner, "beat": time.time()})])
