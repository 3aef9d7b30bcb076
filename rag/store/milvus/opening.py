"""Opens the client that the settings name."""

from rag.errors import ConfigError
from rag.settings import StoreSettings
from rag.store.collection_spec import VectorIndex
from rag.store.import_folder import open_import_folder
from rag.store.milvus.client import Milvus


def open_milvus(settings: StoreSettings) -> Milvus:
    """Return a client, which connects at the first call. Raises ConfigError as `Store.open`."""
    index = VectorIndex(
        settings.index, settings.index_parameters, settings.search_parameters, settings.mmap, settings.replicas
    )
    milvus = Milvus(
        settings.uri,
        token=settings.token.get_secret_value(),
        database=settings.database,
        timeout_seconds=settings.timeout_seconds,
        connect_timeout_seconds=settings.connect_timeout_seconds,
        index=index,
        import_folder=open_import_folder(settings),
    )
    if milvus.is_embedded and (index != VectorIndex() or milvus.import_folder):
        raise ConfigError(
            f"store.index, store.index_parameters, store.search_parameters, store.mmap, store.replicas and "
            f"store.bulk_import_url need a Milvus server; {settings.uri} is a file, which has only AUTOINDEX: remove "
            "them, or set store.uri"
        )
    return milvus
