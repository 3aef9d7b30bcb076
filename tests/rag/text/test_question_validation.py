"""A question is validated, and its language is detected."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import QuestionError, QuestionTooLong
from rag.text.language import detect_language
from rag.text.question_validation import validate_question

LIMIT = 4000


@pytest.mark.parametrize("text", ["", " ", "\n\t  \r\n", "\u3000\u3000", "\u00a0"])
def test_an_empty_question_is_refused(text: str) -> None:
    with pytest.raises(QuestionError, match="the question is empty"):
        validate_question(text, max_characters=LIMIT)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("什么是\0Ollama", "U+0000"),
        ("什么是\x07Ollama", "U+0007"),
        ("什么是\x1b[31mOllama", "U+001B"),
        ("什么是\x7fOllama", "U+007F"),
        ("什么是\x9bOllama", "U+009B"),
        ("什么是\ud800Ollama", "U+D800"),
        ("什么是\udfffOllama", "U+DFFF"),
    ],
)
def test_a_control_character_or_surrogate_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(QuestionError, match="which is not text") as caught:
        validate_question(text, max_characters=LIMIT)
    assert named in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_question_at_the_limit_is_accepted_and_one_beyond_it_is_too_long() -> None:
    assert validate_question("问" * LIMIT, max_characters=LIMIT) == "问" * LIMIT
    with pytest.raises(QuestionTooLong, match="is 4001 characters long, the limit is 4000"):
        validate_question("问" * (LIMIT + 1), max_characters=LIMIT)


def test_a_question_too_long_is_a_question_error() -> None:
    assert issubclass(QuestionTooLong, QuestionError)


def test_surrounding_white_space_is_taken_off_and_line_breaks_inside_stay() -> None:
    assert validate_question("  什么是\tOllama？\n请举例。\r\n", max_characters=LIMIT) == "什么是\tOllama？\n请举例。"


def test_emoji_and_any_script_are_text() -> None:
    for text in ("Ollama 👩‍👩‍👧 是什么", "Что такое Ollama?", "Ollama とは", "أولاما", "𠮷野家"):
        assert validate_question(text, max_characters=LIMIT) == text


@given(st.text(alphabet=st.characters(), max_size=60))
def test_an_accepted_question_is_stripped_bounded_and_encodable(text: str) -> None:
    try:
        question = validate_question(text, max_characters=50)
    except QuestionError:
        return
    assert question
    assert question == question.strip()
    assert len(question) <= 50
    assert question.encode()
    assert not [char for char in question if unicodedata.category(char) == "Cc" and char not in "\t\n\r"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("什么是 Ollama？", "zh"),
        ("Ollama 是什么", "zh"),
        ("Where can I find 笨鸟教程?", "zh"),
        ("豈", "zh"),
        ("㐀", "zh"),
        ("What is Ollama?", "en"),
        ("", "en"),
        ("1105", "en"),
        ("Что это?", "en"),
    ],
)
def test_a_question_is_chinese_if_any_chinese_character_is_in_it(text: str, language: str) -> None:
    assert detect_language(text) == language
