"""Open the service that runs a command: a running server, or this process."""

from collections.abc import Iterator
from contextlib import contextmanager

from api.service.owner import find_owner
from api.service.protocol import Service
from rag.settings import Settings


@contextmanager
def open_service(settings: Settings) -> Iterator[Service]:
    """Connect to the server that has the configured store open; if there is none, open the store in this process.

    Raises StoreLocked if that server does not answer.
    """
    owner = find_owner(settings)
    # Imported only when used: the libraries of each take a second to load.
    if owner:
        from api.service.remote import RemoteService  # noqa: PLC0415

        with RemoteService(owner) as remote:
            yield remote
    else:
        from api.service.local import LocalService  # noqa: PLC0415

        with LocalService(settings) as local:
            yield local
