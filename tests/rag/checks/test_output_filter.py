"""What reaches a reader does not depend on how the model's text was split, and holds nothing that must not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.chat.prompt import DECLINED, build_prompt
from rag.checks.citation_markers import cited_numbers
from rag.checks.output_filter import OutputFilter
from rag.retrieval.evidence import Evidence
from rag.text.urls import find_urls
from rag.types import Chunk, Hit, Passage

EVIL = "evil.test"
_CHUNK = Chunk(
    id="1",
    source="a.md",
    title="手册",
    heading_path=("手册",),
    anchor="手册",
    kind="text",
    position=0,
    group="g",
    start_line=1,
    end_line=2,
    content="官网是 https://milvus.io/docs 。",
)
PROMPT = build_prompt(Evidence("官网？", "zh", (Passage(1, Hit(_CHUNK, 1.0, 0.9, 0.5)),), {}, 0.9))
RULES = PROMPT.messages[0].content

pieces_of_text = st.lists(
    st.sampled_from(
        ["官网", "https://milvus.io/docs", " [1]", "[2]", "【", "1", "】", "[", "]", "(", ")", "<", ">", "\n", "。",
         " ", f"https://{EVIL}/", "htt", "ps://", EVIL, "<b>", "</b>", "![](", "\u200b", "\u200d", "\U000e0041", "`",
         "9", RULES[10:24], RULES[10:18], DECLINED, "NOT_", "IN_", "**", "x", "/",
         "?", "=", ":", "٣", "!", "\\", "``", "<!--", "-->", "- ", "[x]: "]
    ),
    max_size=14,
)  # fmt: skip


LONG_LINES = {
    "prose": "知名的向量数据库有 Milvus 和 PingCAP [1]。",
    "links": f"见 [文档](https://milvus.io/docs) 与 ![x](https://{EVIL}/) <b>x</b> `code` https://{EVIL}/a ",
    "one word": "a",
    "one address": "a.bc/",
    "one host": "a.",
    "spaces": " ",
    "stars": "*",
    "brackets": "[",
    "link beginnings": "[a](",
    "texts of links": "[b](c) ",
    "definitions": "[x]: a.b/ ",
    "backticks": "`a``",
    "comments": "<!--",
    "instructions": "<?",
    "sections": "<![CDATA[",
    "elements": "<a ",
    "escapes": "\\",
    "the rules": RULES[:11],
    "lines that wait for a citation": "- 见 https://milvus.io/docs 这里\n",
}


def shown(pieces: list[str] | str) -> tuple[str, bool]:
    text = OutputFilter(PROMPT.evidence, instructions=PROMPT.messages[0].content)
    told = "".join([*map(text.feed, pieces), text.finish()])
    return told, text.declined


@given(pieces_of_text)
def test_it_does_not_matter_how_a_text_is_split(pieces: list[str]) -> None:
    assert shown(pieces) == shown("".join(pieces)) == shown(["".join(pieces)])


@given(pieces_of_text, st.integers(1, 40), st.integers(1, 90))
def test_it_does_not_matter_how_one_very_long_line_is_split(pieces: list[str], times: int, length: int) -> None:
    """Long enough for what is held back to be looked at now and then only."""
    line = "".join(pieces).replace("\n", " ") * times
    assert shown([line[at : at + length] for at in range(0, len(line), length)]) == shown([line])


def test_an_address_with_a_query_in_chinese_is_not_shown_before_it_is_known_to_be_one() -> None:
    text = f"见 {EVIL}?查询=secret [1]。"
    assert shown(list(text)) == shown([text]) == ("见 … [1]。", False)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("piece", LONG_LINES)
def test_a_line_of_100_000_characters_comes_to_its_end_however_it_is_split(piece: str) -> None:
    """In a second; a filter that looked at the whole line again for each piece would need many minutes."""
    line = (LONG_LINES[piece] * 100_000)[:100_000]
    assert shown([line[at : at + 4] for at in range(0, len(line), 4)]) == shown([line])


@pytest.mark.timeout(120)
def test_brackets_that_nothing_closes_take_no_time_that_doubles_with_each_link_in_them() -> None:
    line = "[a " + "[b](c)" * 2000
    assert shown(list(line)) == shown([line])


@given(pieces_of_text)
def test_nothing_gets_through_that_must_not(pieces: list[str]) -> None:
    told, _ = shown(pieces)
    assert set(cited_numbers(told)) <= {1}
    assert not any(EVIL in address for address in find_urls(told))
    assert not set(told) & set("\u200b\u200d\U000e0041")
    assert DECLINED not in told


@pytest.mark.parametrize(
    "decoration", ["{}", "**{}**", "`{}`.", "“{}。”", "> *{}*", "# {}\n", '"{}"', "- {}", "（{}）"]
)
@pytest.mark.parametrize("word", [DECLINED, "NOT IN PASSAGES", "NOT\\_IN\\_PASSAGES", "not_in_passages"])
def test_declining_is_recognised_in_any_decoration_and_at_every_split(decoration: str, word: str) -> None:
    text = decoration.format(word) + "\nMilvus [1]。"
    for cut in range(len(text)):
        assert shown([text[:cut], text[cut:]]) == ("", True)


@pytest.mark.parametrize("text", ["NOT only [1]", "Notes [1]", "**N** [1]", "“不”[1]", "not in the passages [1]"])
def test_a_text_that_only_begins_like_declining_is_shown(text: str) -> None:
    assert shown(text) == (text.replace("”[1]", "” [1]"), False)
