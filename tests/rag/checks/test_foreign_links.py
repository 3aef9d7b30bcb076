"""A line keeps only the links to allowed addresses, and what is left of the others links to nothing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.checks import foreign_links
from rag.checks.foreign_links import LEFT_OUT, remove_foreign_links
from rag.text.code_spans import CodeState
from rag.text.urls import find_spellings, find_urls

ALLOWED = find_spellings("https://milvus.io/docs")
EVIL = "https://evil.test/x"
IN_CODE_BLOCK = CodeState(fence="```")
UNTRUSTED_CODE = CodeState(trusts_code=False)


def clean(line: str, state: CodeState = CodeState()) -> str:  # noqa: B008  (it is frozen)
    return remove_foreign_links(line, ALLOWED, state)


@pytest.mark.parametrize(
    "line", ["[文档](https://milvus.io/docs)", "<https://milvus.io/docs>", "https://milvus.io/docs [1]"]
)
def test_a_link_to_an_allowed_address_stays(line: str) -> None:
    assert clean(line) == line


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"见 [文档]({EVIL}) 。", "见 文档 。"),
        (f"见 {EVIL} 。", f"见 {LEFT_OUT} 。"),
        (f"好 ![图]({EVIL}) 。", "好  。"),
        ("这是<b>重点</b>。", "这是重点。"),
        ("[文档](https://milvus.io/docs/other)", "文档"),
    ],
)
def test_a_foreign_link_becomes_its_text_and_images_and_html_disappear(line: str, expected: str) -> None:
    assert clean(line) == expected


@pytest.mark.parametrize("line", ["`<b>重点</b>`", "``a`<b>``"])
def test_html_in_a_code_span_stays_only_while_backticks_can_be_trusted(line: str) -> None:
    assert clean(line) == line
    assert "<b>" not in clean(line, UNTRUSTED_CODE)


def test_html_in_a_code_block_stays_but_foreign_addresses_do_not() -> None:
    assert clean(f'<img src="a.png"> {EVIL}', IN_CODE_BLOCK) == f'<img src="a.png"> {LEFT_OUT}'


@pytest.mark.parametrize(
    "line", ["htt<b></b>ps://evil.test/x", "[1]<b></b>(https://evil.test)", "<im<b>g src=//evil.test>"]
)
def test_nothing_foreign_arises_from_what_is_left(line: str) -> None:
    assert not find_urls(clean(line).replace("src=", ""))


@given(st.lists(st.sampled_from([*"[]()<>!`\\ :/.ab", "https://", "evil.test", "<b>", "<!--", "-->"]), max_size=14))
def test_cleaning_a_clean_line_changes_nothing(pieces: list[str]) -> None:
    once = clean("".join(pieces))
    assert clean(once) == once


REPEATED = [
    "\\\\a", "<a", "<im<b>g ", "[a](", "![", "ht<b></b>", "a.io ", "&#46;",
    "`<b>", "https://evil.test/x ", "中", "1年2", "\\/a"]  # fmt: skip


@pytest.mark.parametrize("closing", ["", ">", "](x)", ")", "`"])
@pytest.mark.parametrize("piece", REPEATED)
def test_twice_the_line_takes_twice_the_work(monkeypatch: pytest.MonkeyPatch, piece: str, closing: str) -> None:
    scanned = 0

    class CountingPattern:
        def search(self, line: str, position: int) -> "re.Match[str] | None":
            nonlocal scanned
            found = construct.search(line, position)
            scanned += (found.end() if found else len(line)) - position
            return found

    construct = foreign_links._CONSTRUCT
    monkeypatch.setattr(foreign_links, "_CONSTRUCT", CountingPattern())

    def work(times: int) -> int:
        nonlocal scanned
        scanned = 0
        line = piece * times + closing * times
        assert not find_urls(clean(line).replace("src=", "")) & {"evil.test/x"}
        return scanned

    assert work(400) <= 2.5 * work(200)
