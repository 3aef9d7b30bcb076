"""Build store, models, search and answering from the settings: the one place that opens and closes them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from types import TracebackType

from rag.answering.answer import Answerer
from rag.answering.cache import AnswerCache
from rag.blocking_work import Turns
from rag.chat.factory import open_chat
from rag.chat.protocol import ChatModel
from rag.gaps.finder import GapFinder
from rag.models.embedders.factory import open_embedder, open_question_embedder
from rag.models.embedders.protocol import Embedder
from rag.models.embedders.question_turns import TurnTakingEmbedder
from rag.models.openmp import usable_threads
from rag.models.rerankers.factory import open_reranker
from rag.models.rerankers.protocol import Reranker
from rag.published_url import PassageUrls
from rag.retrieval.search import Searcher
from rag.settings import Settings
from rag.state.database import StateDatabase
from rag.state.document_uses import DocumentUses
from rag.state.feedback import FeedbackLog
from rag.state.questions import QuestionLog
from rag.state.traces import TraceStore
from rag.store.store import Store


class Services:
    """The services of one process. A context manager; threads may share it after `open_all`.

    Each service is opened when it is first used, so that a command opens only what it needs. Leaving the context closes
    the store if it was opened here, and writes the traces that still wait. A service that is passed in is used as it is
    and stays open. The chat model must be closed on the event loop that used it, so its user closes it.

    `for_one_command`: the process answers a question or two and ends, so what loads fast is better than what runs fast.

    Opening a service raises ConfigError, StoreError, EmbedderError or RerankerError.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        store: Store | None = None,
        embedder: Embedder | None = None,
        chat: ChatModel | None = None,
        reranker: Reranker | None = None,
        for_one_command: bool = False,
    ) -> None:
        self.settings = settings
        self._for_one_command = for_one_command
        self._exit_stack = ExitStack()
        given = {"store": store, "embedder": embedder, "chat": chat, "reranker": reranker}
        # `cached_property` looks here before it opens anything.
        self.__dict__.update({name: service for name, service in given.items() if service is not None})

    def __enter__(self) -> "Services":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._exit_stack.close()

    def open_all(self) -> "Services":
        """Open every service now, those that fail fastest first; the store connects at its first use. Return itself."""
        _ = (self.chat, self.reranker, self.embedder, self.answerer)
        return self

    @cached_property
    def store(self) -> Store:
        """The store of the index."""
        store = Store.open(self.settings.store)
        self._exit_stack.callback(store.close)
        return store

    @cached_property
    def embedder(self) -> Embedder:
        """The embedding model, for documents and questions."""
        embedder = open_embedder(self.settings.embedding, serving=not self._for_one_command)
        return embedder if self._for_one_command else TurnTakingEmbedder(embedder, self._question_places())

    def _question_places(self) -> int:
        """Return how many questions are embedded at a time: more only make each other slow, unless others compute."""
        is_remote = self.settings.embedding.provider == "openai"
        return self.settings.serve.max_concurrent_answers if is_remote else usable_threads()

    def _search_turns(self) -> Turns:
        """Let one caller search with all processors but one, or with all threads if other machines do the work."""
        settings = self.settings
        waits = settings.embedding.provider == "openai" or "://" in settings.store.uri
        waits = waits or settings.rerank.provider == "http"
        places = settings.serve.max_concurrent_answers
        return Turns(places, each=places if waits else max(1, usable_threads() - 1))

    @cached_property
    def question_embedder(self) -> Embedder:
        """The embedding model for questions: `embedder`, unless a single command needs only this and not yet that."""
        if self._for_one_command and "embedder" not in self.__dict__:
            return open_question_embedder(self.settings.embedding)
        return self.embedder

    @cached_property
    def reranker(self) -> Reranker | None:
        """The reranker; None if hits stay in the order of fusion."""
        return open_reranker(self.settings.rerank)

    @cached_property
    def chat(self) -> ChatModel | None:
        """The chat model with its fallbacks; None if answers are quotes."""
        return open_chat(self.settings.chat)

    @cached_property
    def state(self) -> StateDatabase:
        """The database of traces and feedback. It is connected to when it is used."""
        return StateDatabase.of(self.settings)

    @cached_property
    def traces(self) -> TraceStore:
        """The traces of answers."""
        traces = TraceStore(self.settings.traces, self.state)
        self._exit_stack.callback(traces.close)
        return traces

    @cached_property
    def feedback(self) -> FeedbackLog:
        """The feedback on answers."""
        return FeedbackLog(self.state, self.settings.serve.feedback_path, most=self.settings.state.max_feedback)

    @cached_property
    def questions(self) -> QuestionLog:
        """The questions that nobody could answer."""
        questions = QuestionLog(self.settings.traces, self.state)
        self._exit_stack.callback(questions.close)
        return questions

    @cached_property
    def document_uses(self) -> DocumentUses:
        """How many answers rest on each document."""
        uses = DocumentUses(self.settings.traces, self.state)
        self._exit_stack.callback(uses.close)
        return uses

    @cached_property
    def gaps(self) -> GapFinder:
        """The same questions, grouped by what they ask for."""
        return GapFinder(self.questions, self.store, self.embedder, self.settings)

    @cached_property
    def searcher(self) -> Searcher:
        """Search over store, embedder and reranker."""
        return Searcher(
            self.store,
            self.question_embedder,
            self.settings.retrieval,
            reranker=self.reranker,
            rerank_candidates=self.settings.rerank.candidates,
            max_question_characters=self.settings.answering.max_question_characters,
            turns=self._search_turns(),
            on_search=self.traces.record_search,
        )

    @cached_property
    def answerer(self) -> Answerer:
        """The read path: search, chat model, cache and traces."""
        return Answerer(
            self.searcher,
            self.chat,
            self.settings.answering,
            max_answer_tokens=self.settings.chat.max_answer_tokens,
            cache=AnswerCache(self.settings.answering.cached_answers),
            traces=self.traces,
            urls=self.urls,
        )

    @cached_property
    def urls(self) -> PassageUrls:
        """The addresses of passages."""
        return PassageUrls(self.settings.knowledge.url_template)


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """Open only the store, and close it at the end. Raises StoreError."""
    with Services(settings) as services:
        yield services.store
