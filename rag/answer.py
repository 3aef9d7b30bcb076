"""The read path: question → hits → evidence → prompt → chat model → answer with citations."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

from rag.answer_filter import AnswerFilter
from rag.chat import ChatModel
from rag.chat.extractive import ExtractiveChat
from rag.citations import citations_of, cited_numbers
from rag.errors import ChatError
from rag.evidence import gather_evidence, nearest_headings
from rag.filters import Filter
from rag.prompt import Prompt, TokenBudget, build_prompt
from rag.question import Language, checked_question, language_of
from rag.retrieval import Retrieval, retrieve
from rag.verification import Verification, similarity_of, verify_answer
from rag.vocabulary import Answer, Passage, RefusalReason
from rag.wiring import Parts

log = logging.getLogger("zhiwen.answer")


@dataclass(frozen=True, slots=True)
class PassagesFound:
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the answer's text; what `rag.answer_filter` keeps from readers is not in it."""

    text: str


Event = PassagesFound | Delta | Answer


async def answer(question: str, parts: Parts, *, condition: Filter | None = None) -> AsyncIterator[Event]:
    """Answer a question: the passages found, the text as it is written, and last the whole answer.

    A refusal is an answer too. Raises QuestionError, StoreError, EmbedderError, and ChatError if the chat model fails
    after it has begun; one that fails before is replaced by quotes from the same evidence, and the answer says so.
    """
    settings = parts.settings.answering
    question = checked_question(question, max_characters=settings.max_question_characters)
    retrieval = await asyncio.to_thread(search, question, parts, condition=condition)
    evidence = gather_evidence(retrieval, max_passages=settings.max_passages)
    yield PassagesFound(evidence.passages)
    if not evidence.passages or evidence.probability < settings.min_evidence:
        yield _refusal(retrieval, parts.chat, "no_evidence")
        return
    text = ""
    chat = parts.chat
    budget = TokenBudget(parts.settings.chat.context_tokens, parts.settings.chat.max_answer_tokens)
    prompt = build_prompt(evidence, budget)
    if prompt.dropped:
        log.warning("passages %s do not fit into chat.context_tokens and are not shown to the model", prompt.dropped)
    try:
        async for piece in _written(chat, prompt):
            text += piece
            yield Delta(piece)
    except ChatError as error:
        if text:
            raise
        log.warning("the chat model failed, quoting instead: %s", error)
        chat, note = ExtractiveChat(), _FAILED[evidence.language]
        async for piece in _written(chat, prompt, note=note):
            text += piece
            yield Delta(piece)
    if not cited_numbers(text):
        yield _refusal(retrieval, chat, "no_citation" if text.strip() else "model_declined")
        return
    # Quotes need no check, and the closing note of theirs would not pass one.
    checked = None if chat.is_extractive else await asyncio.to_thread(_verified, text, prompt, parts)
    if checked and not checked.supported:
        yield _refusal(retrieval, chat, "unsupported")
        return
    yield Answer(
        text,
        citations_of(text, evidence),
        chat.name,
        retrieval.generation,
        _trace_id(),
        unverified=checked.unverified if checked else (),
    )


def search(question: str, parts: Parts, *, top_k: int | None = None, condition: Filter | None = None) -> Retrieval:
    """The hits for a question in the live generation. Blocks; raises QuestionError, StoreError, EmbedderError."""
    question = checked_question(question, max_characters=parts.settings.answering.max_question_characters)
    snapshot = parts.store.snapshot()
    return retrieve(question, snapshot, parts.embedder, parts.settings.retrieval, top_k=top_k, condition=condition)


async def _written(chat: ChatModel, prompt: Prompt, note: str = "") -> AsyncIterator[str]:
    """The model's text as a reader may see it; nothing at all if it declines."""
    text = AnswerFilter(prompt)
    async for piece in chat.stream(prompt):
        clean = text.feed(piece)
        if text.declined:
            return
        if clean:
            yield clean
    rest = text.finish()
    if text.declined:
        return
    closing = note or (_EXTRACTIVE[prompt.evidence.language] if chat.is_extractive else "")
    rest += f"\n\n{closing}" if closing else ""
    if rest:
        yield rest


def _verified(text: str, prompt: Prompt, parts: Parts) -> Verification:
    passages = {passage.number: passage.chunk.searchable_text for passage in prompt.evidence.passages}
    idf = parts.store.snapshot().statistics.idf
    return verify_answer(text, passages, idf, similarity_of(parts.embedder))


def _refusal(retrieval: Retrieval, chat: ChatModel, reason: RefusalReason) -> Answer:
    language = language_of(retrieval.question)
    headings = nearest_headings(retrieval.hits)
    text = _REFUSAL[language]
    if headings:
        text += _NEAREST[language] + "".join(f"\n- {heading}" for heading in headings)
    return Answer(text, (), chat.name, retrieval.generation, _trace_id(), reason)


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
_FAILED: dict[Language, str] = {
    "zh": "（大模型没有应答，以上摘自原文。）",
    "en": "(The chat model did not answer; the above is quoted from the documents.)",
}
