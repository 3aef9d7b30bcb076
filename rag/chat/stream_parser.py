"""What an OpenAI-compatible endpoint streams → pieces of an answer, and whether it is whole at the end."""

from rag.chat.protocol import ReasoningDelta, TextDelta
from rag.chat.think_tags import ThinkTagFilter
from rag.errors import ChatBroken, ChatFiltered, ChatInvalidResponse, NotAChatModel

_COMPLETE = frozenset({"stop", "eos", "eos_token", "end_turn", "stop_sequence"})
_TRUNCATED = "length"
_FILTERED = frozenset({"content_filter", "sensitive"})


class StreamParser:
    """Takes the chunks of one stream, whatever they are. `where` names the endpoint in errors."""

    def __init__(self, name: str, where: str) -> None:
        self._name = name
        self._where = where
        self._thinking = ThinkTagFilter()
        self._finish_reason = ""
        self._has_text = False
        self.has_begun = False
        self.tokens: tuple[int, int] | None = None
        """Of prompt and completion, once they have been counted."""

    @property
    def is_complete(self) -> bool:
        """Nothing but the count of the tokens can follow."""
        return bool(self._finish_reason)

    @property
    def is_truncated(self) -> bool:
        return self._finish_reason == _TRUNCATED

    def take(self, chunk: object) -> list[TextDelta | ReasoningDelta]:
        """The pieces in a chunk. Raises ChatInvalidResponse if it is nothing of the kind.

        The client library checks nothing: what it calls a chunk may be anything that is JSON, and only of a JSON
        object does it make a model.
        """
        if not hasattr(chunk, "model_dump"):
            raise ChatInvalidResponse(f"{self._where} sent something that is not a chat answer")
        self.has_begun = True
        self.tokens = _tokens(getattr(chunk, "usage", None)) or self.tokens
        choices = getattr(chunk, "choices", None)
        choice = choices[0] if isinstance(choices, list) and choices else None
        self._finish_reason = _string(choice, "finish_reason") or self._finish_reason
        delta = getattr(choice, "delta", None)
        # The second name is that of Ollama and of newer vLLM.
        reasoning = _string(delta, "reasoning_content") or _string(delta, "reasoning")
        pieces: list[TextDelta | ReasoningDelta] = [ReasoningDelta(reasoning)] if reasoning else []
        return pieces + self._noticed(self._thinking.feed(_string(delta, "content")))

    def rest(self) -> list[TextDelta | ReasoningDelta]:
        """What was held back at the end of the stream."""
        return self._noticed(self._thinking.finish())

    def check(self, *, is_event_stream: bool) -> None:
        """Raises ChatFiltered, NotAChatModel or ChatBroken unless the answer is whole, or truncated at its limit."""
        reason = self._finish_reason
        if reason in _FILTERED:
            raise ChatFiltered(f"{self._name}: the provider's content filter stopped the answer")
        if reason == _TRUNCATED and not self._has_text:
            raise ChatBroken(
                f"{self._name} had begun no answer when it reached its limit; raise chat.max_answer_tokens, "
                "or set chat.thinking: false"
            )
        if reason in _COMPLETE or reason == _TRUNCATED:
            return
        if reason:
            raise ChatBroken(f"{self._name} stopped in mid-answer ({reason[:40]!r})")
        if not self.has_begun and not is_event_stream:
            raise NotAChatModel(f"{self._where} is no chat model, or cannot stream; check chat.base_url")
        raise ChatBroken(f"{self._where}: the answer broke off")

    def _noticed(self, pieces: list[TextDelta | ReasoningDelta]) -> list[TextDelta | ReasoningDelta]:
        self._has_text = self._has_text or any(isinstance(piece, TextDelta) for piece in pieces)
        return pieces


def _string(holder: object, name: str) -> str:
    value = getattr(holder, name, None)
    return value if isinstance(value, str) else ""


def _tokens(usage: object) -> tuple[int, int] | None:
    prompt, completion = (getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens"))
    return (prompt, completion) if isinstance(prompt, int) and isinstance(completion, int) else None
