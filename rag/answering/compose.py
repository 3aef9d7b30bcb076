"""Compose an answer from evidence: the chat model writes it, or it is quoted from the documents; then it is checked."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial

from rag.answering.conclusion import Conclusion, Verify, add_quotes, conclude, quote_texts
from rag.answering.draft import Composition, Draft
from rag.answering.gathering import Gathered
from rag.answering.notices import NOTICES
from rag.answering.quote import EXTRACTIVE
from rag.answering.quoted_answer import QuotedAnswer
from rag.blocking_work import compute
from rag.chat.prompt import ContextBudget, Prompt, build_prompt
from rag.chat.protocol import ChatModel, ChatStream, Finished, ReasoningDelta, TextDelta, TextRetracted
from rag.checks.loop_watch import LoopWatch
from rag.checks.output_filter import OutputFilter
from rag.checks.reasoning_gate import ReasoningGate
from rag.errors import ChatError, ChatInvalidResponse, ZhiwenError
from rag.retrieval.evidence import Evidence
from rag.types import Attempt

log = logging.getLogger("zhiwen.answer")

_LONG_CHARACTERS = 1000
"""Filters take milliseconds for longer text, so that they run in a thread; for less, a thread would cost more."""
Quote = Callable[[Evidence], QuotedAnswer | None]
"""Quotes evidence. Blocks; raises ZhiwenError."""
_DEFAULT_CONTEXT_TOKENS = 16_384
"""The context that is assumed for a model whose context is unknown."""


async def compose(
    found: Gathered,
    chat: ChatModel | None,
    *,
    min_evidence: float,
    max_answer_tokens: int,
    verify: Verify,
    quote: Quote,
    instructions: str = "",
    about: str = "",
) -> AsyncGenerator[ReasoningDelta | TextDelta | Composition, None]:
    """Yield the text as it is written, and the Composition last; that has the `error` if the text is not an answer.

    Evidence with a probability (0..1) below `min_evidence` gives a refusal at once. Without a chat model, the answer is
    `found.quoted`. If the model fails before its first text, the evidence is quoted, and a note says so. If what it
    wrote is doubtful, the last text quotes the documents below it. If it has strayed, the last text takes it back and
    quotes them, and the Composition has the quotes alone.
    """
    evidence, quoted = found.evidence, found.quoted
    draft = Draft(chat.name if chat else EXTRACTIVE, is_quoted=chat is None)
    has_evidence = evidence.passages and evidence.reaches(min_evidence) if chat else quoted
    if not has_evidence:
        yield Composition(draft.model, reason="no_evidence")
        return
    prompt = _build_prompt(evidence, chat, max_answer_tokens, instructions, about) if chat else None
    try:
        if chat and prompt:
            async with aclosing(_fill(draft, chat, prompt)) as events:
                async for event in events:
                    yield event
        if draft.by_fallback:
            quoted = await compute(quote, evidence)
        if draft.is_quoted and quoted:
            texts, conclusion = await _quoted(draft, quoted, evidence, prompt, verify)
            for text in texts:
                yield text
        else:
            draft.stop_clock()
            conclusion = await _conclude(draft, evidence, prompt, verify, quote)
    except ZhiwenError as error:
        yield draft.failed(prompt, error)
        return
    if conclusion.tail:
        yield TextDelta(conclusion.tail)
    yield conclusion.composition


async def _fill(draft: Draft, chat: ChatModel, prompt: Prompt) -> AsyncGenerator[ReasoningDelta | TextDelta, None]:
    """Let the model write the draft, and yield what readers get. If it fails before its first text, quotes are due."""
    try:
        async with aclosing(_write(chat, prompt)) as pieces:
            async for piece in pieces:
                if event := draft.add(piece):
                    yield event
    except ChatError as error:
        if draft.text:
            raise
        log.warning("the chat model failed, quoting the documents instead: %s", error)
        draft.by_fallback = draft.is_quoted = True


async def _quoted(
    draft: Draft, quoted: QuotedAnswer, evidence: Evidence, prompt: Prompt | None, verify: Verify
) -> tuple[list[TextDelta], Conclusion]:
    write = partial(_quote, draft, quoted, evidence, prompt, verify)
    return write() if quoted.characters < _LONG_CHARACTERS else await compute(write)


def _quote(
    draft: Draft, quoted: QuotedAnswer, evidence: Evidence, prompt: Prompt | None, verify: Verify
) -> tuple[list[TextDelta], Conclusion]:
    """Write the quotes to the draft, with a note why, and return their pieces and the conclusion."""
    notices = NOTICES[evidence.language]
    draft.model, draft.quotes = EXTRACTIVE, quoted.quotes
    texts = list(quote_texts(quoted, evidence))
    if texts:
        texts.append(f"\n\n{notices.model_failed if draft.by_fallback else notices.no_model}")
    pieces = list(map(TextDelta, texts))
    for piece in pieces:
        draft.add(piece)
    draft.stop_clock()
    return pieces, conclude(draft, evidence, prompt, verify)


async def _conclude(
    draft: Draft, evidence: Evidence, prompt: Prompt | None, verify: Verify, quote: Quote
) -> Conclusion:
    conclusion = await compute(conclude, draft, prompt.evidence if prompt else evidence, prompt, verify)
    if conclusion.reliance == "sound":
        return conclusion
    quoted = await compute(quote, evidence)
    return await compute(add_quotes, conclusion, quoted, evidence, draft.text) if quoted else conclusion


def _build_prompt(evidence: Evidence, chat: ChatModel, max_answer_tokens: int, instructions: str, about: str) -> Prompt:
    context = chat.context_tokens or _DEFAULT_CONTEXT_TOKENS
    budget = ContextBudget(context, max_answer_tokens)
    prompt = build_prompt(evidence, budget, instructions=instructions, about=about)
    if prompt.dropped:
        log.warning("passages %s do not fit into chat.context_tokens (%s); leaving them out", prompt.dropped, context)
    return prompt


async def _write(chat: ChatModel, prompt: Prompt) -> ChatStream:
    """Yield the pieces of the model that readers may see, and no text if the model declines.

    The call is closed if the model goes on after declining, or runs into a loop. Raises ChatInvalidResponse if it
    finishes without a text.
    """
    output, started = OutputFilter(prompt.evidence, instructions=prompt.rules), time.perf_counter()
    reasoning, loops = ReasoningGate(prompt.evidence, instructions=prompt.rules), LoopWatch(prompt.evidence)
    async with aclosing(chat.stream(prompt.messages)) as pieces:
        async for piece in pieces:
            await asyncio.sleep(0)  # pieces that are there at once do not hold up other answers
            if isinstance(piece, ReasoningDelta):
                if clean := await _filtered(reasoning, reasoning.feed, piece.text):
                    yield ReasoningDelta(clean)
                continue
            if clean := await _filtered(reasoning, reasoning.interrupt):
                yield ReasoningDelta(clean)
            if isinstance(piece, TextDelta):
                if output.declined and piece.text.strip():
                    # The model explains why it declines, and nobody will read that.
                    yield Attempt(chat.name, "declined", time.perf_counter() - started)
                    return
                if clean := await _filtered(output, output.feed, piece.text):
                    yield TextDelta(clean)
                if loops.feed(clean):
                    yield Attempt(chat.name, "looped", time.perf_counter() - started)
                    return
                continue
            if isinstance(piece, TextRetracted):
                output, loops = OutputFilter(prompt.evidence, instructions=prompt.rules), LoopWatch(prompt.evidence)
            if isinstance(piece, Finished) and (rest := await _ending(output, piece, prompt)):
                yield TextDelta(rest)
            yield piece


async def _ending(output: OutputFilter, finished: Finished, prompt: Prompt) -> str:
    """Return the last text of a model, with a notice if it was cut."""
    rest = await _filtered(output, output.finish)
    if output.is_empty:
        raise ChatInvalidResponse(f"{finished.model} finished without a text")
    if output.declined:
        return ""
    return f"{rest}\n\n{NOTICES[prompt.evidence.language].truncated}" if finished.truncated else rest


async def _filtered(gate: OutputFilter | ReasoningGate, work: Callable[..., str], *texts: str) -> str:
    """Return what a method of the gate returns, without holding up other answers, whatever the model has written."""
    characters = gate.unfinished_characters + sum(map(len, texts))
    return work(*texts) if characters < _LONG_CHARACTERS else await compute(work, *texts)
