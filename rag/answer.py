"""The read path: question → hits → evidence → prompt → chat model → answer with citations."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

from rag.chat import ChatModel
from rag.chat.extractive import ExtractiveChat
from rag.citations import MarkerFilter, citations_of, cited_numbers
from rag.errors import ChatError
from rag.evidence import Evidence, gather_evidence, nearest_headings
from rag.filters import Filter
from rag.prompt import DECLINED, Prompt, build_prompt
from rag.question import Language, checked_question, language_of
from rag.retrieval import Retrieval, retrieve
from rag.vocabulary import Answer, Passage, RefusalReason
from rag.wiring import Parts

log = logging.getLogger("zhiwen.answer")


@dataclass(frozen=True, slots=True)
class PassagesFound:
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the answer's text; only markers that were offered are in it."""

    text: str


Event = PassagesFound | Delta | Answer


async def answer(question: str, parts: Parts, *, condition: Filter | None = None) -> AsyncIterator[Event]:
    """Answer a question: the passages found, the text as it is written, and last the whole answer.

    A refusal is an answer too. Raises QuestionError, StoreError, EmbedderError, and ChatError if the chat model fails
    after it has begun; one that fails before is replaced by quotes from the same evidence, and the answer says so.
    """
    settings = parts.settings.answering
    question = checked_question(question, max_characters=settings.max_question_characters)
    retrieval, evidence = await asyncio.to_thread(_find, question, parts, condition)
    yield PassagesFound(evidence.passages)
    if not evidence.passages or evidence.probability < settings.min_evidence:
        yield _refusal(retrieval, parts.chat, "no_evidence")
        return
    text = ""
    chat = parts.chat
    prompt = build_prompt(evidence)
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
    if not text.strip():
        yield _refusal(retrieval, chat, "model_declined")
    elif not cited_numbers(text):
        yield _refusal(retrieval, chat, "no_citation")
    else:
        yield Answer(text, citations_of(text, evidence), chat.name, retrieval.generation, _trace_id())


def search(question: str, parts: Parts, *, top_k: int | None = None, condition: Filter | None = None) -> Retrieval:
    """The hits for a question in the live generation. Blocks; raises QuestionError, StoreError, EmbedderError."""
    question = checked_question(question, max_characters=parts.settings.answering.max_question_characters)
    snapshot = parts.store.snapshot()
    return retrieve(question, snapshot, parts.embedder, parts.settings.retrieval, top_k=top_k, condition=condition)


def _find(question: str, parts: Parts, condition: Filter | None) -> tuple[Retrieval, Evidence]:
    settings = parts.settings.answering
    snapshot = parts.store.snapshot()
    found = retrieve(question, snapshot, parts.embedder, parts.settings.retrieval, condition=condition)
    evidence = gather_evidence(
        found,
        snapshot,
        count_tokens=parts.embedder.count_tokens,
        max_tokens=settings.max_evidence_tokens,
        max_passage_tokens=settings.max_passage_tokens,
        max_passages=settings.max_passages,
    )
    return found, evidence


async def _written(chat: ChatModel, prompt: Prompt, note: str = "") -> AsyncIterator[str]:
    """The model's text with clean markers; nothing at all if it declines."""
    language = prompt.evidence.language
    markers = MarkerFilter([passage.number for passage in prompt.evidence.passages])
    held = ""
    begun = False
    async for piece in chat.stream(prompt):
        held += piece
        if not begun and DECLINED.startswith(held.strip()):
            continue
        if not begun and held.strip().startswith(DECLINED):
            return
        begun = True
        clean = markers.feed(held)
        held = ""
        if clean:
            yield clean
    if begun:
        closing = note or (_EXTRACTIVE[language] if chat.is_extractive else "")
        rest = markers.finish() + (f"\n\n{closing}" if closing else "")
        if rest:
            yield rest


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
