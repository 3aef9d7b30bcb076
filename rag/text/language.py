"""The language of a text: Chinese or English."""

import re
from typing import Literal

from rag.text.cjk import HAN, has_han

Language = Literal["zh", "en"]

_HAN = re.compile(f"[{HAN}]")
_LETTER = re.compile(f"[A-Za-z{HAN}]")


def detect_language(text: str) -> Language:
    """Return `zh` if at least one Chinese character is in the text, else `en`.

    Chinese text often contains English names; English text rarely contains Chinese ones.
    """
    return "zh" if has_han(text) else "en"


def is_cross_lingual(asked: str, text: str) -> bool:
    """Return whether `asked`, a question or a statement, and `text` are in different languages.

    Most of their words cannot match then.
    """
    share = len(_HAN.findall(text)) / max(len(_LETTER.findall(text)), 1)
    return share < 0.05 if detect_language(asked) == "zh" else share > 0.2
