"""Opens the client that the settings name."""

import os
from typing import TYPE_CHECKING

from rag.errors import ConfigError
from rag.settings import StoreSettings
from rag.store.collection_spec import VectorIndex
from rag.store.import_folder import open_import_folder
from rag.store.milvus.pandas_left_out import pandas_left_out

if TYPE_CHECKING:
    from rag.store.milvus.client import Milvus


def open_milvus(settings: StoreSettings, *, shares: bool = False) -> "Milvus":
    """Return a client, which connects at the first call. Raises ConfigError as `Store.open`.

    With `shares`, new collections of a file are parts of shared ones; on a server they never are.
    """
    # Read when gRPC is first imported: otherwise it prints what we raise, and harmless things besides, on stderr.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # Imported here: it takes a quarter of a second, and commands that go through a server do without.
    with pandas_left_out():
        from rag.store.milvus.client import Milvus  # noqa: PLC0415
        from rag.store.milvus.shared_collections import SharingMilvus  # noqa: PLC0415

    index = VectorIndex(
        settings.index, settings.index_parameters, settings.search_parameters, settings.mmap, settings.replicas
    )
    import_folder = open_import_folder(settings)
    timeouts = {
        "timeout_seconds": settings.timeout_seconds,
        "connect_timeout_seconds": settings.connect_timeout_seconds,
    }
    if "://" in settings.uri:
        secret, database = settings.token.get_secret_value(), settings.database
        return Milvus(
            settings.uri, token=secret, database=database, index=index, import_folder=import_folder, **timeouts
        )
    if index != VectorIndex() or import_folder:
        raise ConfigError(
            f"store.index, store.index_parameters, store.search_parameters, store.mmap, store.replicas and "
            f"store.bulk_import_url need a Milvus server; {settings.uri} is a file, which has only AUTOINDEX: remove "
            "them, or set store.uri"
        )
    return SharingMilvus(settings.uri, shares=shares, **timeouts)
