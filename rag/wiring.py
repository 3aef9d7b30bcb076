"""Settings → open parts: the one place where store, embedder, reranker and chat model are built and closed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rag.chat import ChatModel
from rag.chat.opening import open_chat
from rag.config import Settings
from rag.embedders import Embedder
from rag.embedders.opening import open_embedder
from rag.rerankers import Reranker
from rag.rerankers.opening import open_reranker
from rag.store import Store


@dataclass(frozen=True, slots=True)
class Parts:
    """What a request needs. Built once, shared by all threads."""

    settings: Settings
    store: Store
    embedder: Embedder
    chat: ChatModel
    reranker: Reranker | None = None


@contextmanager
def open_parts(settings: Settings, store: Store | None = None) -> Iterator[Parts]:
    """Open everything the settings name, cheapest to check first; what was opened here is closed at the end.

    A `store` that is open already is used, and left open. The chat model is closed by whoever runs the event loop it
    was used on.

    Raises ConfigError, StoreError, EmbedderError or RerankerError.
    """
    chat = open_chat(settings.chat)
    reranker = open_reranker(settings.rerank)
    embedder = open_embedder(settings.embedding)
    if store:
        yield Parts(settings, store, embedder, chat, reranker)
        return
    with open_store(settings) as opened:
        yield Parts(settings, opened, embedder, chat, reranker)


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """The store alone, for what needs neither embedder nor chat model."""
    store = Store.open(settings.store)
    try:
        yield store
    finally:
        store.close()
