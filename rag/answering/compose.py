"""Compose an answer from evidence: the chat model writes it, or it is quoted from the documents; then it is checked."""

import logging
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from rag.answering.conclusion import Conclusion, Verify, conclude, quote_texts, replace_by_quotes
from rag.answering.draft import Composition, Draft
from rag.answering.gathering import Gathered
from rag.answering.notices import NOTICES
from rag.answering.quote import EXTRACTIVE
from rag.answering.quoted_answer import QuotedAnswer, quote_answer
from rag.blocking_work import run_blocking
from rag.chat.prompt import ContextBudget, Prompt, build_prompt
from rag.chat.protocol import ChatModel, ChatStream, Finished, ReasoningDelta, TextDelta, TextRetracted
from rag.checks.output_filter import OutputFilter
from rag.checks.reasoning_gate import ReasoningGate
from rag.errors import ChatError
from rag.retrieval.evidence import Evidence
from rag.types import Attempt

log = logging.getLogger("zhiwen.answer")

_DEFAULT_CONTEXT_TOKENS = 16_384
"""The context that is assumed for a model whose context is unknown."""


async def compose(
    found: Gathered,
    chat: ChatModel | None,
    *,
    min_evidence: float,
    max_answer_tokens: int,
    verify: Verify,
    instructions: str = "",
    about: str = "",
) -> AsyncGenerator[ReasoningDelta | TextDelta | Composition, None]:
    """Yield the text as it is written, and the Composition last.

    Evidence with a probability (0..1) below `min_evidence` gives a refusal at once. Without a chat model, the answer is
    `found.quoted`. If the model fails before its first text, the evidence is quoted, and a note says so; if it fails
    later, the Composition has the `error`. If the documents support nothing that it wrote, the last text takes it back
    and quotes them, and the Composition has the quotes alone.
    """
    evidence, quoted = found.evidence, found.quoted
    draft = Draft(chat.name if chat else EXTRACTIVE, is_quoted=chat is None)
    has_evidence = bool(evidence.passages) and evidence.probability >= min_evidence
    if not (has_evidence if chat else quoted):
        yield Composition(draft.model, reason="no_evidence")
        return
    prompt = _build_prompt(evidence, chat, max_answer_tokens, instructions, about) if chat else None
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
        for text in _quote(draft, quoted, evidence):
            yield text
    draft.stop_clock()
    conclusion = await _conclude(draft, evidence, prompt, verify, min_evidence)
    if conclusion.tail:
        yield TextDelta(conclusion.tail)
    yield conclusion.composition


def _quote(draft: Draft, quoted: QuotedAnswer, evidence: Evidence) -> Iterator[TextDelta]:
    """Write the quotes to the draft, with a note why, and yield their pieces."""
    notices = NOTICES[evidence.language]
    draft.model, draft.quotes = EXTRACTIVE, quoted.quotes
    for text in quote_texts(quoted, evidence, notices.model_failed if draft.by_fallback else notices.no_model):
        draft.add(TextDelta(text))
        yield TextDelta(text)


async def _conclude(
    draft: Draft, evidence: Evidence, prompt: Prompt | None, verify: Verify, min_evidence: float
) -> Conclusion:
    shown = prompt.evidence if prompt and not draft.is_quoted else evidence
    conclusion = await run_blocking(conclude, draft, shown, prompt, verify)
    if not conclusion.has_strayed:
        return conclusion
    quoted = await run_blocking(quote_answer, evidence, min_evidence=min_evidence)
    return replace_by_quotes(conclusion, quoted, evidence) if quoted else conclusion


def _build_prompt(evidence: Evidence, chat: ChatModel, max_answer_tokens: int, instructions: str, about: str) -> Prompt:
    context = chat.context_tokens or _DEFAULT_CONTEXT_TOKENS
    budget = ContextBudget(context, max_answer_tokens)
    prompt = build_prompt(evidence, budget, instructions=instructions, about=about)
    if prompt.dropped:
        log.warning("passages %s do not fit into chat.context_tokens (%s); leaving them out", prompt.dropped, context)
    return prompt


async def _write(chat: ChatModel, prompt: Prompt) -> ChatStream:
    """Yield the pieces of the model that readers may see, and no text if the model declines."""
    output, started = OutputFilter(prompt.evidence, instructions=prompt.rules), time.perf_counter()
    reasoning = ReasoningGate(prompt.evidence, instructions=prompt.rules)
    async with aclosing(chat.stream(prompt.messages)) as pieces:
        async for piece in pieces:
            if isinstance(piece, ReasoningDelta):
                if clean := reasoning.feed(piece.text):
                    yield ReasoningDelta(clean)
                continue
            if clean := reasoning.interrupt():
                yield ReasoningDelta(clean)
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
