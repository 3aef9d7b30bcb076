"""The characters of Chinese, Japanese and Korean, as ranges to put into the `[…]` of a regular expression.

>>> import re
>>> re.findall(f"[{HAN}]+", "Milvus 是向量数据库")
['是向量数据库']
"""

import re

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Chinese characters: CJK Unified Ideographs, extension A and the compatibility ideographs."""

RARE_HAN = r"\U00020000-\U0003ffff"
"""The ideographs of planes 2 and 3: personal and place names, classical texts."""

KANA = r"\u3040-\u30ff"
"""Hiragana and katakana."""

HANGUL = r"\uac00-\ud7af"
"""Korean syllables. Korean puts spaces between its words; Chinese and Japanese do not."""

CJK = HAN + RARE_HAN + KANA + HANGUL
"""Every letter of the three languages."""

CJK_SYMBOLS = r"\u3000-\u303f\u4dc0-\u4dff"
"""Chinese punctuation such as `、。「」`, and the hexagrams of the Yijing."""

FULL_WIDTH = r"\uff00-\uffef"
"""Full-width forms such as `，！（`, and the half-width ones of katakana and Korean."""

_HAN = re.compile(f"[{HAN}]")


def has_han(text: str) -> bool:
    """Return whether at least one Chinese character is in the text; `RARE_HAN` alone does not count."""
    return bool(_HAN.search(text))
