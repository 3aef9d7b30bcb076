"""Open what all knowledge bases of a process share: the models, the cache of answers and the state."""

from contextlib import ExitStack
from functools import cached_property

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
from rag.retrieval.document_dates import DocumentDates
from rag.settings import KnowledgeSettings, Settings
from rag.state.database import StateDatabase
from rag.state.document_uses import DocumentUses
from rag.state.feedback import FeedbackLog
from rag.state.questions import QuestionLog
from rag.state.traces import TraceStore


class SharedServices:
    """The services that a further knowledge base does not open again. Each is opened when it is first used.

    A service that is passed in is used as it is. `exit_stack` closes those that were opened here. The other arguments
    are those of `rag.wiring.Services`.
    """

    def __init__(
        self,
        settings: Settings,
        exit_stack: ExitStack,
        *,
        embedder: Embedder | None = None,
        chat: ChatModel | None = None,
        reranker: Reranker | None = None,
        for_one_command: bool = False,
    ) -> None:
        self.settings = settings
        self._exit_stack = exit_stack
        self._for_one_command = for_one_command
        given = {"embedder": embedder, "chat": chat, "reranker": reranker}
        # `cached_property` looks here before it opens anything.
        self.__dict__.update({name: service for name, service in given.items() if service is not None})

    @cached_property
    def embedder(self) -> Embedder:
        """The embedding model, for documents and questions."""
        embedder = open_embedder(self.settings.embedding, serving=not self._for_one_command)
        return embedder if self._for_one_command else TurnTakingEmbedder(embedder, self._question_places())

    def _question_places(self) -> int:
        """Return how many questions are embedded at a time: more only make each other slow, unless others compute."""
        is_remote = self.settings.embedding.provider == "openai"
        return self.settings.serve.max_concurrent_answers if is_remote else usable_threads()

    @cached_property
    def search_turns(self) -> Turns:
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
    def answer_cache(self) -> AnswerCache:
        """The answers that may be repeated."""
        return AnswerCache(self.settings.answering.cached_answers)

    @cached_property
    def document_dates(self) -> DocumentDates:
        """The dates of documents that answers cite."""
        return DocumentDates()

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
    def gaps(self) -> GapFinder:
        """The same questions, grouped by what they ask for."""
        return GapFinder(self.questions, self.embedder, self.settings)

    @cached_property
    def document_uses(self) -> DocumentUses:
        """How many answers rest on each document."""
        uses = DocumentUses(self.settings.traces, self.state)
        self._exit_stack.callback(uses.close)
        return uses

    @cached_property
    def urls(self) -> PassageUrls:
        """The addresses of passages."""
        others = {name: _template(base) for name, base in self.settings.knowledge_bases.by_name.items()}
        return PassageUrls(_template(self.settings.knowledge), others)


class SharesServices:
    """Gives the shared services by their own names."""

    _shared: SharedServices

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


def _template(settings: KnowledgeSettings) -> str:
    return settings.url_template or settings.forge_template
