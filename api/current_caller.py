"""Who sent the request that is being served, for code below the routes."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from rag.blocking_work import on_behalf_of
from rag.rights import UNLIMITED, Rights


@dataclass(frozen=True, slots=True)
class Caller:
    """The name of the API key, "" without one, and whether it opens everything.

    `rights` say which documents it may see.
    """

    name: str = ""
    is_administrator: bool = True
    rights: Rights = UNLIMITED


_NOBODY = Caller()
_current: ContextVar[Caller] = ContextVar("caller", default=_NOBODY)


def current_caller() -> Caller:
    """Return the caller of this request; outside of a request, and on a server without keys, an administrator."""
    return _current.get()


@contextmanager
def calling(caller: Caller) -> Iterator[None]:
    """Set the caller for the rest of a request, and the threads and tasks that it starts, and their turns."""
    token = _current.set(caller)
    try:
        with on_behalf_of(caller.name):
            yield
    finally:
        _current.reset(token)
