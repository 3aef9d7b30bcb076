"""Bytes are decoded if their encoding is certain, and refused otherwise."""

import hashlib
import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ingest.readers.encoding import decode
from rag.errors import DocumentError

PROSE = (
    "# 向量数据库\n\n向量数据库把文字变成向量，再按相似度查找。常见的组件有 Milvus 和 PingCAP 的 TiDB。\n\n"
    "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。\n"
)
FRENCH = "Les êtres humains naissent libres et égaux en dignité.\nIls sont doués de raison, à l'été comme à Noël.\n"
JAPANESE = (
    "吾輩は猫である。名前はまだ無い。\nどこで生れたかとんと見当がつかぬ。ニャーニャー泣いていた事だけは記憶している。\n"
)
TRADITIONAL = "人人生而自由，在尊嚴和權利上一律平等。\n他們賦有理性和良心，並應以兄弟關係的精神相對待。\n"
KOREAN = "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.\n인간은 이성과 양심을 부여받았다.\n"

# The 3,755 common characters are GB2312's first level, rows 16 to 55, as the standard orders them.
COMMON = [
    bytes((row, cell)).decode("gb2312")
    for row in range(0xB0, 0xD8)
    for cell in range(0xA1, 0xFF)
    if (row, cell) < (0xD7, 0xFA)
]


def refusal(content: bytes) -> str:
    """The message of one line that refuses the bytes."""
    with pytest.raises(DocumentError) as caught:
        decode("docs/a.md", content)
    message = str(caught.value)
    assert message.startswith("docs/a.md: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    "text", ["", "plain ASCII\n", PROSE, "é 한국어 🙂 𠮷\n"], ids=["empty", "ascii", "zh", "mixed"]
)
def test_utf_8_is_decoded_with_or_without_a_byte_order_mark(text: str) -> None:
    assert decode("a.md", text.encode()) == text
    assert decode("a.md", text.encode("utf-8-sig")) == text


@pytest.mark.parametrize(("mark", "encoding"), [(b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")])
def test_utf_16_is_read_by_its_mark_in_both_byte_orders(mark: bytes, encoding: str) -> None:
    for text in ("", PROSE, FRENCH, "outside the basic plane: 𠮷 🙂\n"):
        assert decode("a.md", mark + text.encode(encoding)) == text


def test_chinese_prose_in_gb18030_is_recognised() -> None:
    assert decode("a.md", PROSE.encode("gb18030")) == PROSE


def test_gb18030_among_much_ascii_is_recognised() -> None:
    text = "SELECT * FROM tidb_mem_quota_query WHERE id = 42;  -- 查询\n" * 20 + "https://example.com/a?b=c\n" * 20
    assert decode("a.md", text.encode("gb18030")) == text


def test_a_single_chinese_word_in_gb18030_is_recognised() -> None:
    assert decode("a.md", "name: 数据库\n".encode("gb18030")) == "name: 数据库\n"


def test_characters_of_four_bytes_are_read_where_the_rest_is_common_chinese() -> None:
    text = f"{PROSE}生僻字：㐂、㐄、𠮷、𬱖。\n"
    assert any(len(char.encode("gb18030")) == 4 for char in text)
    assert decode("a.md", text.encode("gb18030")) == text


def test_full_width_punctuation_and_symbols_are_accepted_in_gb18030() -> None:
    text = "“引号”、《书名》；①②③，Ⅳ，℃，→——……α β γ，ひらがな。\n"
    assert decode("a.md", text.encode("gb18030")) == text


REFUSED = {
    "Latin-1": FRENCH.encode("latin-1"),
    "Windows-1252": "“naïve” — don’t\n".encode("cp1252"),
    "Windows-1251": "Все люди рождаются свободными и равными.\n".encode("cp1251"),
    "Shift-JIS": JAPANESE.encode("shift-jis"),
    "Big5": TRADITIONAL.encode("big5"),
    "UTF-16 without a mark": PROSE.encode("utf-16-le"),
    "UTF-32 with a mark": PROSE.encode("utf-32"),
    "a JPEG": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + hashlib.shake_128(b"picture").digest(500),
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED.keys())
def test_any_other_encoding_is_refused_by_name(content: bytes) -> None:
    refusal(content)


@pytest.mark.parametrize("encoding", ["euc-jp", "euc-kr"])
def test_east_asian_encodings_built_like_gb18030_are_refused_too(encoding: str) -> None:
    """Decoded as GB18030 they would be nonsense that is embedded and quoted like text."""
    text = {"euc-jp": JAPANESE, "euc-kr": KOREAN}[encoding]
    refusal(text.encode(encoding))


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_are_refused(seed: int) -> None:
    refusal(hashlib.shake_128(bytes([seed])).digest(400))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_cut_in_half_is_refused(encoding: str) -> None:
    mark = b"\xff\xfe" if encoding == "utf-16-le" else b"\xfe\xff"
    whole = mark + PROSE.encode(encoding)
    assert "UTF-16" in refusal(whole[: len(whole) // 2 | 1])
    assert "UTF-16" in refusal(mark + "𠮷".encode(encoding)[:2])


def test_utf_8_cut_in_the_middle_of_a_character_is_refused() -> None:
    assert "line 5" in refusal(PROSE.encode()[:-2])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_nul_is_refused_in_every_encoding_with_its_line(encoding: str) -> None:
    assert "line 3 contains a NUL" in refusal("第一行的文字\n第二行的文字\n第\0三行\n".encode(encoding))


@pytest.mark.parametrize(("before", "line"), [("", 1), ("one\n", 2), ("一\n二\n\n", 4), ("one\r\ntwo\r\n", 3)])
def test_the_line_of_the_first_bad_byte_is_named(before: str, line: int) -> None:
    assert re.match(rf"docs/a\.md: line {line} is not UTF-8\b", refusal(before.encode() + b"caf\xe9 noir\nmore\n"))


def test_the_refusal_says_what_to_do() -> None:
    assert "save the file as UTF-8" in refusal(REFUSED["Latin-1"])
    assert "save the file as UTF-8" in refusal(b"\xff\xfex")


def test_a_byte_order_mark_of_utf_16_decides() -> None:
    """The first two bytes declare the encoding; any other decoding would be a guess."""
    assert "begins like UTF-16" in refusal(b"\xff\xfe# odd")


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.lists(st.sampled_from(COMMON), min_size=20, max_size=200))
def test_any_text_of_common_characters_in_gb18030_comes_back_equal(chars: list[str]) -> None:
    """Except bytes that are valid UTF-8, too: nothing tells the two apart."""
    text = "".join(chars)
    content = text.encode("gb18030")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        assert decode("a.md", content) == text
    else:
        assume(False)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.lists(st.sampled_from(COMMON), min_size=20, max_size=100), st.text(st.characters(codec="ascii")))
def test_ascii_between_common_characters_changes_nothing(chars: list[str], ascii_text: str) -> None:
    assume("\0" not in ascii_text)
    text = "".join(f"{char}{ascii_text[index : index + 1]}" for index, char in enumerate(chars))
    content = text.encode("gb18030")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        assert decode("a.md", content) == text
    else:
        assume(False)


@settings(deadline=None, derandomize=True)
@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\ufeff")))
def test_any_text_in_utf_8_or_marked_utf_16_comes_back_equal(text: str) -> None:
    assert decode("a.md", text.encode()) == text
    assert decode("a.md", text.encode("utf-16")) == text


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.binary(max_size=300))
def test_any_bytes_are_text_without_nul_or_a_refusal_by_name(content: bytes) -> None:
    try:
        text = decode("docs/a.md", content)
    except DocumentError as error:
        assert str(error).startswith("docs/a.md: ")
    else:
        assert "\0" not in text
        text.encode()
