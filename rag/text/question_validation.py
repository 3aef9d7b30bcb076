"""Validation of an incoming question."""

import unicodedata

from rag.errors import QuestionError, QuestionTooLong


def validate_question(text: str, *, max_characters: int) -> str:
    """Return the question without the white space around it.

    Raises QuestionTooLong, or QuestionError if the question is empty or contains control characters or surrogates.
    Models and the index see ligatures spelt out (NFKC): one character may count as eighteen.
    """
    length = len(text)
    if length <= max_characters:
        length = len(unicodedata.normalize("NFKC", text))
    if length > max_characters:
        raise QuestionTooLong(f"the question is {length} characters long, the limit is {max_characters}")
    question = text.strip()
    if not question:
        raise QuestionError("the question is empty")
    for char in question:
        if unicodedata.category(char) in ("Cc", "Cs") and char not in "\t\n\r":
            raise QuestionError(f"the question contains the character U+{ord(char):04X}, which is not text")
    return question
