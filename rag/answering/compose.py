"""Evidence → the text of an answer: prompt, chat model, what readers may see of it, and whether it stands in the
passages."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from rag.answering.notices import EXTRACTIVE, FAILED, TRUNCATED
from rag.answering.quote import ExtractiveChat
from rag.chat.prompt import ContextBudget, Prompt, build_prompt
from rag.chat.protocol import ChatModel, ChatPiece, ChatStream, Finished, ReasoningDelta, TextDelta
from rag.checks.citations import build_citations, cited_numbers
from rag.checks.output_filter import OutputFilter
from rag.checks.verification import Verification, similarity_function, verify_answer
from rag.errors import ChatError, ZhiwenError
from rag.retrieval.evidence import Evidence
from rag.store.snapshot import Snapshot
from rag.text.language import Language
from rag.types import Attempt, Citation, RefusalReason
from rag.wiring import Parts

log = logging.getLogger("zhiwen.answer")

_USUAL_CONTEXT_TOKENS = 16_384
"""Of a model that nothing is known of."""


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the answer's text; what `rag.checks.output_filter` keeps from readers is not in it."""

    text: str


@dataclass(frozen=True, slots=True)
class Composition:
    """What came of it: a text with citations, or a `reason` to refuse. `model` wrote it.

    `prompt` is None if no chat model was asked; `by_fallback` if the documents were quoted because the chat model
    failed. `seconds` are by stage. With an `error` the text broke off where it stands, and is no answer.
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


@dataclass(slots=True)
class _Draft:
    """An answer while it is written."""

    writer: str
    started: float = field(default_factory=time.perf_counter)
    text: str = ""
    is_truncated: bool = False
    by_fallback: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def take(self, piece: ChatPiece) -> ReasoningDelta | Delta | None:
        """Keep a piece, and return what the reader gets of it."""
        match piece:
            case TextDelta(text):
                self.seconds.setdefault("first_text", time.perf_counter() - self.started)
                self.text += text
                return Delta(text)
            case ReasoningDelta():
                return piece
            case Attempt():
                self.attempts.append(piece)
            case Finished(model, truncated):
                self.writer, self.is_truncated = model, truncated
        return None


async def compose(
    evidence: Evidence, parts: Parts, snapshot: Snapshot
) -> AsyncGenerator[ReasoningDelta | Delta | Composition, None]:
    """The text as it is written, and last what came of it. `snapshot` is what the evidence is from.

    A chat model that fails before its first token is replaced by quotes from the same evidence, and the text says so.
    If it fails later, or what it wrote cannot be verified, that is the `error` of what came of it.
    """
    chat, draft = parts.chat, _Draft(parts.chat.name)
    prompt = _prompt(evidence, parts)
    try:
        async with aclosing(_readable(parts.chat, prompt)) as pieces:
            async for piece in pieces:
                if event := draft.take(piece):
                    yield event
    except ChatError as error:
        if draft.text:
            draft.seconds["write"] = time.perf_counter() - draft.started
            yield _broken_off(draft, prompt, error)
            return
        log.warning("the chat model failed, quoting instead: %s", error)
        chat, draft.by_fallback = ExtractiveChat(), True
        async with aclosing(_readable(chat, prompt, note=FAILED[evidence.language])) as pieces:
            async for piece in pieces:
                if event := draft.take(piece):
                    yield event
    draft.seconds["write"] = time.perf_counter() - draft.started
    try:
        written = await asyncio.to_thread(_judged, draft, chat, prompt, parts, snapshot)
    except ZhiwenError as error:
        written = _broken_off(draft, prompt, error)
    yield written


def _broken_off(draft: _Draft, prompt: Prompt, error: ZhiwenError) -> Composition:
    return Composition(
        draft.writer, draft.text, prompt=prompt, attempts=tuple(draft.attempts), seconds=draft.seconds, error=error
    )


def _judged(draft: _Draft, chat: ChatModel, prompt: Prompt, parts: Parts, snapshot: Snapshot) -> Composition:
    """The draft as an answer, or refused: because it declines, cites nothing, or nothing in it is supported."""
    text, verification = draft.text, Verification()
    reason: RefusalReason | None = None
    if not cited_numbers(text):
        reason = "no_citation" if text.strip() else "model_declined"
    elif not chat.is_extractive:  # quotes need no check
        started = time.perf_counter()
        verification = _verified(text.removesuffix(TRUNCATED[prompt.evidence.language]), prompt, parts, snapshot)
        draft.seconds["verify"] = time.perf_counter() - started
        reason = None if verification.supported else "unsupported"
    return Composition(
        draft.writer,
        "" if reason else text,
        () if reason else build_citations(text, prompt.evidence),
        reason,
        None if chat.is_extractive and not draft.by_fallback else prompt,
        verification,
        truncated=draft.is_truncated,
        by_fallback=draft.by_fallback,
        attempts=tuple(draft.attempts),
        seconds=draft.seconds,
    )


def _prompt(evidence: Evidence, parts: Parts) -> Prompt:
    context = parts.chat.context_tokens or _USUAL_CONTEXT_TOKENS
    prompt = build_prompt(evidence, ContextBudget(context, parts.settings.chat.max_answer_tokens))
    if prompt.dropped:
        log.warning("passages %s do not fit into chat.context_tokens (%s) and are left out", prompt.dropped, context)
    return prompt


async def _readable(chat: ChatModel, prompt: Prompt, note: str = "") -> ChatStream:
    """What the model writes, as a reader may see it, and a closing note; no text at all if it declines."""
    text, started = OutputFilter(prompt), time.perf_counter()
    async with aclosing(chat.stream(prompt)) as pieces:
        async for piece in pieces:
            if isinstance(piece, TextDelta):
                if text.declined and piece.text.strip():
                    # It goes on to explain itself, and nobody will read it.
                    yield Attempt(chat.name, "declined", time.perf_counter() - started)
                    return
                if clean := text.feed(piece.text):
                    yield TextDelta(clean)
                continue
            if isinstance(piece, Finished):
                rest = text.finish()
                closing = note or _closing(chat, piece, prompt.evidence.language)
                if not text.declined and (rest or closing):
                    yield TextDelta(f"{rest}\n\n{closing}" if closing else rest)
            yield piece


def _closing(chat: ChatModel, end: Finished, language: Language) -> str:
    if end.truncated:
        return TRUNCATED[language]
    return EXTRACTIVE[language] if chat.is_extractive else ""


def _verified(text: str, prompt: Prompt, parts: Parts, snapshot: Snapshot) -> Verification:
    passages = {passage.number: passage.chunk.searchable_text for passage in prompt.evidence.passages}
    return verify_answer(text, passages, snapshot.statistics.idf, similarity_function(parts.embedder))
