"""Settings → open parts: the one place where store, models and the two paths over them are built and closed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from types import TracebackType

from rag.answering.answer import Answerer
from rag.answering.cache import AnswerCache
from rag.chat.factory import open_chat
from rag.chat.protocol import ChatModel
from rag.models.embedders.factory import open_embedder
from rag.models.embedders.protocol import Embedder
from rag.models.rerankers.factory import open_reranker
from rag.models.rerankers.protocol import Reranker
from rag.retrieval.search import Searcher
from rag.settings import Settings
from rag.state.feedback import FeedbackLog
from rag.state.traces import TraceStore
from rag.store.store import Store


class Services:
    """The open parts of one process. A context manager; shared by all threads once `open_all` was called.

    Each part is opened when it is first used, so a command pays for what it needs, and what was opened here is closed
    at the end. A part that is given is used as it is, and stays open. The chat model is closed by the owner of the
    event loop it was used on.

    Opening raises ConfigError, StoreError, EmbedderError or RerankerError.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        store: Store | None = None,
        embedder: Embedder | None = None,
        chat: ChatModel | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        self.settings = settings
        self._opened = ExitStack()
        given = {"store": store, "embedder": embedder, "chat": chat, "reranker": reranker}
        # Where `cached_property` looks before it opens anything.
        self.__dict__.update({name: part for name, part in given.items() if part is not None})

    def __enter__(self) -> "Services":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._opened.close()

    def open_all(self) -> "Services":
        """Open every part now, the cheapest to check first."""
        _ = (self.chat, self.reranker, self.embedder, self.answerer)
        return self

    @cached_property
    def store(self) -> Store:
        store = Store.open(self.settings.store)
        self._opened.callback(store.close)
        return store

    @cached_property
    def embedder(self) -> Embedder:
        return open_embedder(self.settings.embedding)

    @cached_property
    def reranker(self) -> Reranker | None:
        return open_reranker(self.settings.rerank)

    @cached_property
    def chat(self) -> ChatModel | None:
        """None if answers are quoted."""
        return open_chat(self.settings.chat)

    @cached_property
    def traces(self) -> TraceStore:
        return TraceStore(self.settings.traces)

    @cached_property
    def feedback(self) -> FeedbackLog:
        return FeedbackLog(self.settings.serve.feedback_path)

    @cached_property
    def searcher(self) -> Searcher:
        return Searcher(
            self.store,
            self.embedder,
            self.settings.retrieval,
            reranker=self.reranker,
            rerank_candidates=self.settings.rerank.candidates,
            max_question_characters=self.settings.answering.max_question_characters,
            on_search=self.traces.searched,
        )

    @cached_property
    def answerer(self) -> Answerer:
        return Answerer(
            self.searcher,
            self.chat,
            self.settings.answering,
            max_answer_tokens=self.settings.chat.max_answer_tokens,
            cache=AnswerCache(self.settings.answering.cached_answers),
            traces=self.traces,
        )


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """The store alone, for what needs neither embedder nor chat model."""
    with Services(settings) as services:
        yield services.store
