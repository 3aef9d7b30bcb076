"""An answer while it is written, and what it is in the end."""

import time
from dataclasses import dataclass, field

from rag.answering.quotes import Quote
from rag.chat.prompt import Prompt
from rag.chat.protocol import ChatPiece, Finished, ReasoningDelta, TextDelta, TextRetracted
from rag.checks.answer_verification import Verification
from rag.errors import ZhiwenError
from rag.types import AnswerReason, Attempt, Citation


@dataclass(frozen=True, slots=True)
class Composition:
    """The result: a text by `model` with citations, or the `reason` for a refusal; small talk has a text and a reason.

    `prompt` is None if no chat model was asked. `by_fallback` is True if the documents were quoted because the chat
    model failed, or because they support nothing that it wrote; `verification` is then of what it wrote. `seconds` are
    by stage. If there is an `error`, the text broke off and is not an answer.
    """

    model: str
    text: str = ""
    citations: tuple[Citation, ...] = ()
    reason: AnswerReason | None = None
    prompt: Prompt | None = None
    verification: Verification = field(default_factory=Verification)
    truncated: bool = False
    by_fallback: bool = False
    attempts: tuple[Attempt, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    error: ZhiwenError | None = None


@dataclass(slots=True)
class Draft:
    """The answer while it is written."""

    model: str
    is_quoted: bool
    started: float = field(default_factory=time.perf_counter)
    text: str = ""
    is_truncated: bool = False
    by_fallback: bool = False
    quotes: list[Quote] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, piece: ChatPiece) -> ReasoningDelta | TextDelta | None:
        """Record a piece; return it if the reader gets it."""
        match piece:
            case TextDelta(text):
                self.seconds.setdefault("first_text", time.perf_counter() - self.started)
                self.text += text
                return piece
            case ReasoningDelta():
                return piece
            case TextRetracted():
                self.text = ""
            case Attempt():
                self.attempts.append(piece)
            case Finished(model, truncated):
                self.model, self.is_truncated = model, truncated
        return None

    def stop_clock(self) -> None:
        """Note how long the writing took."""
        self.seconds["write"] = time.perf_counter() - self.started

    def failed(self, prompt: Prompt | None, error: ZhiwenError) -> Composition:
        """Return the composition of a text that is not an answer because of `error`."""
        self.stop_clock()
        attempts = tuple(self.attempts)
        return Composition(self.model, self.text, prompt=prompt, attempts=attempts, seconds=self.seconds, error=error)
