"""The owner of an embedded database: the server that has it open writes a small record beside it.

Only one process can open a Milvus Lite file, so other commands find the owner by its record and go through its HTTP
API.
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
from rag.private_files import open_private
from rag.settings import Settings

INSTANCE_PATH = "/instance"
"""A route that a server answers even if its store fails."""
INSTANCE_HEADER = "X-Zhiwen-Instance"

_ANSWER_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Owner:
    """A running server.

    `instance` is random for each server, so that another server on the same port is not mistaken for it. `token` is an
    API key for the commands of the same user; nobody else can read the record.
    """

    url: str
    pid: int
    instance: str
    token: str = ""


@contextmanager
def owner_record(settings: Settings, owner: Owner) -> Iterator[None]:
    """Keep the record while the server runs. A store with a server URI needs no record."""
    path = _record_path(settings)
    if path is None:
        yield
        return
    with _hold(path) as file:
        json.dump(asdict(owner), file)
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def find_owner(settings: Settings) -> Owner | None:
    """Return the running server that owns the configured database, or None. Removes the record of a dead server.

    Raises StoreLocked if the owner runs but does not answer, is still starting, or belongs to another user.
    """
    path = _record_path(settings)
    if path is None:
        return None
    try:
        with path.open(encoding="utf-8") as file:
            return None if _is_dead(file, path) else _read_owner(file, settings.store.uri)
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise StoreLocked(
            f"{settings.store.uri} is open in a server of another user; use its HTTP API with an API key"
        ) from error


@contextmanager
def _hold(path: Path) -> Iterator[TextIO]:
    """Open the record, lock it and empty it. The lock ends with the process, even if that is killed."""
    while True:
        with open(path, "a", encoding="utf-8", opener=open_private) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # Before the lock, another process may have taken the record for a dead owner's and removed it.
            if _is_current(file, path):
                # A record that an older version left may have another mode.
                os.fchmod(file.fileno(), 0o600)
                file.truncate(0)
                yield file
                return


def _is_dead(file: TextIO, path: Path) -> bool:
    """Return whether no process holds the record; if so, remove it under a lock, so that none can take it meanwhile."""
    if not _can_lock(file, fcntl.LOCK_SH):
        return False
    if _can_lock(file, fcntl.LOCK_EX) and _is_current(file, path):
        path.unlink()
    return True


def _read_owner(file: TextIO, uri: str) -> Owner:
    try:
        owner = Owner(**json.loads(file.read()))
    except (ValueError, TypeError) as error:
        raise StoreLocked(f"{uri} is open in a server that is just starting; try again") from error
    if not _answers(owner):
        raise StoreLocked(f"{uri} is open in the server {owner.url} (process {owner.pid}), which does not answer")
    return owner


def _record_path(settings: Settings) -> Path | None:
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


def _is_current(file: TextIO, path: Path) -> bool:
    """Return whether this open file is still the one at the path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
