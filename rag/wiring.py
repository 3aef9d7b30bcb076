"""Settings → open parts: the one place where store, embedder, reranker and chat model are built and closed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rag.answer_cache import AnswerCache
from rag.chat import ChatModel
from rag.chat.opening import open_chat
from rag.config import Settings
from rag.embedders import Embedder
from rag.embedders.opening import open_embedder
from rag.rerankers import Reranker
from rag.rerankers.opening import open_reranker
from rag.store import Store
from rag.traces import Traces


@dataclass(frozen=True, slots=True)
class Parts:
    """What a request needs. Built once, shared by all threads."""

    settings: Settings
    store: Store
    embedder: Embedder
    chat: ChatModel
    reranker: Reranker | None = None
    answers: AnswerCache = field(default_factory=lambda: AnswerCache(0))
    traces: Traces = field(default_factory=lambda: Traces(None))


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
    traces = Traces(settings.traces)
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
