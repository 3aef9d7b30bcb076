"""Open what all knowledge bases of a process share: the models, the cache of answers and the state."""

from contextlib import ExitStack
from functools import cached_property

from rag.answering.cache import AnswerCache
from rag.chat.factory import open_chat
from rag.chat.protocol import ChatModel
from rag.models.embedders.factory import open_embedder, open_question_embedder
from rag.models.embedders.protocol import Embedder
from rag.models.embedders.question_turns import TurnTakingEmbedder
from rag.models.openmp import usable_threads
from rag.models.rerankers.factory import open_reranker
from rag.models.rerankers.protocol import Reranker
from rag.published_url import PassageUrls
from rag.settings import KnowledgeSettings, Settings
from rag.state.database import StateDatabase
from rag.state.feedback import FeedbackLog
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
    def urls(self) -> PassageUrls:
        """The addresses of passages."""
        others = {name: _template(base) for name, base in self.settings.knowledge_bases.by_name.items()}
        return PassageUrls(_template(self.settings.knowledge), others)


def _template(settings: KnowledgeSettings) -> str:
    return settings.url_template or settings.forge_template
