"""A long text is cut without loss, within the limit, and never inside a word, a number or an address."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunking.long_text import split_long_text
from rag.models.embedders.protocol import CountTokens


def words(text: str) -> int:
    return len(text.split())


many_examples = settings(max_examples=500, deadline=None, derandomize=True)
texts = st.text(st.sampled_from("ab 。.；\n,字汉x（）1"), max_size=300)
limits = st.integers(4, 60)
counters: st.SearchStrategy[CountTokens] = st.sampled_from([len, words])

WHOLE = [
    "SN-2024-00013",
    "600*800*2000",
    "https://a.cn/b?c=d",
    "user.name@host",
    "C:\\app\\logs",
    "__init__.py",
    "3.14",
    "1,024",
    "10：30",
    "\\\\srv\\share",
    "Optional<Order>",
    "2026-11-28T23:59:01+08:00",
    "café",
]
sentences = st.lists(
    st.sampled_from([*WHOLE, "设备编号为", "的", "，", "。", " ", "、", "; ", "word", " and ", "人工智能", "（", "）"]),
    max_size=60,
).map("".join)


@many_examples
@given(texts | sentences, limits, counters)
def test_joined_the_parts_are_the_text_but_for_white_space_at_the_cuts(
    text: str, limit: int, cost: CountTokens
) -> None:
    rest = text
    for part in split_long_text(text, cost, limit):
        assert part == part.strip()
        rest = rest.lstrip()
        assert rest.startswith(part)
        rest = rest[len(part) :]
    assert not rest.strip()


@many_examples
@given(texts | sentences, limits, counters)
def test_a_part_of_a_cut_text_is_never_empty_or_over_the_limit(text: str, limit: int, cost: CountTokens) -> None:
    for part in split_long_text(text, cost, limit):
        assert 0 < cost(part) <= limit


@many_examples
@given(texts | sentences, st.integers(40, 90))
def test_a_word_that_fits_is_never_cut(text: str, limit: int) -> None:
    """A word is whatever stands between white space and Chinese characters."""
    word = re.compile(r"[^\s\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+")
    cut = [found for part in split_long_text(text, len, limit) for found in word.findall(part)]
    if all(len(found) <= limit for found in word.findall(text)):
        assert cut == word.findall(text)


@pytest.mark.parametrize("whole", WHOLE)
@pytest.mark.parametrize("filler", ["设备编号为", "有", "设备，", "the number ", "x "])
def test_numbers_identifiers_and_addresses_stay_whole(whole: str, filler: str) -> None:
    text = "".join(filler * (1 + number % 7) + whole for number in range(60))
    for limit in range(30, 60):
        parts = list(split_long_text(text, len, limit))
        assert sum(part.count(whole) for part in parts) == 60


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        ("第一句话。第二句话，还有一半。", 12, ["第一句话。", "第二句话，还有一半。"]),
        ("第一点，第二点；第三点，第四点", 12, ["第一点，第二点；", "第三点，第四点"]),
        ("第一个分句，第二个分句", 8, ["第一个分句，", "第二个分句"]),
        ("我们部署向量数据库", 5, ["我们部署", "向量数据库"]),
        ("Read the manual. Then start", 20, ["Read the manual.", "Then start"]),
        ("one two three four", 9, ["one two", "three", "four"]),
        ("他说“好的。”然后走了", 7, ["他说“好的。”", "然后走了"]),
        ("容量共计一千五百箱（见附录）", 10, ["容量共计一千五百箱", "（见附录）"]),
        ("合计：共 500 箱", 7, ["合计：", "共 500 箱"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("a abcdefgh", 8, ["a", "abcdefgh"]),
        ('{"a":["SN-1","SN-2","SN-3"]}', 14, ['{"a":["SN-1",', '"SN-2",', '"SN-3"]}']),
        ("--ids=10.2.0.0,10.2.0.1,10.2.0.2", 18, ["--ids=10.2.0.0,", "10.2.0.1,10.2.0.2"]),
        ("run --ids=10.2.0.0,10.2.0.1,10.2.0.2", 20, ["run --ids=10.2.0.0,", "10.2.0.1,10.2.0.2"]),
        ("a=1;b=2;c=3;d=4", 9, ["a=1;b=2;", "c=3;d=4"]),
        ("1,024,2,048", 8, ["1,024,", "2,048"]),
        ("100,200,300", 8, ["100,200,", "300"]),
        ("10 20 30 40", 7, ["10 20", "30 40"]),
        ("见 a,b,c 与 d", 7, ["见 a,b,c", "与 d"]),
    ],
)
def test_a_text_is_cut_at_the_best_place(text: str, limit: int, parts: list[str]) -> None:
    assert list(split_long_text(text, len, limit)) == parts


def test_a_short_sentence_before_a_long_one_is_no_part_of_its_own() -> None:
    assert next(split_long_text("短句。" + "这是很长的分句，" * 9, len, 40)).count("，") > 1


@pytest.mark.parametrize("unit", ["字", "x", "word ", "一句，", "编号SN-1"])
def test_counting_takes_time_linear_in_the_length_of_the_text(unit: str) -> None:
    counted = 0

    def cost(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return len(text)

    text = unit * (100_000 // len(unit))
    assert len(list(split_long_text(text, cost, 300))) < 100_000 // 300 * 2
    assert counted < 25 * len(text)
