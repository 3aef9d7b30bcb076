"""A statement is supported if what is exact in it, and enough of its words, stand in the passages that it cites."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.checks.verification import verify_statement

ZH = (
    "Milvus 发展史\nMilvus 是上海赜睿科技于 2019 年 10 月 15 日开源的向量数据库，用 Go 写成，支持三种索引，"
    "吞吐为 1,200 次/秒，占比百分之三十二。参数 `max_size` 默认 5 GB。官网 https://milvus.io/docs 。"
)
EN = "History of Milvus\nMilvus, open-sourced on October 15, 2019, supports three kinds of index and PyTorch 2.5.1."


def flat(term: str) -> float:
    return 1.0


def fault(statement: str, *passages: str, similarity: float | None = None) -> str | None:
    return verify_statement(statement, passages, flat, similarity).fault


@pytest.mark.parametrize(
    "statement",
    [
        "Milvus 是向量数据库，于 2019 年开源。",
        "Milvus 于２０１９年１０月１５日开源。",
        "Milvus 于二〇一九年十月十五日开源。",
        "Milvus 的开源日期是 2019 年 10 月 15 号。",
        "支持 3 种索引，吞吐为 1200 次/秒，占比 32%。",
        "`max_size` 默认 5GB。",
        "上海赜睿科技开源了 Milvus。",
        "官网是 https://milvus.io/docs/。",
        "“向量数据库”Milvus 用 Go 写成。",
    ],
)
def test_a_statement_in_another_spelling_is_supported(statement: str) -> None:
    assert fault(statement, ZH) is None


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("Milvus 于 2018 年开源。", "number"),
        ("Milvus 于 2019 年 15 月 10 日开源。", "number"),
        ("Milvus 支持四种索引。", "number"),
        ("占比 5%。", "number"),
        ("`min_size` 默认 5 GB。", "identifier"),
        ("max_sizes 默认 5 GB。", "identifier"),
        ("Milvus 用 Rust 写成，是向量数据库。", "name"),
        ("Milvus 是北京大学开源的向量数据库。", "name"),
        ("《红楼梦》是 Milvus 的向量数据库。", "name"),
        ("官网是 https://milvus.io/blog。", "address"),
        ("安装之前要先检查内核版本，然后重启。", "wording"),
    ],
)
def test_a_statement_that_the_passage_does_not_make_is_found(statement: str, expected: str) -> None:
    assert fault(statement, ZH) == expected


@pytest.mark.parametrize("statement", ["Milvus 于 2019 年 10 月 15 日开源，支持三种索引。", "支持 PyTorch 2.5.1。"])
def test_a_translation_is_not_unsupported_for_being_one(statement: str) -> None:
    assert fault(statement, EN) is None
    assert fault(statement, EN, similarity=0.9) is None


def test_across_languages_facts_count_and_similarity_where_it_is_known() -> None:
    assert fault("Milvus 于 2018 年开源。", EN) == "number"
    assert fault("Milvus 用 Rust 写成。", EN) == "name"
    assert fault("它很受欢迎。", EN, similarity=0.5) == "wording"
    assert fault("Milvus was open-sourced in Shanghai in 2019.", ZH) is None


def test_a_statement_may_rest_on_several_passages() -> None:
    statement = "Milvus 于 2019 年开源，Dify 是 LLMOps 平台。"
    assert fault(statement, ZH) == "identifier"
    assert fault(statement, ZH, "Dify 是 LLMOps 平台。") is None


def test_without_a_passage_nothing_is_supported() -> None:
    assert fault("Milvus 是向量数据库。") == "uncited"


COVER = """Warranty
The warranty of the Falcon widget lasts 36 months. It covers the motor and the gearbox. It does not cover the battery.
The battery has a warranty of 12 months.
| Plan | Requests |
|---|---|
| Free | 100 |
| Team | 5000 |"""
LEAVE = """年假
入职满一年的员工每年有 10 天年假，满五年的员工有 15 天年假。
年假须提前三天申请。未休的年假可以结转到次年三月。"""


@pytest.mark.parametrize(
    ("statement", "passage"),
    [
        ("It covers the battery.", COVER),
        ("The battery is covered.", COVER),
        ("It does not cover the motor.", COVER),
        ("It covers the motor, the gearbox and the battery.", COVER),
        ("年假不须提前申请。", LEAVE),
        ("年假不可以结转到次年三月。", LEAVE.replace("未休的", "")),
    ],
)
def test_the_opposite_of_what_a_clause_says_is_not_supported(statement: str, passage: str) -> None:
    assert fault(statement, passage) == "negation"


@pytest.mark.parametrize(
    ("statement", "passage"),
    [
        ("The battery has a warranty of 36 months.", COVER),
        ("The Free plan allows 5000 requests.", COVER),
        ("满五年的员工有 10 天年假。", LEAVE),
        ("满一年的员工有 15 天年假。", LEAVE),
    ],
)
def test_the_number_of_another_clause_or_row_is_not_supported(statement: str, passage: str) -> None:
    assert fault(statement, passage) == "number"


@pytest.mark.parametrize(
    ("statement", "passage"),
    [
        ("It covers the motor and the gearbox, but not the battery.", COVER),
        ("The battery is not covered.", COVER),
        ("The warranty lasts 36 months.", COVER),
        ("The Team plan allows 5000 requests.", COVER),
        ("| Team | 5000 |", COVER),
        ("满一年有 10 天年假，满五年有 15 天年假。", LEAVE),
        ("年假须提前申请，未休的可以结转。", LEAVE),
    ],
)
def test_what_a_clause_or_a_row_says_is_supported(statement: str, passage: str) -> None:
    assert fault(statement, passage) is None


@given(st.text(max_size=60) | st.sampled_from(["9" * 5000, "亿" * 500, "二" * 5000, "1e999", "٣٤", "½", "二点五"]))
@example("IÀ")
@example("ßA0")
def test_any_text_gets_a_verdict_and_supports_itself(text: str) -> None:
    verdict = verify_statement(text, [text], flat)
    assert verdict.supported, verdict
    verify_statement(text, [ZH, EN], flat)
