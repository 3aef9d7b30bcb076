"""Find out which process carries out a command, and connect to it."""

from collections.abc import Iterator
from contextlib import contextmanager

from api.service.owner import find_owner
from api.service.protocol import Service
from rag.settings import Settings


@contextmanager
def open_service(settings: Settings) -> Iterator[Service]:
    """Connect to the server that has the configured store open, or use this process if there is none.

    Raises StoreLocked if that server does not answer.
    """
    owner = find_owner(settings)
    # Each of the two is loaded only if it is used: their libraries take a second.
    if owner:
        from api.service.remote import RemoteService  # noqa: PLC0415

        with RemoteService(owner) as remote:
            yield remote
    else:
        from api.service.local import LocalService  # noqa: PLC0415

        with LocalService(settings) as local:
            yield local
