"""A line keeps only the links to allowed addresses, and what is left of the others links to nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.checks.code_spans import CodeState
from rag.checks.foreign_links import LEFT_OUT, remove_foreign_links
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
