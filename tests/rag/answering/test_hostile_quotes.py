"""Quotes of a passage that ends in what swallows their marker: no citation without a marker."""

import asyncio

import pytest

from api.openai.completions import AnswerStyle
from rag.answering.answer_trace import build_trace
from rag.answering.compose import compose
from rag.answering.draft import Composition
from rag.answering.gathering import Gathered
from rag.answering.quoted_answer import quote_answer
from rag.answering.rewriting import StandaloneQuestion
from rag.checks.answer_verification import Verification
from rag.retrieval.search import Retrieval
from rag.types import Answer
from tests.kit.chat import evidence_of, passage


def quoted(content: str) -> Answer:
    evidence = evidence_of(passage(1, content, heading="Ollama"))
    found = Gathered(
        Retrieval(evidence.question, 1, "", hits=(evidence.passages[0].hit,)),
        evidence,
        seconds={},
        quoted=quote_answer(evidence, min_evidence=0),
    )

    async def write() -> Composition:
        composing = compose(
            found,
            None,
            min_evidence=0,
            max_answer_tokens=100,
            verify=lambda text, passages: Verification(),
            quote=lambda evidence: None,
        )
        [composition] = [event async for event in composing if isinstance(event, Composition)]
        return composition

    standalone = StandaloneQuestion(evidence.question)
    return build_trace(evidence.question, standalone, found.retrieval, evidence, asyncio.run(write()), {}).answer


@pytest.mark.parametrize(
    "tail", ["", " ![x](https://evil.test", " [x](https://evil.test/p", "<a href=", " <!-- x", " `", " [", " <x "]
)
def test_a_citation_has_a_marker_in_the_text_whatever_a_passage_ends_in(tail: str) -> None:
    answer = quoted(f"Ollama 是在本地运行模型的平台{tail}")
    assert all(f"[{citation.number}]" in answer.text for citation in answer.citations)
    assert bool(answer.citations) != answer.refused
    AnswerStyle("什么是 Ollama？", "https://kb.example.org", with_links=True).annotations(answer)
