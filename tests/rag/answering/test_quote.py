"""Answers quoted from the passages, without a model."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from rag.answering.quote import ExtractiveChat
from rag.chat.prompt import DECLINED, Prompt, build_prompt
from rag.retrieval.evidence import Evidence
from tests.kit.chat import passage, prompt_of, said


def extracted(prompt: Prompt) -> str:
    return "".join(asyncio.run(said(ExtractiveChat(), prompt)))


def test_one_sentence_that_answers_is_quoted_alone_with_its_marker() -> None:
    text = "今天天气好。Ollama 是本地平台。别的事。"
    prompt = prompt_of(passage(1, "无关。", score=0.2), passage(2, text))
    assert extracted(prompt) == "Ollama 是本地平台。 [2]"


def test_parts_of_one_block_that_match_alike_are_listed_in_reading_order() -> None:
    rows = ["层级: 第二层 › 内容: 视觉", "层级: 第二层 › 内容: 语言", "层级: 第三层 › 内容: 算法"]
    passages = [passage(n, row, kind="row", group="t", score=1 - n / 10) for n, row in enumerate(rows, 1)]
    passages = [
        replace(one, hit=replace(one.hit, chunk=replace(one.chunk, position=9 - one.number))) for one in passages
    ]
    assert extracted(prompt_of(*passages, idf={"第二": 1.0, "二层": 1.0})) == f"- {rows[1]} [2]\n- {rows[0]} [1]"


def test_a_tie_in_another_block_is_left_out() -> None:
    prompt = prompt_of(passage(1, "Ollama 是平台。"), passage(2, "Ollama 在别处。", score=0.5))
    assert extracted(prompt) == "Ollama 是平台。 [1]"


def test_a_question_for_a_heading_gets_the_whole_list_under_it() -> None:
    prompt = prompt_of(passage(1, "- Coze\n- Dify\n- Trae", kind="list", heading="Ollama 之外的平台"))
    assert extracted(prompt) == "- Coze [1]\n- Dify [1]\n- Trae [1]"


def test_a_long_list_is_cut_to_a_bearable_length() -> None:
    items = "\n".join(f"- item{number}" for number in range(100))
    assert extracted(prompt_of(passage(1, items, kind="list", heading="Ollama"))).count("\n") == 7


def test_without_passages_it_declines() -> None:
    assert extracted(prompt_of()) == DECLINED


def test_without_words_in_common_the_first_hit_is_quoted() -> None:
    prompt = prompt_of(passage(1, "The first."), passage(2, "The second.", score=0.9), idf={"unknown": 3.0})
    assert extracted(prompt) == "The first. [1]"


def test_a_question_without_terms_is_answered_too() -> None:
    evidence = Evidence("🙂", "en", (passage(1, "The first."),), {}, 0.9)
    assert extracted(build_prompt(evidence)) == "The first. [1]"


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("学习路线", ["数学: 线性代数、概率统计、微积分", "自然语言处理: NLP"]),
        ("AIGC 开发平台有哪些？", ["Coze", "Cherry Studio", "Ollama", "Cloud Studio"]),
        ("第二层包含哪些内容？", ["语言大模型", "视觉大模型", "代码大模型", "本地定制化模型"]),
        ("Dify 的官网是什么？", ["https://dify.ai/zh"]),
    ],
)
def test_questions_to_the_shipped_knowledge_are_answered_with_markers(
    evidence_of: Callable[[str], Evidence], question: str, words: list[str]
) -> None:
    evidence = evidence_of(question)
    text = extracted(build_prompt(evidence))
    for word in words:
        line = next(line for line in text.split("\n") if word in line)
        number = int(line.rpartition("[")[2].rstrip("]"))
        assert word.split(":")[0] in evidence.passages[number - 1].chunk.content
