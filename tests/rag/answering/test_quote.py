"""Answers without a model: the best sentences, list items and table rows, each with its marker."""

from collections.abc import Callable

import pytest

from api.page.answer_html import answer_html
from rag.answering.quote import choose_quotes
from rag.answering.quote_markdown import write_quotes
from rag.checks.output_filter import OutputFilter
from rag.retrieval.evidence import Evidence
from tests.kit.chat import evidence_of as evidence
from tests.kit.chat import passage


def quoted(found: Evidence) -> str:
    return "".join(write_quotes(choose_quotes(found).quotes, found.language))


def test_one_sentence_that_answers_is_quoted_alone_with_its_marker() -> None:
    text = "今天天气好。\n\nOllama 是本地平台。\n\n别的事。"
    found = evidence(passage(1, "无关。", score=0.2), passage(2, text))
    assert quoted(found) == "Ollama 是本地平台。 [2]"


def test_rows_of_one_table_that_match_alike_are_a_table_with_its_header() -> None:
    rows = ["层级: 第二层 › 内容: 视觉", "层级: 第二层 › 内容: 语言", "层级: 第三层 › 内容: 算法"]
    passages = [passage(n, row, kind="row", group="t", score=1 - n / 10) for n, row in enumerate(rows, 1)]
    assert quoted(evidence(*passages, idf={"第二": 1.0, "二层": 1.0})) == (
        "| 层级 | 内容 |\n|---|---|\n| 第二层 | 视觉 [1] |\n| 第二层 | 语言 [2] |"
    )


def test_a_tie_in_another_block_is_left_out() -> None:
    found = evidence(passage(1, "Ollama 是平台。"), passage(2, "Ollama 在别处。", score=0.5))
    assert quoted(found) == "Ollama 是平台。 [1]"


def test_a_question_for_a_heading_gets_the_whole_list_under_it() -> None:
    found = evidence(passage(1, "- Coze\n- Dify\n- Trae", kind="list", heading="Ollama 之外的平台"))
    assert quoted(found) == "- Coze [1]\n- Dify [1]\n- Trae [1]"


@pytest.mark.parametrize("lead", ["", "Ollama 的模型：\n"])
def test_a_long_list_is_cut_to_a_bearable_length_and_says_so(lead: str) -> None:
    items = "\n".join(f"- item{number}" for number in range(100))
    lines = quoted(evidence(passage(1, lead + items, kind="list", heading="Ollama"))).split("\n")
    assert [line for line in lines if "item" in line][-1].startswith("- item29")
    assert lines[-1] == "- …（另有 70 项，见原文）"


def test_rows_that_are_passages_of_their_own_are_cut_as_one_table() -> None:
    rows = [passage(n, f"Ollama › 模型: m{n}", kind="row", group="t", score=1 - n / 100) for n in range(1, 41)]
    lines = quoted(evidence(*rows)).split("\n")
    assert lines[:3] == ["Ollama", "", "| 模型 |"]
    assert lines[-3:] == ["| m30 [30] |", "", "…（另有 10 项，见原文）"]


LEAD = "Ollama 需要以下条件："


@pytest.mark.parametrize(
    ("below", "answer"),
    [
        ("\n- 内存\n- 显卡", "\n\n- 内存\n- 显卡"),
        ("\n\n- 内存\n- 显卡", "\n\n- 内存\n- 显卡"),
        ("\n1. 内存\n  - 8 GB\n    - DDR5\n2. 显卡", "\n\n1. 内存\n   - 8 GB\n     - DDR5\n2. 显卡"),
        ("\n- 运行\n  ```py\n  if a[1]:\n\n      b()\n  ```", "\n\n- 运行\n  ```py\n  if a[1]:\n\n      b()\n  ```"),
        ("\n```py\nif a[1]:\n    b()\n```", "\n\n```py\nif a[1]:\n    b()\n```"),
        ("\n```py\nif a[1]:\n    cut", "\n\n```py\nif a[1]:\n    cut\n```"),
        ("\n| a | b |\n|---|---|\n| x | y |", "\n\n| a | b |\n|---|---|\n| x | y |"),
        ("\n1. 内存\n\n```\nfree\n```\n\n2. 显卡", "\n\n1. 内存\n\n```\nfree\n```\n\n2. 显卡"),
    ],
    ids=["list", "list apart", "nested list", "code in a list", "code", "cut code", "table", "steps with code"],
)
def test_a_lead_in_is_quoted_with_all_that_it_leads_in_to(below: str, answer: str) -> None:
    found = evidence(passage(1, f"别的事。\n\n{LEAD}{below}\n\n后文。"))
    if "cut" in below:
        found = evidence(passage(1, f"别的事。\n\n{LEAD}{below}"))
    assert quoted(found) == f"{LEAD} [1]{answer}"


def test_the_page_shows_what_is_led_in_to_as_it_is() -> None:
    code = "2. 运行\n  ```py\n  if a[1]:\n      b()\n  ```"
    text = quoted(evidence(passage(1, f"{LEAD}\n1. 内存\n  - 8 GB\n{code}", kind="list")))
    (lead, items) = answer_html(text, [1])
    assert 'data-cite="1"' in lead
    assert "if a[1]:\n    b()\n</code></pre>" in items
    assert "data-cite" not in items
    assert items.count("<li>") == 3
    assert items.count("<ol>") == items.count("<ul>") == 1


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Ollama 用 <div> 元素。", "Ollama 用 `<div>` 元素。 [1]"),
        ("Ollama 按 created:<date，或 a</b 过滤。", "Ollama 按 `created:<date`，或 `a</b` 过滤。 [1]"),
        ("Ollama 写作 &colon; 和 ![a](b)。", "Ollama 写作 `&colon;` 和 `![a](b)`。 [1]"),
        ("Ollama 判断 1<2 && x<-y。", "Ollama 判断 1<2 && x<-y。 [1]"),
        (
            "ssh <user>@<host> 登录 Ollama，类型是 Optional<Order>。",
            "ssh <user>@<host> 登录 Ollama，类型是 Optional<Order>。 [1]",
        ),
        (
            "Ollama 的尺寸是 600*800*2000，路径是 \\\\nas\\_a。",
            "Ollama 的尺寸是 600*800*2000，路径是 \\\\nas\\_a。 [1]",
        ),
    ],
)
def test_what_looks_like_html_in_a_document_reaches_the_reader(text: str, answer: str) -> None:
    found = evidence(passage(1, text))
    output = OutputFilter(found, is_quoted=True)
    assert output.feed(quoted(found)) + output.finish() == answer


def test_of_two_lists_the_one_that_is_asked_for_is_quoted() -> None:
    found = evidence(passage(1, "Dify 的步骤：\n- 甲\n- 乙\n\nOllama 的步骤：\n- 丙\n- 丁", kind="list"))
    assert quoted(found) == "Ollama 的步骤： [1]\n\n- 丙\n- 丁"


def test_an_item_that_answers_is_quoted_alone() -> None:
    found = evidence(passage(1, "可选的平台：\n- Coze\n- Ollama（本地）\n- Dify", kind="list"))
    assert quoted(found) == "Ollama（本地） [1]"


def test_an_item_that_only_repeats_the_question_comes_with_its_lead_in() -> None:
    found = evidence(passage(1, "可选的平台：\n- Coze\n- Ollama\n- Dify", kind="list"))
    assert quoted(found) == "可选的平台： [1]\n\n- Ollama"


def test_an_item_that_does_not_say_what_it_is_about_comes_with_its_lead_in() -> None:
    found = evidence(passage(1, "平台：\n- Coze\n- Ollama 7\n- Dify", kind="list"), idf={"ollama": 2.0, "平台": 1.0})
    assert quoted(found) == "平台： [1]\n\n- Ollama 7"


def test_code_comes_with_its_lead_in() -> None:
    found = evidence(passage(1, "启动服务：\n\n```sh\nollama serve # Ollama\n```"))
    assert quoted(found) == "启动服务： [1]\n\n```sh\nollama serve # Ollama\n```"


def test_the_marker_of_code_without_a_lead_in_stands_below_it() -> None:
    found = evidence(passage(1, "ollama serve\n\n  # two", kind="code"))
    assert quoted(found) == "```\nollama serve\n\n  # two\n```\n[1]"


def test_a_lead_in_that_stands_above_each_part_of_a_list_is_quoted_once() -> None:
    parts = [passage(n, f"Ollama 需要：\n- 条件{n}", kind="list", group="l") for n in (1, 2)]
    assert quoted(evidence(*parts)) == "Ollama 需要： [1]\n\n- 条件1\n- 条件2 [2]"


def test_the_parts_of_long_code_are_one_block_of_code() -> None:
    parts = [passage(n, f"Ollama：\n```py\na[{n}]\n```", kind="code", group="c") for n in (1, 2, 3)]
    assert quoted(evidence(*parts)) == "Ollama： [1]\n\n```py\na[1]\na[2]\na[3]\n```\n[2] [3]"


def test_the_parts_of_a_long_table_are_one_table() -> None:
    head = "Ollama：\n| a | b |\n|---|---|"
    parts = [passage(n, f"{head}\n| x{n} | y |", kind="table", group="c") for n in (1, 2)]
    table = "| a | b |\n|---|---|\n| x1 | y |\n| x2 | y [2] |"
    assert quoted(evidence(*parts)) == f"Ollama： [1]\n\n{table}"


def test_without_passages_there_is_nothing_to_quote() -> None:
    assert quoted(evidence()) == ""


def test_without_words_in_common_the_first_hit_is_quoted() -> None:
    found = evidence(passage(1, "The first."), passage(2, "The second.", score=0.5), idf={"unknown": 3.0})
    assert quoted(found) == "The first. [1]"


def test_a_question_without_terms_is_no_crash() -> None:
    found = Evidence("🙂", "en", (passage(1, "The first."),), {}, 0.9)
    assert quoted(found) == "The first. [1]"


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("学习路线", ["数学", "自然语言处理"]),
        ("AIGC 开发平台有哪些？", ["Coze", "Cherry Studio", "Ollama", "Cloud Studio"]),
        ("第二层包含哪些内容？", ["语言大模型", "视觉大模型", "代码大模型", "本地定制化模型"]),
        ("Dify 的官网是什么？", ["https://dify.ai/zh"]),
    ],
)
def test_questions_to_the_shipped_knowledge_are_answered_with_markers(
    evidence_of: Callable[[str], Evidence], question: str, words: list[str]
) -> None:
    found = evidence_of(question)
    text = quoted(found)
    for word in words:
        line = next(line for line in text.split("\n") if word in line)
        number = int(line.rpartition("[")[2].rstrip("] |"))
        assert word in found.passages[number - 1].chunk.content
