"""Build store, models, search and answering from the settings: the one place that opens and closes them.

Each knowledge base has services of its own, and all share what is not data: a further one costs its chunks.
"""

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from types import TracebackType

from rag.answering.answer import Answerer
from rag.chat.protocol import ChatModel
from rag.errors import KnowledgeBaseNotFound
from rag.gaps.finder import GapFinder
from rag.knowledge_base_names import ALL, DEFAULT
from rag.models.embedders.protocol import Embedder
from rag.models.rerankers.protocol import Reranker
from rag.published_url import PassageUrls
from rag.retrieval.search import Searcher
from rag.settings import Settings
from rag.shared_services import SharedServices
from rag.state.database import StateDatabase
from rag.state.document_uses import DocumentUses
from rag.state.feedback import FeedbackLog
from rag.state.questions import QuestionLog
from rag.state.traces import TraceStore
from rag.store.joint import JointStore
from rag.store.store import Store


class Services:
    """The services of one process. A context manager; threads may share it after `open_all`.

    Each service is opened when it is first used, so that a command opens only what it needs. Leaving the context closes
    the store if it was opened here, and writes the traces that still wait. A service that is passed in is used as it is
    and stays open. The chat model must be closed on the event loop that used it, so its user closes it.

    They are those of the default knowledge base; `of` has those of another, `joined` those that answer from several.

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
        shared: SharedServices | None = None,
    ) -> None:
        self.settings = settings
        self._exit_stack = ExitStack()
        self._shared = shared or SharedServices(
            settings,
            self._exit_stack,
            embedder=embedder,
            chat=chat,
            reranker=reranker,
            for_one_command=for_one_command,
        )
        if store is not None:
            self.__dict__["store"] = store  # `cached_property` looks here before it opens anything

    def __enter__(self) -> "Services":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._exit_stack.close()

    def open_all(self) -> "Services":
        """Open every service now, those that fail fastest first; the store connects at its first use. Return itself."""
        _ = (self.chat, self.reranker, self.embedder)
        for each in self.knowledge_bases.values():
            _ = each.answerer
        return self

    @cached_property
    def knowledge_bases(self) -> Mapping[str, "Services"]:
        """The services of each knowledge base by name, first these."""
        return {DEFAULT: self} | {name: self._beside(name) for name in self.settings.knowledge_bases.by_name}

    def of(self, knowledge_base: str) -> "Services":
        """Return the services of one knowledge base. Raises KnowledgeBaseNotFound."""
        found = self.knowledge_bases.get(knowledge_base)
        if found is None:
            there_are = ", ".join(self.knowledge_bases) or "none"
            raise KnowledgeBaseNotFound(f"there is no knowledge base {knowledge_base[:64]!r}; there are: {there_are}")
        return found

    def only(self, knowledge_bases: Collection[str]) -> "Services":
        """Return the same services as if there were no other knowledge bases than these.

        `of`, `joined` and `knowledge_bases` know these alone. The rest is still that of the default one.
        """
        some = copy.copy(self)
        kept = {name: services for name, services in self.knowledge_bases.items() if name in knowledge_bases}
        some.__dict__["knowledge_bases"] = kept
        return some

    def joined(self, knowledge_bases: Sequence[str]) -> "Services":
        """Return services that search and answer from some knowledge bases at once; `all` stands for every one.

        With only one, they are its own. Raises KnowledgeBaseNotFound.
        """
        names = tuple(self.knowledge_bases) if ALL in knowledge_bases else tuple(dict.fromkeys(knowledge_bases))
        parts = [self.of(name) for name in names or (ALL,)]
        return parts[0] if len(parts) == 1 else _SeveralKnowledgeBases(self.settings, self._shared, parts)

    def _beside(self, name: str) -> "Services":
        settings = self.settings.for_knowledge_base(name)
        return Services(settings, store=self.store.beside(settings.store.collection, name), shared=self._shared)

    @cached_property
    def store(self) -> Store:
        """The store of the index."""
        store = Store.open(self.settings.store)
        self._exit_stack.callback(store.close)
        return store

    @property
    def searched(self) -> Store | JointStore:
        """What questions are answered from."""
        return self.store

    @cached_property
    def searcher(self) -> Searcher:
        """Search over store, embedder and reranker."""
        return Searcher(
            self.searched,
            self.question_embedder,
            self.settings.retrieval,
            reranker=self.reranker,
            rerank_candidates=self.settings.rerank.candidates,
            max_question_characters=self.settings.answering.max_question_characters,
            turns=self._shared.search_turns,
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
            cache=self._shared.answer_cache,
            traces=self.traces,
            urls=self.urls,
            about=self.about,
            dates=self._shared.document_dates,
        )

    @property
    def about(self) -> str:
        """What the documents are about, for the chat model."""
        return self.settings.knowledge.context

    @property
    def embedder(self) -> Embedder:
        """The embedding model, for documents and questions."""
        return self._shared.embedder

    @property
    def question_embedder(self) -> Embedder:
        """The embedding model for questions."""
        return self._shared.question_embedder

    @property
    def reranker(self) -> Reranker | None:
        """The reranker; None if hits stay in the order of fusion."""
        return self._shared.reranker

    @property
    def chat(self) -> ChatModel | None:
        """The chat model with its fallbacks; None if answers are quotes."""
        return self._shared.chat

    @property
    def state(self) -> StateDatabase:
        """The database of traces and feedback. It is connected to when it is used."""
        return self._shared.state

    @property
    def traces(self) -> TraceStore:
        """The traces of answers."""
        return self._shared.traces

    @property
    def feedback(self) -> FeedbackLog:
        """The feedback on answers."""
        return self._shared.feedback

    @property
    def questions(self) -> QuestionLog:
        """The questions that nobody could answer."""
        return self._shared.questions

    @property
    def gaps(self) -> GapFinder:
        """The same questions, grouped by what they ask for."""
        return self._shared.gaps

    @property
    def document_uses(self) -> DocumentUses:
        """How many answers rest on each document."""
        return self._shared.document_uses

    @property
    def urls(self) -> PassageUrls:
        """The addresses of passages."""
        return self._shared.urls


class _SeveralKnowledgeBases(Services):
    """Services that search and answer from several knowledge bases. None of them is `store`, which writers use."""

    def __init__(self, settings: Settings, shared: SharedServices, parts: Sequence[Services]) -> None:
        super().__init__(settings, shared=shared)
        self._parts = parts

    @cached_property
    def store(self) -> Store:
        raise TypeError("several knowledge bases have no store in common")

    @property
    def searched(self) -> JointStore:
        return JointStore(tuple(part.store for part in self._parts))

    @property
    def about(self) -> str:
        return "\n".join(part.about for part in self._parts if part.about)


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """Open only the store, and close it at the end. Raises StoreError."""
    with Services(settings) as services:
        yield services.store
