"""Code blocks and code spans are recognised line by line, and not trusted once renderers may disagree."""

import re

import pytest

from rag.text.code_spans import CodeState, SpanEnds


def state_after(text: str) -> CodeState:
    state = CodeState()
    for line in text.splitlines(keepends=True):
        state = state.after(line)
    return state


@pytest.mark.parametrize(
    ("text", "fence"),
    [
        ("一行\n", ""),
        ("```python\n", "```"),
        ("```python\nx = 1\n", "```"),
        ("```\nx\n```\n", ""),
        ("```\nx\n``` [1]\n", ""),
        ("```\nx\n``` y\n", "```"),
        ("````\n```\n", "````"),
        ("````\n`````\n", ""),
        ("~~~\n```\n", "~~~"),
    ],
)
def test_a_fence_lasts_until_one_of_its_kind_closes_it(text: str, fence: str) -> None:
    assert state_after(text).fence == fence


@pytest.mark.parametrize("text", ["a `b` c\n", "``a`b``\n", "\\`\n", "没有代码\n", "```\n` x\n"])
def test_paired_backticks_are_trusted(text: str) -> None:
    assert state_after(text).trusts_code


@pytest.mark.parametrize("text", ["a `b c\n", "`a``\n", "- ```\n", "> ```\n", "  ~~~\n", "1. ```\n"])
def test_unpaired_backticks_and_nested_code_blocks_are_not_trusted_any_more(text: str) -> None:
    assert not state_after(text).trusts_code
    assert not state_after(text + "`b`\n").trusts_code


def ends(line: str, pattern: str) -> list[int]:
    found = SpanEnds(line)
    find = found.end_of_code if "`" in pattern else found.end_of_markup
    return [find(match) for match in re.finditer(pattern, line)]


def test_a_code_span_ends_at_the_next_run_of_as_many_backticks() -> None:
    assert ends("`a` ``b`c``", "`+") == [3, 8, 11, -1, -1]
    assert ends("`a", "`+") == [-1]


def test_a_comment_ends_where_it_is_closed() -> None:
    assert ends("<!-- a --> <!-- b", "<!--") == [10, -1]
    assert ends("<![CDATA[x]]>", r"<!\[CDATA\[") == [13]
    assert ends("<?x", r"<\?") == [-1]
