"""What models of other families write, by their documented formats: no reasoning, no invalid marker is ever shown."""

import re
from typing import Any

import pytest

from tests.kit.openai_scripts import events
from tests.kit.openai_server import OpenAIServer, Script, chunk
from tests.kit.processes import Server
from tests.kit.server_events import streamed_answer

QUESTION = "向量数据库有哪些知名组件？"
THOUGHT = "The user wants hidden-thought, so I look at passage 1"
FACT = "知名的向量数据库有 Milvus 和 PingCAP [1]。"

# The text of each, with the tags of the family's chat template.
TEXTS = {
    "qwen3": f"<think>\n{THOUGHT}.\n</think>\n\n{FACT}",
    "qwen3 without thinking": f"<think>\n\n</think>\n\n{FACT}",
    "qwen3-2507, whose template opens the tag": f"{THOUGHT}.\n</think>\n\n{FACT}",
    "qwen2.5 with Markdown": f"根据提供的资料：\n\n1. **Milvus** [1]\n2. **PingCAP** [1]\n\n{FACT}",
    "deepseek-r1": f"<think>\n{THOUGHT}\n</think>\n{FACT}",
    "deepseek-v3 with citation markers of its own": "知名的向量数据库有 Milvus 和 PingCAP [citation:1]。",
    "mistral, magistral": f"[THINK]{THOUGHT}[/THINK]{FACT}",
    "gpt-oss, harmony": f"<|channel|>analysis<|message|>{THOUGHT}<|end|>"
    f"<|start|>assistant<|channel|>final<|message|>{FACT}<|return|>",
    "gpt-oss, its citations": "知名的向量数据库有 Milvus 和 PingCAP【1†L1-L5】。",
    "gemma": "知名的向量数据库有：\n\n*   **Milvus** [1]\n*   **PingCAP** [1, 1]",
    "gemma, with a thought channel": f"<|channel>thought\n{THOUGHT}<channel|>{FACT}",
    "kimi": f"◁think▷{THOUGHT}◁/think▷{FACT}",
    "glm": f"<think>{THOUGHT}</think>\n<|begin_of_box|>{FACT}<|end_of_box|>",
    "command a": f"<|START_THINKING|>{THOUGHT}<|END_THINKING|><|START_RESPONSE|>{FACT}<|END_RESPONSE|>",
    "exaone": f"<thought>\n{THOUGHT}\n</thought>\n\n{FACT}",
    "seed-oss": f"<seed:think>{THOUGHT}</seed:think>{FACT}",
    "hunyuan": f"<think>\n{THOUGHT}\n</think>\n<answer>\n{FACT}\n</answer>",
    "a passage that does not exist": "知名的向量数据库有 Milvus [1] 和 Faiss [97]。",
    "an empty answer": "",
    "a loop": "Milvus [1] " * 200,
}
# What the server puts beside the text.
FIELDS: dict[str, list[dict[str, Any]]] = {
    "deepseek, vllm": [{"reasoning_content": THOUGHT}, {"content": FACT}],
    "gpt-oss, ollama": [{"reasoning": THOUGHT, "content": ""}, {"content": FACT}],
    "mistral, magistral": [
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}]},
        {"content": [{"type": "text", "text": FACT}]},
    ],
    "gemini, with null": [{"content": None}, {"content": FACT}],
}


def streamed(deltas: list[dict[str, Any]]) -> Script:
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    return events(*({**chunk(), "choices": [choice]} for choice in choices), chunk(finish_reason="stop"), "[DONE]")


def in_pieces(text: str, size: int) -> list[dict[str, Any]]:
    return [{"content": text[start : start + size]} for start in range(0, len(text), size)]


def assert_well_answered(talking: Server, what: str) -> dict[str, Any]:
    response = talking.post("/ask", question=QUESTION)
    assert response.status_code == 200, (what, response.text)
    answer: dict[str, Any] = response.json()
    assert answer["answer"]
    assert "hidden-thought" not in answer["answer"], what
    numbers = {int(number) for number in re.findall(r"\[(\d+)\]", answer["answer"])}
    assert numbers <= {citation["number"] for citation in answer["citations"]}, what
    stream = streamed_answer(talking, QUESTION)
    assert "answer" in [event.name for event in stream], what
    pieces = [event.data["text"] for event in stream if event.name == "delta"]
    assert "hidden-thought" not in "".join(pieces), what
    return answer


@pytest.mark.parametrize("family", TEXTS)
def test_the_text_of_a_family_is_shown_without_its_reasoning(
    chat_endpoint: OpenAIServer, other_talking: Server, family: str
) -> None:
    for size in (3, 10_000):
        chat_endpoint.play(streamed(in_pieces(TEXTS[family], size)))
        answer = assert_well_answered(other_talking, f"{family}, in pieces of {size}")
        if FACT in TEXTS[family]:
            assert "Milvus" in answer["answer"]


@pytest.mark.parametrize("family", FIELDS)
def test_the_fields_of_a_family_are_shown_without_its_reasoning(
    chat_endpoint: OpenAIServer, other_talking: Server, family: str
) -> None:
    chat_endpoint.play(streamed(FIELDS[family]))
    assert "Milvus" in assert_well_answered(other_talking, family)["answer"]
