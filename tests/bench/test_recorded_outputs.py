"""Whatever a very weak model wrote, played again, makes sound answers, no fewer of them right than without a model."""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bench.small_model import SETS, is_right, open_set, read_questions
from rag.answering.answer import final_answer
from rag.answering.cache import AnswerCache
from rag.types import Answer
from rag.wiring import Services
from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer, openai_server
from tests.kit.paths import ROOT

RESULTS = ROOT / "bench" / "results" / "small_model.json"
PIECE = 5
"""How many characters of an output come at a time."""


def recorded() -> dict[str, list[dict[str, Any]]]:
    """The recorded outputs by set."""
    outputs = defaultdict(list)
    for output in json.loads(RESULTS.read_text(encoding="utf-8"))["small_model"]["outputs"]:
        outputs[output["set"]].append(output)
    return outputs


def assert_sound(answer: Answer, what: str) -> None:
    assert answer.text, what
    numbers = {int(number) for number in re.findall(r"(?<![\w\]])\[(\d+)\]", answer.text)}
    assert numbers <= {citation.number for citation in answer.citations}, what


def test_every_recorded_output_becomes_a_sound_answer_and_no_fewer_are_right_than_without_a_model() -> None:
    for name, outputs in recorded().items():
        facts = {question.text: question.facts for question in read_questions(SETS[name][1])}
        with openai_server() as server, open_set(name, server.base_url) as services:
            written, quoted = asyncio.run(play(outputs, server, services))
        right, right_without = (
            {question for question, answer in answers.items() if (asked := facts[question]) and is_right(answer, asked)}
            for answers in (written, quoted)
        )
        assert right_without <= right, name
        assert len(outputs) >= 5, name


async def play(
    outputs: Sequence[dict[str, Any]], server: OpenAIServer, services: Services
) -> tuple[dict[str, Answer], dict[str, Answer]]:
    """Ask the question of each output while the chat model writes it; return the answers, and those without a model."""
    written, quoted = {}, {}
    for output in outputs:
        text, question = output["output"], output["question"]
        pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
        server.play(completion(*pieces, finish_reason="length" if output["truncated"] else "stop"))
        written[question] = await final_answer(services.answerer.answer(question))
        assert_sound(written[question], question)
        assert server.calls, question
        quoting = replace(services.answerer, chat=None, cache=AnswerCache(0))
        quoted[question] = await final_answer(quoting.answer(question))
    assert services.chat
    await services.chat.close()
    return written, quoted
