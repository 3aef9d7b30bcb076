"""Which language a text is in."""

import re
from typing import Literal

Language = Literal["zh", "en"]

_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_IDEOGRAPH = re.compile(r"[\u3400-\u9fff]")
_LETTER = re.compile(r"[A-Za-z\u3400-\u9fff]")


def detect_language(text: str) -> Language:
    """Chinese if any Chinese character is in it: people mix English names into Chinese, rarely the reverse."""
    return "zh" if _CHINESE.search(text) else "en"


def is_cross_lingual(asked: str, text: str) -> bool:
    """Whether a question or statement and a text are in different languages, so that most words cannot match."""
    share = len(_IDEOGRAPH.findall(text)) / max(len(_LETTER.findall(text)), 1)
    return share < 0.05 if detect_language(asked) == "zh" else share > 0.2
