"""Evidence → the text of an answer: written by the chat model, or quoted without one, then checked."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from rag.answering.notices import FAILED, NOT_CONFIGURED, TRUNCATED
from rag.answering.quote import QUOTING, quote_evidence
from rag.chat.prompt import ContextBudget, Prompt, build_prompt
from rag.chat.protocol import ChatModel, ChatPiece, ChatStream, Finished, ReasoningDelta, TextDelta
from rag.checks.citations import build_citations, cited_numbers
from rag.checks.output_filter import OutputFilter
from rag.checks.verification import Verification
from rag.errors import ChatError, ZhiwenError
from rag.retrieval.evidence import Evidence
from rag.types import Attempt, Citation, RefusalReason

log = logging.getLogger("zhiwen.answer")

_DEFAULT_CONTEXT_TOKENS = 16_384
"""Assumed for a model of which nothing is known."""

Verify = Callable[[str, Mapping[int, str]], Verification]
"""(text, texts of the passages by number) → each statement of the text checked. Blocks; raises ZhiwenError."""


@dataclass(frozen=True, slots=True)
class Composition:
    """The outcome: a text with citations, or a `reason` to refuse. `model` wrote it.

    `prompt` is None if no chat model was asked. `by_fallback` says that the documents were quoted because the chat
    model failed. `seconds` are by stage. With an `error`, the text broke off and is not an answer.
    """

    model: str
    text: str = ""
    citations: tuple[Citation, ...] = ()
    reason: RefusalReason | None = None
    prompt: Prompt | None = None
    verification: Verification = field(default_factory=Verification)
    truncated: bool = False
    by_fallback: bool = False
    attempts: tuple[Attempt, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    error: ZhiwenError | None = None


async def compose(
    evidence: Evidence, chat: ChatModel | None, *, max_answer_tokens: int, verify: Verify
) -> AsyncGenerator[ReasoningDelta | TextDelta | Composition, None]:
    """Yield the text as it is written, and the outcome last.

    Without a chat model the evidence is quoted. So it is if the model fails before its first token, and the text says
    so. If the model fails later, or its text cannot be verified, the outcome carries the `error`.
    """
    draft = _Draft(chat.name if chat else QUOTING, is_quoted=chat is None)
    prompt = _build_prompt(evidence, chat, max_answer_tokens) if chat else None
    if chat and prompt:
        try:
            async with aclosing(_write(chat, prompt)) as pieces:
                async for piece in pieces:
                    if event := draft.take(piece):
                        yield event
        except ChatError as error:
            if draft.text:
                yield draft.broken_off(prompt, error)
                return
            log.warning("the chat model failed, quoting the documents instead: %s", error)
            draft.by_fallback = draft.is_quoted = True
    shown = prompt.evidence if prompt else evidence
    if draft.is_quoted:
        note = (FAILED if draft.by_fallback else NOT_CONFIGURED)[evidence.language]
        for piece in _quote(shown, note):
            if event := draft.take(piece):
                yield event
    draft.stop_clock()
    try:
        composition = await asyncio.to_thread(_conclude, draft, shown, prompt, verify)
    except ZhiwenError as error:
        composition = draft.broken_off(prompt, error)
    yield composition


@dataclass(slots=True)
class _Draft:
    """An answer while it is written."""

    writer: str
    is_quoted: bool
    started: float = field(default_factory=time.perf_counter)
    text: str = ""
    is_truncated: bool = False
    by_fallback: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def take(self, piece: ChatPiece) -> ReasoningDelta | TextDelta | None:
        """Record a piece, and return it if the reader gets it."""
        match piece:
            case TextDelta(text):
                self.seconds.setdefault("first_text", time.perf_counter() - self.started)
                self.text += text
                return piece
            case ReasoningDelta():
                return piece
            case Attempt():
                self.attempts.append(piece)
            case Finished(model, truncated):
                self.writer, self.is_truncated = model, truncated
        return None

    def stop_clock(self) -> None:
        self.seconds["write"] = time.perf_counter() - self.started

    def broken_off(self, prompt: Prompt | None, error: ZhiwenError) -> Composition:
        """The outcome of a text that is not an answer, because of `error`."""
        self.stop_clock()
        attempts = tuple(self.attempts)
        return Composition(self.writer, self.text, prompt=prompt, attempts=attempts, seconds=self.seconds, error=error)


def _build_prompt(evidence: Evidence, chat: ChatModel, max_answer_tokens: int) -> Prompt:
    context = chat.context_tokens or _DEFAULT_CONTEXT_TOKENS
    prompt = build_prompt(evidence, ContextBudget(context, max_answer_tokens))
    if prompt.dropped:
        log.warning("passages %s do not fit into chat.context_tokens (%s) and are left out", prompt.dropped, context)
    return prompt


async def _write(chat: ChatModel, prompt: Prompt) -> ChatStream:
    """Yield what readers may see of the model's text; no text at all if the model declines."""
    text, started = OutputFilter(prompt.evidence, instructions=prompt.messages[0].content), time.perf_counter()
    async with aclosing(chat.stream(prompt.messages)) as pieces:
        async for piece in pieces:
            if isinstance(piece, TextDelta):
                if text.declined and piece.text.strip():
                    # The model goes on to explain itself, and nobody will read that.
                    yield Attempt(chat.name, "declined", time.perf_counter() - started)
                    return
                if clean := text.feed(piece.text):
                    yield TextDelta(clean)
                continue
            if isinstance(piece, Finished):
                rest = text.finish()
                if piece.truncated:
                    rest = f"{rest}\n\n{TRUNCATED[prompt.evidence.language]}"
                if rest and not text.declined:
                    yield TextDelta(rest)
            yield piece


def _quote(evidence: Evidence, note: str) -> Iterator[ChatPiece]:
    """Quotes of the evidence as if a model had written them, with a closing note; no text if nothing can be quoted."""
    text = OutputFilter(evidence)
    for quote in quote_evidence(evidence):
        if clean := text.feed(quote):
            yield TextDelta(clean)
    rest = text.finish()
    if not text.declined:
        yield TextDelta(f"{rest}\n\n{note}")
    yield Finished(QUOTING)


def _conclude(draft: _Draft, evidence: Evidence, prompt: Prompt | None, verify: Verify) -> Composition:
    """Accept the draft as an answer, or refuse: it declines, cites nothing, or nothing in it is supported."""
    text, verification = draft.text, Verification()
    reason: RefusalReason | None = None
    if not cited_numbers(text):
        reason = "no_citation" if text.strip() else "model_declined"
    elif not draft.is_quoted:  # quotes need no check
        started = time.perf_counter()
        passages = {passage.number: passage.chunk.searchable_text for passage in evidence.passages}
        verification = verify(text.removesuffix(TRUNCATED[evidence.language]), passages)
        draft.seconds["verify"] = time.perf_counter() - started
        reason = None if verification.supported else "unsupported"
    return Composition(
        draft.writer,
        "" if reason else text,
        () if reason else build_citations(text, evidence),
        reason,
        prompt,
        verification,
        truncated=draft.is_truncated,
        by_fallback=draft.by_fallback,
        attempts=tuple(draft.attempts),
        seconds=draft.seconds,
    )
