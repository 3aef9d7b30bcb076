"""Whatever a very weak model wrote, played again: no error, no empty answer, no marker without its citation."""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from bench.small_model import open_set
from rag.answering.answer import final_answer
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


def test_every_recorded_output_becomes_a_sound_answer() -> None:
    played = 0
    for name, outputs in recorded().items():
        with openai_server() as server, open_set(name, server.base_url) as services:
            played += asyncio.run(play(outputs, server, services))
    assert played >= 5


async def play(outputs: Sequence[dict[str, Any]], server: OpenAIServer, services: Services) -> int:
    """Ask the question of each output while the chat model writes it; return how many there were."""
    for output in outputs:
        text = output["output"]
        pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
        server.play(completion(*pieces, finish_reason="length" if output["truncated"] else "stop"))
        assert_sound(await final_answer(services.answerer.answer(output["question"])), output["question"])
        assert server.calls, output["question"]
    assert services.chat
    await services.chat.close()
    return len(outputs)
