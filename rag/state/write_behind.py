"""Write records to the state database in a thread of their own, so that nobody waits for a database that is away."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from rag.errors import StateUnavailable
from rag.state.database import RETRY_SECONDS

MAX_WAITING = 100
"""While the database is away, the last records wait in memory until it is back."""

_GATHER_SECONDS = 0.2
"""How long a record waits for others: a transaction costs a busy service more than the records in it."""
_ENOUGH = MAX_WAITING // 2
_CLOSE_SECONDS = 10.0
"""Longer than a try to write takes."""

log = logging.getLogger("zhiwen.state")

RecordT = TypeVar("RecordT")


class WriteBehind(Generic[RecordT]):
    """Passes records to `write`, several at once, until it succeeds; `write` may raise StateUnavailable.

    `name` is what the records are called in the log. Safe to use from several threads.
    """

    def __init__(self, write: Callable[[Sequence[RecordT]], None], *, name: str) -> None:
        self._write = write
        self._name = name
        self._waiting: OrderedDict[str, RecordT] = OrderedDict()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closing = False
        self._is_away = False
        self._lost = 0

    def put(self, key: str, record: RecordT) -> None:
        """Take the record, and return at once. The oldest record is lost if too many wait."""
        with self._changed:
            self._waiting[key] = record
            if len(self._waiting) > MAX_WAITING:
                self._waiting.popitem(last=False)
                self._lost += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"write {self._name}", daemon=True)
                self._thread.start()
            if len(self._waiting) in (1, _ENOUGH):  # the thread waits for nothing in between
                self._changed.notify()

    def find(self, key: str) -> RecordT | None:
        """Return the record if it has not been written yet."""
        with self._changed:
            return self._waiting.get(key)

    def close(self) -> None:
        """Write what waits, unless the last try failed, and end the thread. Call it once."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        if self._thread:
            self._thread.join(_CLOSE_SECONDS)
        if self._waiting:
            log.warning("%d %s could not be kept", len(self._waiting) + self._lost, self._name)

    def _run(self) -> None:
        while batch := self._next_batch():
            try:
                self._write(list(batch.values()))
            except StateUnavailable as error:
                self._wait(error)
            else:
                self._remove(batch)

    def _next_batch(self) -> dict[str, RecordT]:
        """Wait for records and return them; return none when it is time to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closing)
            self._changed.wait_for(lambda: self._is_closing or len(self._waiting) >= _ENOUGH, _GATHER_SECONDS)
            return {} if self._is_closing and self._is_away else dict(self._waiting)

    def _wait(self, error: StateUnavailable) -> None:
        with self._changed:
            if not self._is_away:
                log.warning("%s are not kept, answers go on: %s", self._name, error)
            self._is_away = True
            self._changed.wait_for(lambda: self._is_closing, RETRY_SECONDS)

    def _remove(self, batch: dict[str, RecordT]) -> None:
        with self._changed:
            for key, record in batch.items():
                if self._waiting.get(key) is record:  # another one may have come under its key meanwhile
                    del self._waiting[key]
            if self._is_away or self._lost:
                log.info("%s are kept again; %d were lost", self._name, self._lost)
            self._is_away, self._lost = False, 0
