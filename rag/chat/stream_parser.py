"""Parse the events of a chat answer into pieces of text, and check that the answer is complete."""

from collections.abc import Iterator
from typing import Any

from rag.chat.event_stream import DONE
from rag.chat.finish_reasons import end_of, normalise
from rag.chat.protocol import ReasoningDelta, TextDelta
from rag.chat.reasoning_filter import Piece, ReasoningFilter
from rag.errors import ChatBroken, ChatFiltered, ChatInvalidResponse

_REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_text")


class StreamParser:
    """Parses the events of one answer, which may be any JSON.

    Errors name the model by `name`, and the model and its address by `endpoint`; `thinks` is chat.thinking. `holds` is
    as for ReasoningFilter.
    """

    def __init__(self, name: str, endpoint: str, *, thinks: bool = False, holds: bool = False) -> None:
        self._name = name
        self._endpoint = endpoint
        self._thinks = thinks
        self._filter = ReasoningFilter(holds=holds)
        self._finish_reason = ""
        self._is_done = False
        self._ends_every_chunk = False
        self._written = ""
        self._has_deltas = self._has_text = False
        self.has_begun = False
        """Whether an event has come."""
        self.tokens: tuple[int, int] | None = None
        """The number of tokens of prompt and completion; None until the endpoint reports them."""

    @property
    def is_done(self) -> bool:
        """Whether the server has said that nothing follows."""
        return self._is_done

    @property
    def is_complete(self) -> bool:
        """Whether the text is complete; only the number of tokens may still follow."""
        return self._is_done or (bool(self._finish_reason) and not self._ends_every_chunk)

    @property
    def may_be_complete(self) -> bool:
        """Whether the last text came with an end; some servers send one with every piece."""
        return self.is_complete or bool(self._finish_reason)

    @property
    def is_truncated(self) -> bool:
        """Whether the text stops at its length limit."""
        return end_of(self._finish_reason) == "truncated"

    @property
    def closes_unopened_reasoning(self) -> bool:
        """Whether the model closes reasoning that it never opens, so that the next answer should be held."""
        return self._filter.has_lone_closing

    def feed(self, event: object) -> list[Piece]:
        """Return the pieces that the event completes. Raises ChatInvalidResponse if it is not a JSON object."""
        if event is DONE:
            self._is_done = self.has_begun = True
            return []
        if not isinstance(event, dict):
            raise ChatInvalidResponse(f"{self._endpoint} sent something that is not a chat answer")
        self.has_begun = True
        self.tokens = _tokens(event.get("usage")) or self.tokens
        choices = event.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        pieces = list(self._read(choice))
        self._note_end(normalise(choice.get("finish_reason")), has_text=bool(pieces))
        return pieces

    def finish(self) -> list[Piece]:
        """Return the pieces that were held back until the end of the stream."""
        return self._note_text(self._filter.finish(is_cut=self.is_truncated))

    def check(self) -> None:
        """Raise ChatFiltered or ChatBroken unless the answer is complete or truncated at its limit."""
        if not self._finish_reason:
            if self._is_done and self._written.strip():
                return
            raise ChatBroken(f"{self._endpoint}: the answer broke off")
        match end_of(self._finish_reason):
            case "filtered":
                raise ChatFiltered(f"{self._name}: the provider's content filter stopped the answer")
            case "truncated" if not self._has_text:
                way_out = (
                    "choose a model that answers without thinking" if not self._thinks else "set chat.thinking: false"
                )
                raise ChatBroken(
                    f"{self._name} reached its length limit before it began the answer; raise chat.max_answer_tokens, "
                    f"or {way_out}"
                )
            case "other":
                raise ChatBroken(f"{self._name} stopped in the middle of the answer ({self._finish_reason[:40]!r})")
            case _:
                return

    def _read(self, choice: dict[str, Any]) -> Iterator[Piece]:
        delta, message = choice.get("delta"), choice.get("message")
        for owner, is_whole in ((delta, False), (message, True)):
            if not isinstance(owner, dict):
                continue
            # Servers that give the same thoughts under two names mean the same ones.
            reasoning = next((text for name in _REASONING_FIELDS if (text := _text_of(owner.get(name)))), "")
            thoughts, text = _split_content(owner.get("content"))
            if (reasoning or thoughts) and not (is_whole and self._has_text):
                self._filter.release()
                yield ReasoningDelta(reasoning or thoughts)
            yield from self._add(self._rest_of(text) if is_whole else text, is_delta=not is_whole)

    def _add(self, text: str, *, is_delta: bool) -> list[Piece]:
        self._has_deltas = self._has_deltas or (is_delta and bool(text))
        self._written += text
        return self._note_text(self._filter.feed(text)) if text else []

    def _rest_of(self, whole: str) -> str:
        """Return what a whole message adds: MiniMax repeats the text at the end, others send all of it each time."""
        if whole.startswith(self._written):
            return whole[len(self._written) :]
        return "" if self._has_deltas else whole

    def _note_end(self, reason: str, *, has_text: bool) -> None:
        if not has_text:
            self._ends_every_chunk = self._ends_every_chunk and not reason
        elif self._finish_reason or reason:
            # With the text, an end may be one of many; without text it is the end.
            self._ends_every_chunk = True
        self._finish_reason = reason or ("" if has_text else self._finish_reason)

    def _note_text(self, pieces: list[Piece]) -> list[Piece]:
        self._has_text = self._has_text or any(isinstance(piece, TextDelta) for piece in pieces)
        return pieces


def _split_content(content: object) -> tuple[str, str]:
    """Return reasoning and text. Mistral, among others, sends lists of parts."""
    if isinstance(content, str):
        return "", content
    parts = content if isinstance(content, list) else [content]
    kinds = [(_is_reasoning(part), _text_of(part)) for part in parts if isinstance(part, dict)]
    return "".join(text for thinks, text in kinds if thinks), "".join(text for thinks, text in kinds if not thinks)


def _is_reasoning(part: dict[str, Any]) -> bool:
    kind = str(part.get("type", ""))
    return "think" in kind or "reason" in kind


def _text_of(value: object) -> str:
    """Return the text in a part, whichever way it is nested."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(_text_of, value))
    if isinstance(value, dict):
        names = ("text", "thinking", "reasoning", "content", "value", "summary")
        return next((text for name in names if (text := _text_of(value.get(name)))), "")
    return ""


def _tokens(usage: object) -> tuple[int, int] | None:
    if not isinstance(usage, dict):
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    return (prompt, completion) if isinstance(prompt, int) and isinstance(completion, int) else None
