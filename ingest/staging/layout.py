"""The layout of what is staged."""

from dataclasses import replace

from rag.models.embedders.protocol import Embedder
from rag.store.columns import SCHEMA_VERSION
from rag.store.records import SHARED, Layout
from rag.store.store import Store


def layout_of(store: Store, embedder: Embedder, mode: str) -> Layout:
    """Return the layout of what is staged now in a store, for an embedder and a retrieval mode.

    What shares collections goes on doing so after the other knowledge bases are gone from the settings.
    """
    layout = Layout(embedder.fingerprint, SCHEMA_VERSION, mode, store.index)
    live, shared = store.live(), replace(layout, index=SHARED)
    return shared if live and live.layout == shared else layout
