"""The state database: what people asked and thought, in an SQLite file or in PostgreSQL."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rag.database_url import POSTGRESQL, SQLITE
from rag.errors import ConfigError, StateUnavailable
from rag.first_line import first_line
from rag.optional_packages import require_extra
from rag.settings import Settings
from rag.url_credentials import mask_credentials

if TYPE_CHECKING:
    from rag.state.engine import Transaction, TransactionFactory

RETRY_SECONDS = 2.0
"""After a failure, the database is not tried again for so long, so that few threads wait for a dead one."""

_SQLITE_TURN = threading.Lock()
"""The threads of this process take turns at SQLite: it waits for a lock by sleeping, so some would wait for very long.
And while one creates a file, no other opens it."""

_FILE = "state.db"
_FOLDER = ".zhiwen"


class StateDatabase:
    """Opens transactions of the database at `url`: `sqlite:///FILE` or `postgresql://…`.

    Making one connects to nothing. Safe to use from several threads, and by several processes at the same time. Raises
    ConfigError if the driver of PostgreSQL is missing.
    """

    def __init__(self, url: str) -> None:
        if url.startswith(POSTGRESQL):
            require_extra("postgres", ["psycopg"], purpose=f"state.url: {mask_credentials(url)}", error=ConfigError)
        self._url = url
        self._failure = ""
        self._retry_at = 0.0

    @classmethod
    def of(cls, settings: Settings) -> "StateDatabase":
        """Return the database of `state.url`; if that is empty, a file beside that of the index, else in `.zhiwen`."""
        index = settings.store.uri
        folder = Path(_FOLDER) if "://" in index else Path(index).parent
        return cls(settings.state.url or f"{SQLITE}{folder / _FILE}")

    @property
    def location(self) -> str:
        """The URL without its password, or the path of the SQLite file."""
        return mask_credentials(self._url).removeprefix(SQLITE)

    @contextmanager
    def reading(self) -> Iterator["Transaction"]:
        """Open a transaction that only reads. Raises StateUnavailable, within a few seconds."""
        with self._transaction(writes=False) as transaction:
            yield transaction

    @contextmanager
    def writing(self) -> Iterator["Transaction"]:
        """Open a transaction that is on the disk once it is left. Raises StateUnavailable, within a few seconds."""
        with self._transaction(writes=True) as transaction:
            yield transaction

    def check(self) -> None:
        """Raise StateUnavailable if the database cannot be read."""
        with self.reading() as transaction:
            transaction.execute("SELECT version FROM schema_version")

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator["Transaction"]:
        with _SQLITE_TURN if self._url.startswith(SQLITE) else nullcontext():
            # Others may have failed while this thread waited for its turn.
            if time.monotonic() < self._retry_at:
                raise StateUnavailable(self._failure)
            with self._noting_failures(), self._transactions.begin(writes=writes) as transaction:
                yield transaction

    @contextmanager
    def _noting_failures(self) -> Iterator[None]:
        from rag.state.engine import ERRORS  # noqa: PLC0415  (SQLAlchemy takes 0.1 s to import)

        try:
            yield
        except ERRORS as error:
            reason = mask_credentials(first_line(getattr(error, "orig", None) or error))
            self._failure = f"the state database {self.location} cannot be used (state.url): {reason}"
            self._retry_at = time.monotonic() + RETRY_SECONDS
            raise StateUnavailable(self._failure) from error

    @cached_property
    def _transactions(self) -> "TransactionFactory":
        from rag.state.engine import TransactionFactory  # noqa: PLC0415

        return TransactionFactory(self._url)
