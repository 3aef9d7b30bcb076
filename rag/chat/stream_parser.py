"""Parse the stream of an OpenAI-compatible endpoint into pieces of text, and check that the answer is complete."""

from rag.chat.protocol import ReasoningDelta, TextDelta
from rag.chat.think_tags import ThinkTagFilter
from rag.errors import ChatBroken, ChatFiltered, ChatInvalidResponse, NotAChatModel

_COMPLETE = frozenset({"stop", "eos", "eos_token", "end_turn", "stop_sequence"})
_TRUNCATED = "length"
_FILTERED = frozenset({"content_filter", "sensitive"})


class StreamParser:
    """Parses the chunks of one stream, which may be any JSON.

    Errors name the model by `name`, and the model and its address by `endpoint`.
    """

    def __init__(self, name: str, endpoint: str) -> None:
        self._name = name
        self._endpoint = endpoint
        self._think_tags = ThinkTagFilter()
        self._finish_reason = ""
        self._has_text = False
        self.has_begun = False
        """Whether a chunk has come."""
        self.tokens: tuple[int, int] | None = None
        """The number of tokens of prompt and completion; None until the endpoint reports them."""

    @property
    def is_complete(self) -> bool:
        """Whether the text is complete; only the number of tokens may still follow."""
        return bool(self._finish_reason)

    @property
    def is_truncated(self) -> bool:
        """Whether the text stops at its length limit."""
        return self._finish_reason == _TRUNCATED

    def feed(self, chunk: object) -> list[TextDelta | ReasoningDelta]:
        """Return the pieces that the chunk completes.

        Raises ChatInvalidResponse if the chunk is not a JSON object. The client library validates nothing: it makes a
        model of each JSON object, and returns other JSON values as they are.
        """
        if not hasattr(chunk, "model_dump"):
            raise ChatInvalidResponse(f"{self._endpoint} sent something that is not a chat answer")
        self.has_begun = True
        self.tokens = _tokens(getattr(chunk, "usage", None)) or self.tokens
        choices = getattr(chunk, "choices", None)
        choice = choices[0] if isinstance(choices, list) and choices else None
        self._finish_reason = _string(choice, "finish_reason") or self._finish_reason
        delta = getattr(choice, "delta", None)
        # Ollama and newer versions of vLLM use the second name.
        reasoning = _string(delta, "reasoning_content") or _string(delta, "reasoning")
        pieces: list[TextDelta | ReasoningDelta] = [ReasoningDelta(reasoning)] if reasoning else []
        return pieces + self._note_text(self._think_tags.feed(_string(delta, "content")))

    def finish(self) -> list[TextDelta | ReasoningDelta]:
        """Return the pieces that were held back until the end of the stream."""
        return self._note_text(self._think_tags.finish())

    def check(self, *, is_event_stream: bool) -> None:
        """Raise ChatFiltered, NotAChatModel or ChatBroken unless the answer is complete or truncated at its limit.

        `is_event_stream` says whether the response declared itself to be one.
        """
        reason = self._finish_reason
        if reason in _FILTERED:
            raise ChatFiltered(f"{self._name}: the provider's content filter stopped the answer")
        if reason == _TRUNCATED and not self._has_text:
            raise ChatBroken(
                f"{self._name} reached its length limit before it began the answer; raise chat.max_answer_tokens, "
                "or set chat.thinking: false"
            )
        if reason in _COMPLETE or reason == _TRUNCATED:
            return
        if reason:
            raise ChatBroken(f"{self._name} stopped in the middle of the answer ({reason[:40]!r})")
        if not self.has_begun and not is_event_stream:
            raise NotAChatModel(f"{self._endpoint} is not a chat model, or cannot stream; check chat.base_url")
        raise ChatBroken(f"{self._endpoint}: the answer broke off")

    def _note_text(self, pieces: list[TextDelta | ReasoningDelta]) -> list[TextDelta | ReasoningDelta]:
        self._has_text = self._has_text or any(isinstance(piece, TextDelta) for piece in pieces)
        return pieces


def _string(owner: object, name: str) -> str:
    value = getattr(owner, name, None)
    return value if isinstance(value, str) else ""


def _tokens(usage: object) -> tuple[int, int] | None:
    prompt, completion = (getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens"))
    return (prompt, completion) if isinstance(prompt, int) and isinstance(completion, int) else None
