"""The exact name that a question asks for comes before longer names that contain it."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from rag.retrieval.exact_names import exact_names_first
from rag.text.tokens import tokenize_question
from rag.types import Chunk, ChunkKind, Hit


def chunk(content: str, *, kind: ChunkKind = "row", heading: str = "") -> Chunk:
    headings = (heading,) if heading else ()
    return Chunk(content, "a.md", "", headings, "", kind, 0, content, 1, 1, content)


def ordered(question: str, *chunks: Chunk, idf: Mapping[str, float] | None = None) -> list[str]:
    hits = [Hit(each, 1 - rank / 10, 0.8, 0.5) for rank, each in enumerate(chunks)]
    terms = idf or dict.fromkeys(tokenize_question(question), 3.0)
    found = exact_names_first(question, hits, terms)
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    assert {hit.chunk.id for hit in found} == {each.id for each in chunks}
    return [hit.chunk.content for hit in found]


@pytest.mark.parametrize(
    ("question", "longer", "exact"),
    [
        ("Redis 是什么？", "名词: redis-insight › 描述: Redis 的界面", "名词: Redis › 描述: 内存里的数据库"),
        ("什么是容器？", "名词: 容器云 › 描述: 跑容器的平台", "名词: 容器 › 描述: 隔离的进程"),
        ("What is Kafka?", "Name: Kafka Connect › Use: moves data", "Name: Kafka › Use: a log of events"),
        ("ｒｅｄｉｓ 的官网", "名词: Redis Stack › 官网: b.example", "名词: Redis › 官网: a.example"),
    ],
)
def test_the_row_of_the_name_comes_before_the_row_of_a_longer_name(question: str, longer: str, exact: str) -> None:
    assert ordered(question, chunk(longer), chunk("x: y"), chunk(exact)) == ["x: y", exact, longer]


@pytest.mark.parametrize(
    "content", ["Redis 是内存数据库。", "**Redis**：内存数据库。", "Redis is fast.", "Redis - fast."]
)
def test_a_text_bears_the_name_that_its_first_words_define(content: str) -> None:
    longer = "redis-insight 是 Redis 的界面。"
    assert ordered("Redis?", chunk(longer, kind="text"), chunk(content, kind="text")) == [content, longer]


def test_a_section_bears_the_name_of_its_heading() -> None:
    longer, exact = (chunk(name, kind="text", heading=name) for name in ("Kafka Connect", "Kafka"))
    assert ordered("What is Kafka?", longer, exact) == ["Kafka", "Kafka Connect"]


@pytest.mark.parametrize(
    ("question", "first", "second"),
    [
        ("redis-insight 是什么？", "名词: redis-insight › a", "名词: Redis › b"),
        ("容器云是什么？", "名词: 容器云 › a", "名词: 容器 › b"),
        ("Redis 和 redis-insight 的区别", "名词: redis-insight › a", "名词: Redis › b"),
        ("怎么用图形界面连接本地的 Redis？", "名词: redis-insight › a", "名词: Redis › b"),
        ("Valkey 是什么？", "名词: redis-insight › a", "名词: Redis › b"),
    ],
    ids=["the longer one", "the longer Chinese one", "both", "something about it", "neither"],
)
def test_nothing_moves_unless_the_shorter_name_is_what_is_asked_for(question: str, first: str, second: str) -> None:
    assert ordered(question, chunk(first), chunk(second)) == [first, second]


def test_a_hit_that_holds_more_of_the_question_stays_before_the_exact_name() -> None:
    about, named = (
        chunk("构建控制器时的 maxDelay", kind="text", heading="构建控制器"),
        chunk("控制器是核心。", kind="text"),
    )
    idf = dict.fromkeys(tokenize_question("控制器的 maxDelay 默认是多少？"), 3.0)
    hits = [Hit(about, 0.9, 0.8, coverage=0.9), Hit(named, 0.5, 0.8, coverage=0.4)]
    assert exact_names_first("控制器的 maxDelay 默认是多少？", hits, idf) == hits
    assert exact_names_first("控制器", [replace(hits[0], coverage=0.4), hits[1]], idf)[0].chunk is named


def test_hits_that_stand_in_the_right_order_keep_their_scores() -> None:
    hits = [Hit(chunk(text), score, 0.8, 0.5) for text, score in (("名: Redis", 0.9), ("名: redis-insight", 0.4))]
    assert exact_names_first("Redis 是什么？", hits, {"redis": 3.0}) == hits


def test_without_hits_there_are_none() -> None:
    assert exact_names_first("Redis 是什么？", [], {"redis": 3.0}) == []


def test_rows_of_signs_define_nothing_at_once() -> None:
    signs = ["[" * 20_000, " " * 20_000 + "x", "[ " * 20_000, "a[" * 20_000, "a" + " \t" * 20_000]
    assert len(ordered("what is x", *(chunk(text, kind="text") for text in signs))) == len(signs)
