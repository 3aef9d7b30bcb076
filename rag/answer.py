"""The read path: question → hits → evidence → prompt → chat model → answer with citations."""

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from rag.answer_filter import AnswerFilter
from rag.chat import ChatModel, Finished, Piece, Pieces, Reasoning, Text
from rag.chat.extractive import ExtractiveChat
from rag.citations import citations_of, cited_numbers
from rag.errors import ChatError
from rag.evidence import Evidence, gather_evidence, nearest_headings
from rag.filters import Filter
from rag.prompt import Prompt, TokenBudget, build_prompt
from rag.question import Language, checked_question, language_of
from rag.retrieval import Retrieval, retrieve
from rag.store import Snapshot
from rag.verification import Verification, similarity_of, verify_answer
from rag.vocabulary import Answer, Attempt, Passage, RefusalReason
from rag.wiring import Parts

log = logging.getLogger("zhiwen.answer")

_USUAL_CONTEXT_TOKENS = 16_384
"""Of a model that nothing is known of."""


@dataclass(frozen=True, slots=True)
class PassagesFound:
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the answer's text; what `rag.answer_filter` keeps from readers is not in it."""

    text: str


Event = PassagesFound | Reasoning | Delta | Answer


@dataclass(slots=True)
class _Draft:
    """An answer while it is written."""

    writer: str
    text: str = ""
    is_truncated: bool = False
    attempts: list[Attempt] = field(default_factory=list)

    def take(self, piece: Piece) -> Reasoning | Delta | None:
        """Keep a piece, and return what the reader gets of it."""
        match piece:
            case Text(text):
                self.text += text
                return Delta(text)
            case Reasoning():
                return piece
            case Attempt():
                self.attempts.append(piece)
            case Finished(model, truncated):
                self.writer, self.is_truncated = model, truncated
        return None


async def answer(question: str, parts: Parts, *, condition: Filter | None = None) -> AsyncGenerator[Event, None]:
    """Answer a question: the passages found, the text as it is written, and last the whole answer.

    A refusal is an answer too. Raises QuestionError, StoreError, EmbedderError, and ChatError if the chat model fails
    after it has begun; one that fails before is replaced by quotes from the same evidence, and the answer says so.
    """
    settings = parts.settings.answering
    question = checked_question(question, max_characters=settings.max_question_characters)
    retrieval, evidence = await asyncio.to_thread(_find, question, parts, condition)
    yield PassagesFound(evidence.passages)
    if not evidence.passages or evidence.probability < settings.min_evidence:
        yield _refusal(retrieval, _Draft(parts.chat.name), "no_evidence")
        return
    chat, draft = parts.chat, _Draft(parts.chat.name)
    prompt = _prompt(evidence, parts)
    try:
        async with aclosing(_written(parts.chat, prompt)) as pieces:
            async for piece in pieces:
                if event := draft.take(piece):
                    yield event
    except ChatError as error:
        if draft.text:
            raise
        log.warning("the chat model failed, quoting instead: %s", error)
        chat = ExtractiveChat()
        async with aclosing(_written(chat, prompt, note=_FAILED[evidence.language])) as pieces:
            async for piece in pieces:
                if event := draft.take(piece):
                    yield event
    if not cited_numbers(draft.text):
        yield _refusal(retrieval, draft, "no_citation" if draft.text.strip() else "model_declined")
        return
    # Quotes need no check, and a closing note would not pass one.
    said = draft.text.removesuffix(_TRUNCATED[evidence.language])
    checked = None if chat.is_extractive else await asyncio.to_thread(_verified, said, prompt, parts)
    if checked and not checked.supported:
        yield _refusal(retrieval, draft, "unsupported")
        return
    yield Answer(
        draft.text,
        citations_of(draft.text, evidence),
        draft.writer,
        retrieval.generation,
        _trace_id(),
        unverified=checked.unverified if checked else (),
        truncated=draft.is_truncated,
        attempts=tuple(draft.attempts),
    )


def search(question: str, parts: Parts, *, top_k: int | None = None, condition: Filter | None = None) -> Retrieval:
    """The hits for a question in the live generation. Blocks; raises QuestionError, StoreError, EmbedderError."""
    question = checked_question(question, max_characters=parts.settings.answering.max_question_characters)
    return _retrieve(question, parts, parts.store.snapshot(), top_k=top_k, condition=condition)


def _retrieve(
    question: str, parts: Parts, snapshot: Snapshot, *, top_k: int | None = None, condition: Filter | None = None
) -> Retrieval:
    return retrieve(
        question,
        snapshot,
        parts.embedder,
        parts.settings.retrieval,
        top_k=top_k,
        condition=condition,
        reranker=parts.reranker,
        rerank_candidates=parts.settings.rerank.candidates,
    )


def _find(question: str, parts: Parts, condition: Filter | None) -> tuple[Retrieval, Evidence]:
    settings = parts.settings.answering
    snapshot = parts.store.snapshot()
    found = _retrieve(question, parts, snapshot, condition=condition)
    evidence = gather_evidence(
        found,
        snapshot,
        count_tokens=parts.embedder.count_tokens,
        max_tokens=settings.max_evidence_tokens,
        max_passage_tokens=settings.max_passage_tokens,
        max_passages=settings.max_passages,
    )
    return found, evidence


def _prompt(evidence: Evidence, parts: Parts) -> Prompt:
    context = parts.chat.context_tokens or _USUAL_CONTEXT_TOKENS
    prompt = build_prompt(evidence, TokenBudget(context, parts.settings.chat.max_answer_tokens))
    if prompt.dropped:
        log.warning("passages %s do not fit into chat.context_tokens (%s) and are left out", prompt.dropped, context)
    return prompt


async def _written(chat: ChatModel, prompt: Prompt, note: str = "") -> Pieces:
    """What the model writes, as a reader may see it, and a closing note; no text at all if it declines."""
    text = AnswerFilter(prompt)
    async with aclosing(chat.stream(prompt)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Text):
                if text.declined and piece.text.strip():
                    return  # it goes on to explain itself, and nobody will read it
                if clean := text.feed(piece.text):
                    yield Text(clean)
                continue
            if isinstance(piece, Finished):
                rest = text.finish()
                closing = note or _closing(chat, piece, prompt.evidence.language)
                if not text.declined and (rest or closing):
                    yield Text(f"{rest}\n\n{closing}" if closing else rest)
            yield piece


def _verified(text: str, prompt: Prompt, parts: Parts) -> Verification:
    passages = {passage.number: passage.chunk.searchable_text for passage in prompt.evidence.passages}
    idf = parts.store.snapshot().statistics.idf
    return verify_answer(text, passages, idf, similarity_of(parts.embedder))


def _closing(chat: ChatModel, end: Finished, language: Language) -> str:
    if end.truncated:
        return _TRUNCATED[language]
    return _EXTRACTIVE[language] if chat.is_extractive else ""


def _refusal(retrieval: Retrieval, draft: _Draft, reason: RefusalReason) -> Answer:
    language = language_of(retrieval.question)
    headings = nearest_headings(retrieval.hits)
    text = _REFUSAL[language]
    if headings:
        text += _NEAREST[language] + "".join(f"\n- {heading}" for heading in headings)
    attempts = tuple(draft.attempts)
    return Answer(text, (), draft.writer, retrieval.generation, _trace_id(), reason, attempts=attempts)


def _trace_id() -> str:
    return uuid.uuid4().hex


_REFUSAL: dict[Language, str] = {
    "zh": "知识库里没有这个问题的答案。",
    "en": "The knowledge base does not answer this question.",
}
_NEAREST: dict[Language, str] = {"zh": "最接近的内容在：", "en": " The nearest sections are:"}
_EXTRACTIVE: dict[Language, str] = {
    "zh": "（未配置大模型，以上摘自原文。）",
    "en": "(No chat model is configured; the above is quoted from the documents.)",
}
_TRUNCATED: dict[Language, str] = {
    "zh": "（回答达到长度上限，没有写完。）",
    "en": "(The answer reached its length limit and is not complete.)",
}
_FAILED: dict[Language, str] = {
    "zh": "（大模型没有应答，以上摘自原文。）",
    "en": "(The chat model did not answer; the above is quoted from the documents.)",
}
