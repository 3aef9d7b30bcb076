"""The encoding that an HTML file declares, and decoding by it, as the Encoding Standard of the WHATWG has it.

https://encoding.spec.whatwg.org/ names the labels and what a browser takes them for: `gb2312` is GB18030, `shift_jis`
is Windows-31J, `iso-8859-1` is Windows-1252. Of several codecs of Python, the first that can decode a file is used.
"""

import re
from collections.abc import Callable
from html.parser import HTMLParser

_PRESCAN_BYTES = 8192
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([^\s\"';]+)", re.IGNORECASE)
_XML_ENCODING = re.compile(r"""<\?xml\s[^>]*?encoding\s*=\s*["']([^"'\s]+)["']""")
_CODECS = {
    "gb18030": "gb2312 gbk gb18030 gb_2312 gb_2312-80 x-gbk cp936 chinese csgb2312 csiso58gb231280 iso-ir-58",
    "big5": "big5 big5-hkscs cn-big5 csbig5 x-x-big5 big5-eten cp950",
    "cp932": "shift_jis shift-jis sjis x-sjis ms932 ms_kanji windows-31j csshiftjis cp932",
    "euc_jp euc_jis_2004": "euc-jp x-euc-jp cseucpkdfmtjapanese",
    "iso2022_jp iso2022_jp_ext": "iso-2022-jp csiso2022jp",
    "cp949": "euc-kr cseuckr korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 csksc56011987 windows-949",
    "cp1252": "windows-1252 cp1252 x-cp1252 iso-8859-1 iso8859-1 iso_8859-1 latin1 l1 ascii us-ascii ansi_x3.4-1968",
    "cp1254": "windows-1254 cp1254 x-cp1254 iso-8859-9 iso8859-9 latin5 l5",
    "cp874": "windows-874 dos-874 tis-620 iso-8859-11 iso8859-11",
    "koi8_r": "koi8-r koi8 koi koi8_r cskoi8r",
    "koi8_u": "koi8-u koi8-ru",
    "cp866": "ibm866 cp866 866 csibm866",
    "mac_roman": "macintosh mac x-mac-roman csmacintosh",
    "mac_cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "iso8859_8": "iso-8859-8 iso8859-8 hebrew visual logical iso-8859-8-i iso-8859-8-e",
    **{f"cp{n}": f"windows-{n} cp{n} x-cp{n}" for n in (1250, 1251, 1253, 1255, 1256, 1257, 1258)},
    **{f"iso8859_{n}": f"iso-8859-{n} iso8859-{n} iso_8859-{n}" for n in (2, 3, 4, 5, 6, 7, 10, 13, 14, 15, 16)},
}
_CODECS_OF_LABEL = {label: codecs.split() for codecs, labels in _CODECS.items() for label in labels.split()}
# Python's big5hkscs has other characters than browsers for some symbols, its cp950 for what Hong Kong added.
_BIG5_PART = re.compile(
    rb"((?:[\xa1-\xa3][\x40-\xff])+)|(?:[\x00-\x80]+|[\x81-\xa0\xa4-\xff][\x40-\xff])+|.", re.DOTALL
)


def declared_encoding(content: bytes, *, served_as: str = "") -> str | None:
    """Return the label of the encoding that a page declares in its first 8 KiB, in lower case.

    `served_as` is the one that its server names, which goes first.

    None if it declares none, or one that is not read by its declaration: UTF-8 and UTF-16 show in the bytes.

    >>> declared_encoding(b'<meta charset="Big5">')
    'big5'
    """
    if served_as in _CODECS_OF_LABEL:
        return served_as
    head = content[:_PRESCAN_BYTES].decode("latin-1")
    xml = _XML_ENCODING.match(head.lstrip())
    label = xml[1] if xml else _first_charset(head)
    label = label.strip().lower() if label else None
    return label if label in _CODECS_OF_LABEL else None


def decode_by_label(content: bytes, label: str) -> str:
    """Return the text of bytes in a declared encoding. Raises UnicodeDecodeError."""
    first, *others = _CODECS_OF_LABEL[label]
    try:
        return _DECODERS[first](content) if first in _DECODERS else content.decode(first)
    except UnicodeDecodeError:
        for codec in others:
            try:
                return content.decode(codec)
            except UnicodeDecodeError:
                continue
        raise


def is_seven_bit(label: str) -> bool:
    """Return whether bytes in this encoding look like ASCII, so that they are valid UTF-8, too."""
    return _CODECS_OF_LABEL[label][0] == "iso2022_jp"


def _first_charset(head: str) -> str | None:
    parser = _MetaParser()
    parser.feed(head)
    return parser.charset


class _MetaParser(HTMLParser):
    """Finds the first charset of a `<meta>`; comments and scripts have none."""

    def __init__(self) -> None:
        super().__init__()
        self.charset: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta" or self.charset:
            return
        values = {name: value or "" for name, value in reversed(attrs)}
        if "charset" in values:
            self.charset = values["charset"]
        elif values.get("http-equiv", "").lower() == "content-type":
            found = _CHARSET.search(values.get("content", ""))
            self.charset = found[1] if found else None


def _big5(content: bytes) -> str:
    parts = (part[0].decode("cp950" if part[1] else "big5hkscs") for part in _BIG5_PART.finditer(content))
    try:
        return "".join(parts)
    except UnicodeDecodeError:
        return content.decode("big5hkscs")


_DECODERS: dict[str, Callable[[bytes], str]] = {"big5": _big5}
