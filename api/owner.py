"""Who owns an embedded database: the server that has it open says so in a small file beside it.

Milvus Lite lets one process open a file, so the command line asks the owner over HTTP instead.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

import httpx2

from rag.config import Settings
from rag.errors import StoreLocked

_ANSWER_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Owner:
    """`instance` is random for each server, so that another one on the same port is not taken for it."""

    url: str
    pid: int
    instance: str


@contextmanager
def recorded(settings: Settings, owner: Owner) -> Iterator[None]:
    """Keep the record while the server runs; nothing for a store that is itself a server."""
    path = _record(settings)
    if path is None:
        yield
        return
    with path.open("w", encoding="utf-8") as file:
        # The lock ends with the process, however it ends: that is how a dead owner is told from a living one.
        fcntl.flock(file, fcntl.LOCK_EX)
        json.dump(asdict(owner), file)
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def find_owner(settings: Settings) -> Owner | None:
    """The running server that owns the configured database. The record of a dead one is removed.

    Raises StoreLocked if the owner lives and does not answer.
    """
    path = _record(settings)
    if path is None:
        return None
    try:
        with path.open(encoding="utf-8") as file:
            is_dead = _can_lock(file)
            content = file.read()
    except FileNotFoundError:
        return None
    if is_dead:
        path.unlink(missing_ok=True)
        return None
    try:
        owner = Owner(**json.loads(content))
    except (ValueError, TypeError) as error:
        raise StoreLocked(f"{settings.store.uri} belongs to a server that is just starting; try again") from error
    if not _answers(owner):
        raise StoreLocked(
            f"{settings.store.uri} belongs to the server {owner.url} (process {owner.pid}), which does not answer"
        )
    return owner


def _record(settings: Settings) -> Path | None:
    uri = settings.store.uri
    return None if "://" in uri else Path(f"{uri}.owner")


def _answers(owner: Owner) -> bool:
    with suppress(httpx2.HTTPError, ValueError):
        response = httpx2.get(f"{owner.url}/health", timeout=_ANSWER_SECONDS, trust_env=False)
        return bool(response.headers.get("X-Zhiwen-Instance") == owner.instance)
    return False


def _can_lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
