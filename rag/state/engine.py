"""Transactions of the state database through SQLAlchemy. It takes 0.1 s to import, so it is imported on first use."""

import os
import socket
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy import text as sql
from sqlalchemy.exc import SQLAlchemyError

from rag.database_url import SQLITE, sqlite_file
from rag.errors import StateUnavailable
from rag.private_files import make_private_folder
from rag.state.schema import is_current, migrate

ERRORS = (SQLAlchemyError, StateUnavailable, OSError, ImportError)
"""What a transaction raises if the database cannot be reached, read or written, or its driver has no library."""

_BUSY_SECONDS = 2
_CONNECT_SECONDS = 2
_STATEMENT_SECONDS = 2
_CONNECTION_SECONDS = 4
"""The longest life of a connection to PostgreSQL. It also ends a wait for a server that hangs and says nothing."""


class Transaction:
    """Runs SQL that SQLite and PostgreSQL both understand, with parameters as `:name`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, *rows: dict[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Run the statement with the parameters, once for each of `rows`; return the rows that it selects."""
        result = self._connection.execute(sql(statement), list(rows) if len(rows) > 1 else rows[0] if rows else None)
        return [dict(row) for row in result.mappings()] if result.returns_rows else []


class TransactionFactory:
    """Opens transactions of the database at the URL, each on a connection of its own.

    So nothing has to be noticed or repaired after the database was restarted, removed or replaced: the next transaction
    finds the one that is there, and creates its tables if need be.
    """

    def __init__(self, url: str) -> None:
        self._file = sqlite_file(url).absolute() if url.startswith(SQLITE) else None
        self._engine = _open_sqlite(self._file) if self._file else _open_postgresql(make_url(url))

    @contextmanager
    def begin(self, *, writes: bool) -> Iterator[Transaction]:
        """Open a transaction, and commit it at the end if it `writes`. Raises `ERRORS`.

        Reading does not create a file: a missing one reads as an empty database.
        """
        is_there = self._file is None or _is_there(self._file, create=writes)
        engine = self._engine if is_there else _open_sqlite(None)
        with engine.connect() as connection:
            if not is_current(connection):
                connection.rollback()
                migrate(connection)
            if connection.dialect.name == "postgresql":
                connection.execute(sql(f"SET LOCAL statement_timeout = '{_STATEMENT_SECONDS}s'"))
            elif writes:
                # A transaction that begins by reading cannot wait for another one that writes.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield Transaction(connection)
            if writes:
                connection.commit()


def _open_sqlite(file: Path | None) -> Engine:
    """Open the file, which must exist, or a database in memory."""
    url = URL.create("sqlite")
    if file:
        url = url.set(database=f"file:{quote(str(file))}", query={"mode": "rw", "uri": "true"})
    # The driver begins no transactions by itself; `begin` does.
    arguments = {"timeout": _BUSY_SECONDS, "isolation_level": None}
    engine = create_engine(url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def use_wal(connection: sqlite3.Connection, record: object) -> None:
        """Let other processes read while one writes."""
        connection.execute("PRAGMA journal_mode = WAL")

    return engine


def _open_postgresql(url: URL) -> Engine:
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        connect_args={"connect_timeout": _CONNECT_SECONDS, "application_name": "zhiwen"},
        hide_parameters=True,
    )

    def start_timer(connection: Any, record: Any) -> None:
        duplicate = socket.socket(fileno=os.dup(connection.fileno()))
        record.info["socket"] = duplicate
        record.info["timer"] = timer = Timer(_CONNECTION_SECONDS, _shut_down, [duplicate])
        timer.daemon = True
        timer.start()

    def stop_timer(connection: Any, record: Any) -> None:
        record.info.pop("timer").cancel()
        record.info.pop("socket").close()

    # Before SQLAlchemy's own listener, which already asks the server for its version.
    event.listen(engine, "connect", start_timer, insert=True)
    event.listen(engine, "close", stop_timer)
    return engine


def _shut_down(connection: socket.socket) -> None:
    """End the wait of the thread that uses this connection: psycopg has no limit on the time of a call."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _is_there(file: Path, *, create: bool) -> bool:
    """Return whether the file exists, or create it. Only its owner may read it; SQLite's other files follow its mode.

    An existing file is not opened: closing it again would release all locks that SQLite has on it in this process.
    """
    if create:
        make_private_folder(file.parent)
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        file.chmod(0o600)  # the umask may have taken more away
    return file.exists()
