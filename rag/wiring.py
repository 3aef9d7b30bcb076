"""Build store, models, search and answering from the settings: the one place that opens and closes them.

Each knowledge base has services of its own, and all share what is not data: a further one costs its chunks.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from types import TracebackType

from rag.answering.answer import Answerer
from rag.chat.protocol import ChatModel
from rag.errors import KnowledgeBaseNotFound
from rag.knowledge_base_names import ALL, DEFAULT, not_found
from rag.models.embedders.protocol import Embedder
from rag.models.rerankers.protocol import Reranker
from rag.retrieval.search import Searcher
from rag.rights import Rights
from rag.settings import Settings
from rag.shared_services import SharedServices, SharesServices
from rag.store.filters import Filter
from rag.store.joint import JointStore
from rag.store.restricted import RestrictedStore
from rag.store.store import Store


class Services(SharesServices):
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
            raise KnowledgeBaseNotFound(not_found(knowledge_base, self.knowledge_bases))
        return found

    def limited(self, rights: Rights) -> "Services":
        """Return the same services as if there were nothing but what the rights let somebody read.

        `of`, `joined` and `knowledge_bases` have that alone; without a name, there is no store.
        """
        parts = {
            name: _OneKnowledgeBase(self.knowledge_bases[name], within, self._shared)
            for name, within in rights.filters(self.knowledge_bases).items()
        }
        return _SeveralKnowledgeBases(self.settings, self._shared, parts)

    def joined(self, knowledge_bases: Sequence[str]) -> "Services":
        """Return services that search and answer from some knowledge bases at once; `all` stands for every one.

        With only one, they are its own. Raises KnowledgeBaseNotFound.
        """
        names = tuple(self.knowledge_bases) if ALL in knowledge_bases else tuple(dict.fromkeys(knowledge_bases))
        parts = {name: self.of(name) for name in names or (ALL,)}
        return parts[names[0]] if len(parts) == 1 else _SeveralKnowledgeBases(self.settings, self._shared, parts)

    def _beside(self, name: str) -> "Services":
        settings = self.settings.for_knowledge_base(name)
        return Services(settings, store=self.store.beside(settings.store.collection, name), shared=self._shared)

    @cached_property
    def store(self) -> Store:
        """The store of the index."""
        store = Store.open(self.settings.store, shares=bool(self.settings.knowledge_bases.by_name))
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


class _OneKnowledgeBase(Services):
    """Services of a knowledge base for readers of the documents `within` a filter, of all without one."""

    def __init__(self, services: Services, within: Filter | None, shared: SharedServices) -> None:
        store = RestrictedStore(services.store, within) if within else services.store
        super().__init__(services.settings, store=store, shared=shared)

    @property
    def knowledge_bases(self) -> Mapping[str, Services]:
        return {self.store.knowledge_base: self}


class _SeveralKnowledgeBases(Services):
    """Services that search and answer from several knowledge bases. None of them is `store`, which writers use."""

    def __init__(self, settings: Settings, shared: SharedServices, parts: Mapping[str, Services]) -> None:
        super().__init__(settings, shared=shared)
        self._parts = parts

    @property
    def knowledge_bases(self) -> Mapping[str, Services]:
        return self._parts

    @cached_property
    def store(self) -> Store:
        raise TypeError("several knowledge bases have no store in common")

    @property
    def searched(self) -> JointStore:
        return JointStore(tuple(part.store for part in self._parts.values()))

    @property
    def about(self) -> str:
        return "\n".join(part.about for part in self._parts.values() if part.about)


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """Open only the store, and close it at the end. Raises StoreError."""
    with Services(settings) as services:
        yield services.store
