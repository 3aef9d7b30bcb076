"""An answer is checked statement by statement, in bounded time, and its markers are corrected."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.checks.answer_verification import MAX_EMBEDDED, MAX_STATEMENTS, verify_answer
from rag.models.embedders.protocol import Matrix, OnEmbedded, Vector, ignore_embedded
from rag.text.remarks import is_remark
from tests.kit.call_count import count_calls

MILVUS = "Milvus\nMilvus 于 2019 年开源，支持三种索引，用 Go 写成。"
LEAVE = "年假\n满一年的员工每年有 10 天年假。年假须提前三天申请，由直属主管批准。"
WARRANTY = "Warranty\nThe warranty of the Falcon widget lasts 36 months. It covers the motor and the gearbox."
PASSAGES = {1: MILVUS, 2: LEAVE, 3: WARRANTY}


def flat(term: str) -> float:
    return 1.0


class CountingEmbedder:
    """Puts a text on the axis of its language, counts the calls and the texts."""

    name, engine, dimension, max_tokens = "builtin/multilingual-e5-small", "numpy", 2, 512
    fingerprint, equivalents = "0123456789abcdef", frozenset[str]()

    def __init__(self) -> None:
        self.calls: list[int] = []

    def count_tokens(self, text: str) -> int:
        return len(text)

    def embed_query(self, text: str) -> Vector:
        return self.embed_documents([text])[0]

    def embed_documents(self, texts: Sequence[str], on_embedded: OnEmbedded = ignore_embedded) -> Matrix:
        self.calls.append(len(texts))
        return np.tile(np.array([0.6, 0.8], dtype=np.float32), (len(texts), 1))


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        ("Milvus 于 2019 年开源。", "Milvus 于 2019 年开源 [1]。"),
        ("Milvus 于 2019 年开源 [2]。", "Milvus 于 2019 年开源 [1]。"),
        ("Milvus 于 2019 年开源。[3]", "Milvus 于 2019 年开源 [1]。"),
        ("- 每年有 10 天年假\n- 支持三种索引 [2]", "- 每年有 10 天年假 [2]\n- 支持三种索引 [1]"),
        ("The warranty lasts 36 months.", "The warranty lasts 36 months [3]."),
        ("| 年假 | 10 天 |", "| 年假 | 10 天 [2] |"),
        ("年假申请的时间：\n\n年假", "年假申请的时间：\n\n年假 [2]"),
        ("The warranty lasts:\n\n- The warranty", "The warranty lasts:\n\n- The warranty [3]"),
        ("Milvus 于 2019 年开源 [1]。它用 Go 写成。", "Milvus 于 2019 年开源 [1]。它用 Go 写成。"),
        ("Milvus 于 2019 年开源。年假 10 天。\n\n来源：[1][2]", "Milvus 于 2019 年开源。年假 10 天。\n\n来源：[1][2]"),
    ],
)
def test_a_statement_gets_the_number_of_the_passage_that_supports_it(text: str, corrected: str) -> None:
    verification = verify_answer(text, PASSAGES, flat)
    assert verification.text == corrected
    assert verification.unverified == ()
    assert all(one.statement in corrected for one in verification.checked)
    assert any(one.attributed for one in verification.checked) == (text != corrected)


@pytest.mark.parametrize(
    "text",
    ["Milvus 于 2018 年开源 [2]。", "Qdrant 用 Rust 写成。", "员工可以带狗上班 [1]。", "It covers the battery [3]."],
)
def test_what_no_passage_supports_stays_as_it_is_and_is_marked(text: str) -> None:
    verification = verify_answer(text, PASSAGES, flat)
    assert verification.text == text
    assert verification.supported == ()
    assert [one.attributed for one in verification.checked] == [False]


@pytest.mark.parametrize(
    "remark",
    [
        "您好！",
        "如有其他问题，欢迎继续提问。",
        "希望以上信息对您有帮助！",
        "资料中没有提到价格。",
        "根据提供的资料，回答如下：",
        "## 保修",
        "**保修期**",
        "1. **保修期**：",
        "Hello!",
        "Let me know if you need anything else!",
        "I hope this helps.",
        "The passages do not say what it costs.",
        "However, the documents don't mention the price.",
        "Would you like to know more?",
        "References:\n- [1] milvus.md\n- [3] warranty.md",
        "参考资料\n\n[1] milvus.md › 简介\n[2] 员工手册",
        "Sources: [1] milvus.md, [3] warranty.md",
    ],
)
def test_politeness_headings_gaps_and_lists_of_sources_are_no_statements(remark: str) -> None:
    verification = verify_answer(f"Milvus 于 2019 年开源 [1]。\n\n{remark}", PASSAGES, flat)
    assert verification.supported == ("Milvus 于 2019 年开源 [1]。",)
    assert verification.unverified == ()


@pytest.mark.parametrize(
    "claim",
    [
        "It is not covered.",
        "Let me know if you want it, it costs 5 dollars.",
        "If you need more days, your manager deducts pay.",
        "Feel free to skip the approval.",
        "如果您需要更多年假须扣工资。",
        "文档中没有提到价格，但是保修是终身的。",
        "没有找到工作的员工可以申请补助。",
    ],
)
def test_a_claim_is_none_the_less_for_politeness_around_it(claim: str) -> None:
    assert not is_remark(claim)


def test_statements_in_another_language_cost_two_calls_of_the_embedder_and_uncited_ones_a_third() -> None:
    embedder = CountingEmbedder()
    text = "\n".join(f"- employees request leave in time {word} [2]" for word in "early late soon then again".split())
    verify_answer(text, PASSAGES, flat, embedder)
    assert embedder.calls == [5, 1], "all statements, then the passage that they cite"
    embedder.calls.clear()
    verify_answer(text.replace(" [2]", "") + "\n\nwell [2]", PASSAGES, flat, embedder)
    assert len(embedder.calls) <= 3
    assert sum(embedder.calls) <= 5 + 1 + 2, "each text once"


def test_without_statements_in_another_language_nothing_is_embedded() -> None:
    embedder = CountingEmbedder()
    verify_answer("Milvus 于 2019 年开源 [1]。The warranty lasts 36 months [3].", PASSAGES, flat, embedder)
    assert embedder.calls == []


def test_beyond_the_budget_statements_are_not_checked_and_say_so() -> None:
    embedder = CountingEmbedder()
    foreign = "\n".join("- employees request leave in time [2]" for _ in range(MAX_EMBEDDED + 7))
    checked = verify_answer(foreign, PASSAGES, flat, embedder).checked
    assert embedder.calls == [MAX_EMBEDDED, 1]
    assert [one.verdict.fault for one in checked].count("unchecked") == 7

    own = "\n".join("- Milvus 于 2019 年开源 [1]" for _ in range(MAX_STATEMENTS + 9))
    verification = verify_answer(own, PASSAGES, flat)
    assert [one.verdict.fault for one in verification.checked].count("unchecked") == 9
    assert len(verification.unverified) == 9, "what was not checked is not verified"


@pytest.mark.parametrize("piece", ["\\\\a", "中", "1年2", "a. ", "`", "[1]", "| a ", "1,", "- a\n", "不", "“"])
def test_the_work_for_a_text_grows_no_faster_than_its_length(piece: str) -> None:
    """Quadratic checks of so many characters took minutes, longer than a test may take."""

    def verify(characters: int) -> int:
        text = piece * (characters // len(piece))
        return count_calls(lambda: verify_answer(text, {1: text, 2: MILVUS}, flat))

    verify(100)  # loads dictionaries
    assert verify(6000) <= 2.5 * verify(3000)


@given(
    st.lists(
        st.sampled_from(
            [
                "Milvus",
                "于 2019 年开源",
                "。",
                "\n",
                "- ",
                "| a |",
                "```",
                " [1]",
                " [2]",
                ". ",
                "!",
                "# ",
                "：",
                "来源：",
                "**",
            ]
        ),
        max_size=16,
    ).map("".join)
)
def test_what_is_marked_stands_word_for_word_in_the_corrected_text(text: str) -> None:
    verification = verify_answer(text, PASSAGES, flat)
    assert all(one.statement in verification.text for one in verification.checked)
    assert "".join(filter(str.isalpha, verification.text)) == "".join(filter(str.isalpha, text))
