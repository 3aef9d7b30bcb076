"""A line passes up to the first character that may begin a link, and is kept whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.checks.link_buffer import LinkBuffer


def advanced(line: str) -> str:
    buffer = LinkBuffer()
    buffer.add(line)
    return buffer.advance()


@pytest.mark.parametrize(
    ("line", "certain"),
    [
        ("Milvus 是数据库。", "Milvus 是数据库。"),
        ("见 [文档](", "见 "),
        ("好 <b", "好 "),
        ("官网是 https://milvus.io/docs 。", "官网是 "),
        ("官网是 milv", "官网是 "),
        ("官网是 milvus.io?查", "官网是 "),
        ("来源 [1]", "来源 "),
        ("来源 [1]。", "来源 [1]。"),
        ("真的!", "真的"),
    ],
)
def test_a_line_passes_up_to_what_may_become_a_link(line: str, certain: str) -> None:
    assert advanced(line) == certain


@given(st.lists(st.sampled_from([*"[]()<!:/.? 中a1", "https://", "[1]", "milvus.io"]), max_size=30))
def test_what_passes_is_the_beginning_of_the_line_and_nothing_is_lost(pieces: list[str]) -> None:
    buffer, passed = LinkBuffer(), ""
    for piece in pieces:
        buffer.add(piece)
        passed += buffer.advance()
    assert buffer.text == "".join(pieces)
    assert buffer.text.startswith(passed)
    assert buffer.released == len(passed)
