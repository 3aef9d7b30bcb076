"""Choosing who carries out a command: this process, or the server that owns the store."""

from collections.abc import Iterator
from contextlib import contextmanager

from api.service.owner import find_owner
from api.service.protocol import Service
from rag.settings import Settings


@contextmanager
def open_service(settings: Settings) -> Iterator[Service]:
    """The server that owns the configured store if there is one, else this process."""
    owner = find_owner(settings)
    if owner:
        from api.service.remote import RemoteService  # noqa: PLC0415  (each is loaded only if it is used)

        with RemoteService(owner) as remote:
            yield remote
    else:
        from api.service.local import LocalService  # noqa: PLC0415

        with LocalService(settings) as local:
            yield local
