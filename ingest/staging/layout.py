"""The layout of what is staged."""

from rag.models.embedders.protocol import Embedder
from rag.store.columns import SCHEMA_VERSION
from rag.store.records import Layout
from rag.store.store import Store


def layout_of(store: Store, embedder: Embedder, mode: str) -> Layout:
    """Return the layout of what is staged now in a store, for an embedder and a retrieval mode."""
    return Layout(embedder.fingerprint, SCHEMA_VERSION, mode, store.index)
