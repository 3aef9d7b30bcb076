"""A question as it arrives: checked, and its language known."""

import re
import unicodedata
from typing import Literal

from rag.errors import QuestionError, QuestionTooLong

Language = Literal["zh", "en"]

_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_IDEOGRAPH = re.compile(r"[\u3400-\u9fff]")
_LETTER = re.compile(r"[A-Za-z\u3400-\u9fff]")


def checked_question(text: str, *, max_characters: int) -> str:
    """The question without surrounding white space.

    Raises QuestionTooLong, or QuestionError if it is empty or holds characters that no keyboard types.
    """
    if len(text) > max_characters:
        raise QuestionTooLong(f"the question is {len(text)} characters long, the limit is {max_characters}")
    question = text.strip()
    if not question:
        raise QuestionError("the question is empty")
    for char in question:
        if unicodedata.category(char) in ("Cc", "Cs") and char not in "\t\n\r":
            raise QuestionError(f"the question holds the character U+{ord(char):04X}, which is not text")
    return question


def language_of(text: str) -> Language:
    """Chinese if any Chinese character is in it: people mix English names into Chinese, rarely the reverse."""
    return "zh" if _CHINESE.search(text) else "en"


def is_across_languages(asked: str, text: str) -> bool:
    """Whether a question or statement and a text are in different languages, so that most words cannot match."""
    share = len(_IDEOGRAPH.findall(text)) / max(len(_LETTER.findall(text)), 1)
    return share < 0.05 if language_of(asked) == "zh" else share > 0.2
