"""Settings → open parts: the one place where store, embedder, reranker and chat model are built and closed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rag.answering.cache import AnswerCache
from rag.chat.factory import open_chat
from rag.chat.protocol import ChatModel
from rag.models.embedders.factory import open_embedder
from rag.models.embedders.protocol import Embedder
from rag.models.rerankers.factory import open_reranker
from rag.models.rerankers.protocol import Reranker
from rag.settings import Settings
from rag.state.traces import TraceStore
from rag.store.store import Store


@dataclass(frozen=True, slots=True)
class Parts:
    """What a request needs. Built once, shared by all threads."""

    settings: Settings
    store: Store
    embedder: Embedder
    chat: ChatModel
    reranker: Reranker | None = None
    answers: AnswerCache = field(default_factory=lambda: AnswerCache(0))
    traces: TraceStore = field(default_factory=lambda: TraceStore(None))


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
    answers = AnswerCache(settings.answering.cached_answers)
    traces = TraceStore(settings.traces)
    if store:
        yield Parts(settings, store, embedder, chat, reranker, answers, traces)
        return
    with open_store(settings) as opened:
        yield Parts(settings, opened, embedder, chat, reranker, answers, traces)


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """The store alone, for what needs neither embedder nor chat model."""
    store = Store.open(settings.store)
    try:
        yield store
    finally:
        store.close()
