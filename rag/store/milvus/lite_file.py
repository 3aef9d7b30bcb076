"""Opening a Milvus Lite file: our lock on it, the process that serves it, and a client of that process."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from pymilvus import MilvusClient, MilvusException

from rag.errors import ConfigError, StoreError, StoreUnavailable
from rag.store.milvus.database_lock import lock_database
from rag.store.milvus.errors import error_message
from rag.store.milvus.lite_process import LiteProcess

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class LiteFile:
    """An open database file."""

    client: MilvusClient
    process: LiteProcess
    lock: TextIO

    def close(self) -> None:
        """End the connection and the process that serves the file, and release the lock."""
        self.client.close()
        self.process.stop()
        self.lock.close()


def open_lite_file(path: Path) -> LiteFile:
    """Open a database file. Raises ConfigError, StoreLocked, StoreUnavailable or StoreError."""
    lock = lock_database(path)
    try:
        client, process = _start(path)
    except (StoreError, ConfigError):
        lock.close()
        raise
    return LiteFile(client, process, lock)


def _start(path: Path) -> tuple[MilvusClient, LiteProcess]:
    # About 1 in 30 first connections fails, and never twice in a row.
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            process = LiteProcess(path)
            try:
                return MilvusClient(process.address), process
            except MilvusException:
                process.stop()
                raise
        except (MilvusException, OSError) as error:
            if attempt == _ATTEMPTS:
                raise StoreUnavailable(
                    f"{path} cannot be opened: {error_message(error)}; is it a Milvus Lite database on a writable disk?"
                ) from error
            time.sleep(0.3 * attempt)
    raise AssertionError("unreachable")
