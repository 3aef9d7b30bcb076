"""Compose an answer from evidence: the chat model writes it, or it is quoted from the documents; then it is checked."""

import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from rag.answering.citations import build_citations, cite_quotes
from rag.answering.gathering import Gathered
from rag.answering.notices import NOTICES
from rag.answering.quote import EXTRACTIVE
from rag.answering.quoted_answer import QuotedAnswer, quote_answer, write_answer
from rag.answering.quotes import Quote
from rag.blocking_work import run_blocking
from rag.chat.prompt import ContextBudget, Prompt, build_prompt
from rag.chat.protocol import ChatModel, ChatPiece, ChatStream, Finished, ReasoningDelta, TextDelta, TextRetracted
from rag.checks.citation_markers import cited_numbers
from rag.checks.output_filter import OutputFilter
from rag.checks.verification import Verification
from rag.errors import ChatError, ZhiwenError
from rag.retrieval.evidence import Evidence
from rag.types import AnswerReason, Attempt, Citation

log = logging.getLogger("zhiwen.answer")

_DEFAULT_CONTEXT_TOKENS = 16_384
"""The context that is assumed for a model whose context is unknown."""

Verify = Callable[[str, Mapping[int, str]], Verification]
"""Checks each statement of a text against the passages, given by number. Blocks; raises ZhiwenError."""


@dataclass(frozen=True, slots=True)
class Composition:
    """The result: a text by `model` with citations, or the `reason` for a refusal; small talk has a text and a reason.

    `prompt` is None if no chat model was asked. `by_fallback` is True if the documents were quoted because the chat
    model failed. `seconds` are by stage. If there is an `error`, the text broke off and is not an answer.
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


async def compose(
    found: Gathered,
    chat: ChatModel | None,
    *,
    min_evidence: float,
    max_answer_tokens: int,
    verify: Verify,
    instructions: str = "",
) -> AsyncGenerator[ReasoningDelta | TextDelta | Composition, None]:
    """Yield the text as it is written, and the Composition last.

    Evidence with a probability (0..1) below `min_evidence` gives a refusal at once. Without a chat model, the answer is
    `found.quoted`. If the model fails before its first text, the evidence is quoted too, and a note says so. If the
    model fails later, or the verification fails, the Composition has the `error`.
    """
    evidence, quoted = found.evidence, found.quoted
    draft = _Draft(chat.name if chat else EXTRACTIVE, is_quoted=chat is None)
    is_covered = (
        quoted is not None if chat is None else bool(evidence.passages) and evidence.probability >= min_evidence
    )
    if not is_covered:
        yield Composition(draft.model, reason="no_evidence")
        return
    prompt = _build_prompt(evidence, chat, max_answer_tokens, instructions) if chat else None
    if chat and prompt:
        try:
            async with aclosing(_write(chat, prompt)) as pieces:
                async for piece in pieces:
                    if event := draft.add(piece):
                        yield event
        except ChatError as error:
            if draft.text:
                yield draft.failed(prompt, error)
                return
            log.warning("the chat model failed, quoting the documents instead: %s", error)
            draft.by_fallback = draft.is_quoted = True
            quoted = await run_blocking(quote_answer, evidence, min_evidence=min_evidence)
    if draft.is_quoted and quoted:
        draft.quotes = quoted.quotes
        for piece in _quote(quoted, evidence, by_fallback=draft.by_fallback):
            if event := draft.add(piece):
                yield event
    draft.stop_clock()
    shown = prompt.evidence if prompt and not draft.is_quoted else evidence
    yield await run_blocking(_conclude, draft, shown, prompt, verify)


@dataclass(slots=True)
class _Draft:
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
        self.seconds["write"] = time.perf_counter() - self.started

    def failed(self, prompt: Prompt | None, error: ZhiwenError) -> Composition:
        """Return the composition of a text that is not an answer because of `error`."""
        self.stop_clock()
        attempts = tuple(self.attempts)
        return Composition(self.model, self.text, prompt=prompt, attempts=attempts, seconds=self.seconds, error=error)


def _build_prompt(evidence: Evidence, chat: ChatModel, max_answer_tokens: int, instructions: str) -> Prompt:
    context = chat.context_tokens or _DEFAULT_CONTEXT_TOKENS
    prompt = build_prompt(evidence, ContextBudget(context, max_answer_tokens), instructions=instructions)
    if prompt.dropped:
        log.warning("passages %s do not fit into chat.context_tokens (%s); leaving them out", prompt.dropped, context)
    return prompt


async def _write(chat: ChatModel, prompt: Prompt) -> ChatStream:
    """Yield the pieces of the model that readers may see, and no text if the model declines."""
    output, started = OutputFilter(prompt.evidence, instructions=prompt.rules), time.perf_counter()
    async with aclosing(chat.stream(prompt.messages)) as pieces:
        async for piece in pieces:
            if isinstance(piece, TextDelta):
                if output.declined and piece.text.strip():
                    # The model explains why it declines, and nobody will read that.
                    yield Attempt(chat.name, "declined", time.perf_counter() - started)
                    return
                if clean := output.feed(piece.text):
                    yield TextDelta(clean)
                continue
            if isinstance(piece, TextRetracted):
                output = OutputFilter(prompt.evidence, instructions=prompt.rules)
            if isinstance(piece, Finished):
                rest = output.finish()
                if piece.truncated:
                    rest = f"{rest}\n\n{NOTICES[prompt.evidence.language].truncated}"
                if rest and not output.declined:
                    yield TextDelta(rest)
            yield piece


def _quote(quoted: QuotedAnswer, evidence: Evidence, *, by_fallback: bool) -> list[ChatPiece]:
    """Return quotes and the note, in the pieces of a chat model; no text if nothing can be quoted."""
    notices = NOTICES[evidence.language]
    output = OutputFilter(evidence, is_quoted=True)
    texts = write_answer(quoted, evidence)
    pieces: list[ChatPiece] = [TextDelta(clean) for text in texts if (clean := output.feed(text))]
    rest = output.finish()
    if not output.declined:
        pieces.append(TextDelta(f"{rest}\n\n{notices.model_failed if by_fallback else notices.no_model}"))
    return [*pieces, Finished(EXTRACTIVE)]


def _conclude(draft: _Draft, evidence: Evidence, prompt: Prompt | None, verify: Verify) -> Composition:
    """Accept the draft as an answer. Refuse if it declines, cites nothing, or none of its statements is supported."""
    text, verification = draft.text, Verification()
    citations: tuple[Citation, ...] = ()
    reason: AnswerReason | None = None
    if not cited_numbers(text):
        reason = "no_citation" if text.strip() else "model_declined"
    elif draft.is_quoted:  # quotes need no verification
        citations = cite_quotes(draft.quotes)
    else:
        started = time.perf_counter()
        passages = {passage.number: passage.chunk.searchable_text for passage in evidence.passages}
        try:
            verification = verify(text.removesuffix(NOTICES[evidence.language].truncated), passages)
        except ZhiwenError as error:
            return draft.failed(prompt, error)
        draft.seconds["verify"] = time.perf_counter() - started
        reason = None if verification.supported else "unsupported"
        citations = () if reason else build_citations(text, evidence)
    return Composition(
        draft.model,
        "" if reason else text,
        citations,
        reason,
        prompt,
        verification,
        truncated=draft.is_truncated,
        by_fallback=draft.by_fallback,
        attempts=tuple(draft.attempts),
        seconds=draft.seconds,
    )
