"""Who owns an embedded database: the server that has it open says so in a small file beside it.

Milvus Lite lets one process open a file, so the command line asks the owner over HTTP instead.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

import httpx2

from rag.errors import StoreLocked
from rag.settings import Settings

INSTANCE_PATH = "/instance"
"""Answered by a server whatever has become of its store."""
INSTANCE_HEADER = "X-Zhiwen-Instance"

_ANSWER_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Owner:
    """`instance` is random for each server, so that another one on the same port is not taken for it.

    `token` opens the server to the command line of the user who runs it; nobody else can read the record.
    """

    url: str
    pid: int
    instance: str
    token: str = ""


@contextmanager
def owner_record(settings: Settings, owner: Owner) -> Iterator[None]:
    """Keep the record while the server runs; nothing for a store that is itself a server."""
    path = _record(settings)
    if path is None:
        yield
        return
    with _held(path) as file:
        json.dump(asdict(owner), file)
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def find_owner(settings: Settings) -> Owner | None:
    """The running server that owns the configured database. The record of a dead one is removed.

    Raises StoreLocked if the owner lives and does not answer, or is another user's.
    """
    path = _record(settings)
    if path is None:
        return None
    try:
        with path.open(encoding="utf-8") as file:
            return None if _is_dead(file, path) else _living_owner(file, settings.store.uri)
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise StoreLocked(
            f"{settings.store.uri} belongs to a server of another user; ask it over HTTP, with an API key"
        ) from error


@contextmanager
def _held(path: Path) -> Iterator[TextIO]:
    """The record, emptied and locked. The lock ends with the process, however it ends."""
    while True:
        with open(path, "a", encoding="utf-8", opener=_for_us_alone) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # Before it was locked, somebody may have taken it for that of a dead owner and removed it.
            if _is_still(file, path):
                # One that a version before this left may have had another mode.
                os.fchmod(file.fileno(), 0o600)
                file.truncate(0)
                yield file
                return


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _is_dead(file: TextIO, path: Path) -> bool:
    """Whether nobody holds the record; then it is removed, under a lock, so that nobody can begin to hold it."""
    if not _can_lock(file, fcntl.LOCK_SH):
        return False
    if _can_lock(file, fcntl.LOCK_EX) and _is_still(file, path):
        path.unlink()
    return True


def _living_owner(file: TextIO, uri: str) -> Owner:
    try:
        owner = Owner(**json.loads(file.read()))
    except (ValueError, TypeError) as error:
        raise StoreLocked(f"{uri} belongs to a server that is just starting; try again") from error
    if not _answers(owner):
        raise StoreLocked(f"{uri} belongs to the server {owner.url} (process {owner.pid}), which does not answer")
    return owner


def _record(settings: Settings) -> Path | None:
    uri = settings.store.uri
    return None if "://" in uri else Path(f"{uri}.owner")


def _answers(owner: Owner) -> bool:
    with suppress(httpx2.HTTPError, ValueError):
        response = httpx2.get(f"{owner.url}{INSTANCE_PATH}", timeout=_ANSWER_SECONDS, trust_env=False)
        return bool(response.headers.get(INSTANCE_HEADER) == owner.instance)
    return False


def _can_lock(file: TextIO, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(file: TextIO, path: Path) -> bool:
    """Whether this open file is the one that has the name now."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
