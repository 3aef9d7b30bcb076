"""The clock of a Milvus server."""

from rag.errors import StoreError, StoreTimeout, StoreUnavailable
from rag.store.collection_spec import LATEST, ReadTimestamp
from rag.store.milvus.connection import Connection
from rag.store.milvus.errors import translate_errors


def read_server_clock(connection: Connection, *, timeout_seconds: float) -> ReadTimestamp:
    """Return the server's time, or LATEST if it does not tell it. Raises StoreUnavailable or StoreTimeout."""
    try:
        with translate_errors(connection.uri):
            server = connection.client._get_connection()
            return ReadTimestamp(server.alloc_timestamp(timeout=timeout_seconds))
    except (StoreUnavailable, StoreTimeout):
        raise
    except StoreError:
        return LATEST  # some hosted services refuse the call
