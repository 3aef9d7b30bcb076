"""Line breaks after Chinese punctuation, which is there for the eye only: the punctuation separates as well."""

import re

_PUNCTUATION = "，。！？；：、…”’」』）》】"
# Chinese and Japanese letters, their punctuation, and full-width forms. Korean puts spaces between words.
_LETTER = r"\u3000-\u9fff\uf900-\ufaff\uff00-\uff9f“‘"
_BREAK = re.compile(rf"\n(?<=[{_PUNCTUATION}]\n)(?=[{_LETTER}])")


def join_soft_breaks(text: str) -> str:
    r"""Return the text without line breaks between Chinese punctuation and a Chinese or Japanese character.

    Elsewhere a line break separates words, fields, items, rows or paragraphs.

    >>> join_soft_breaks("第一款。\n第二款：\n（一）第一项；\n- Milvus\n\n姓名：林小满\n年龄：三十")
    '第一款。第二款：（一）第一项；\n- Milvus\n\n姓名：林小满\n年龄：三十'
    """
    return _BREAK.sub("", text)
