"""Opening a Milvus Lite file: our lock on it, the process that serves it, and a client of that."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from pymilvus import MilvusClient, MilvusException

from rag.database_file import lock_database
from rag.errors import ConfigError, StoreError, StoreUnavailable
from rag.lite import Lite
from rag.milvus_errors import message_of

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class MilvusFile:
    """An open database file."""

    client: MilvusClient
    lite: Lite
    lock: TextIO

    def close(self) -> None:
        """End the connection and the process that serves the file, and let go of it."""
        self.client.close()
        self.lite.stop()
        self.lock.close()


def open_file(path: Path) -> MilvusFile:
    """Raises ConfigError, StoreLocked, StoreUnavailable or StoreError."""
    lock = lock_database(path)
    try:
        client, lite = _start(path)
    except (StoreError, ConfigError):
        lock.close()
        raise
    return MilvusFile(client, lite, lock)


def _start(path: Path) -> tuple[MilvusClient, Lite]:
    # The first connection sometimes fails (about 1 in 30), never twice in a row.
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            lite = Lite(path)
            try:
                return MilvusClient(lite.address), lite
            except MilvusException:
                lite.stop()
                raise
        except (MilvusException, OSError) as error:
            if attempt == _ATTEMPTS:
                raise StoreUnavailable(
                    f"{path} cannot be opened: {message_of(error)}; is it a Milvus Lite database, on a writable disk?"
                ) from error
            time.sleep(0.3 * attempt)
    raise AssertionError("unreachable")
