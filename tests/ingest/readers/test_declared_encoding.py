"""A page that declares its encoding is read by it; marks and valid UTF-8 count more."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.readers.cleaned_text import read_html_text
from ingest.readers.declared_encoding import declared_encoding
from ingest.readers.encoding import decode, decode_html
from rag.errors import DocumentError

TRADITIONAL = "繁體網頁的口令是戊辰，三～五日內送達‧碁銹恒"
JAPANESE = "猫は①番の箱に入った～。髙島屋"
KOREAN = "인간은 이성과 양심을 부여받았다. 똠방각하"

PAGES = {
    "Big5": ('<meta charset="big5">', TRADITIONAL, "cp950"),
    "Big5 by http-equiv": ('<meta http-equiv="Content-Type" content="text/html; charset=Big5">', TRADITIONAL, "cp950"),
    "Hong Kong": ("<meta charset=big5-hkscs>", "啲嘢喺邊度①", "big5hkscs"),
    "Shift_JIS": ("<META HTTP-EQUIV=content-type CONTENT='text/html;charset=x-sjis'>", JAPANESE, "cp932"),
    "Shift_JIS in XML": ('<?xml version="1.0" encoding="Shift_JIS"?>\n<html>', JAPANESE, "cp932"),
    "EUC-JP": ('<meta charset="EUC-JP"/>', "猫は①番の箱に入った。", "euc_jis_2004"),
    "ISO-2022-JP": ("<meta charset=iso-2022-jp>", "猫は箱に入った。", "iso2022_jp"),
    "EUC-KR": ("<meta charset=euc-kr>", KOREAN, "cp949"),
    "GB2312 with rare characters": ("<meta charset=gb2312>", "镕堃犇喆〇①€㐂", "gb18030"),
    "Latin-1 with typographic quotes": ("<meta charset=iso-8859-1>", "“naïve” — don’t", "cp1252"),
    "Windows-1251": ("<meta charset=windows-1251>", "Все люди рождаются свободными", "cp1251"),
    "KOI8-R": ("<meta charset=koi8-r>", "Все люди рождаются свободными", "koi8_r"),
    "Latin-2": ("<meta charset=iso-8859-2>", "Zażółć gęślą jaźń", "iso8859_2"),
    "Thai": ("<meta charset=tis-620>", "มนุษย์ทั้งหลายเกิดมา", "cp874"),
    "after a comment": ("<!-- <meta charset=euc-kr> -->\n<script>'<meta charset=koi8-r>'</script><meta charset=big5>",
                        TRADITIONAL, "cp950"),
    "after another meta": ('<meta name="a" content="charset=koi8-r"><meta charset=big5>', TRADITIONAL, "cp950"),
}  # fmt: skip


@pytest.mark.parametrize(("declaration", "text", "codec"), PAGES.values(), ids=PAGES.keys())
def test_a_page_is_read_in_the_encoding_that_it_declares(declaration: str, text: str, codec: str) -> None:
    page = f"{declaration}<p>{text}</p>\n"
    assert decode_html("a.html", page.encode(codec)) == page


@pytest.mark.parametrize("label", ["big5", "shift_jis", "iso-8859-1", "gb2312", "no-such-thing", "utf-16", "utf-7"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_wrong_declaration_does_not_count_against_a_mark_or_valid_utf_8(label: str, encoding: str) -> None:
    page = f"<meta charset={label}><p>本手册 café</p>"
    assert decode_html("a.html", page.encode(encoding)) == page


@pytest.mark.parametrize("declaration", ["", "<meta charset>", "<meta charset=utf-8>", "<meta charset=utf-7>", "<meta"])
def test_without_a_declaration_that_helps_the_bytes_decide(declaration: str) -> None:
    page = f"{declaration}\n<p>人人生而自由，在尊严和权利上一律平等。</p>".encode("gb18030")
    assert decode_html("a.html", page) == decode("a.html", page)
    with pytest.raises(DocumentError, match=r"^a\.html: line 2 is not UTF-8"):
        decode_html("a.html", f"{declaration}\n".encode() + "猫は箱に入った".encode("cp932"))


def test_bytes_that_are_not_what_is_declared_are_refused_with_their_line() -> None:
    with pytest.raises(
        DocumentError, match=r"^a\.html: line 2 is not euc-kr, which the file declares; save the file as"
    ):
        decode_html("a.html", b"<meta charset=euc-kr>\n\xff\xff\n")


def test_a_nul_is_refused() -> None:
    with pytest.raises(DocumentError, match=r"^a\.html: line 2 contains a NUL"):
        decode_html("a.html", "<meta charset=big5>\n\0繁體".encode("big5"))


def test_the_text_is_cleaned() -> None:
    page = "<meta charset=big5>\r\n<p>繁體\r</p>".encode("big5")
    assert read_html_text("a.html", page) == "<meta charset=big5>\n<p>繁體\n</p>"


@settings(deadline=None, derandomize=True)
@given(
    st.sampled_from(["big5", "shift_jis", "gb2312", "euc-jp", "iso-2022-jp", "euc-kr", "iso-8859-1", "windows-1251"]),
    st.binary(max_size=200),
)
def test_any_bytes_are_text_or_a_refusal_by_name(label: str, content: bytes) -> None:
    page = f"<meta charset={label}>".encode() + content
    assert declared_encoding(page) == label
    try:
        text = decode_html("a.html", page)
    except DocumentError as error:
        assert str(error).startswith("a.html: line ")
    else:
        text.encode()
