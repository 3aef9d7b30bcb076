"""The language in which a question is answered."""

import pytest

from rag.answering.notices import NOTICES
from rag.text.language import LANGUAGE_NAMES, detect_reply_language


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Dify 的官网是什么？", "zh"),
        ("What is the website of Dify?", "en"),
        ("Dify", "en"),
        ("Difyの公式サイトは何ですか？", "ja"),
        ("Dify의 웹사이트는 무엇입니까?", "ko"),
        ("¿Cuál es el sitio web de Dify?", "es"),
        ("Quel est le site de Dify ?", "fr"),
        ("Was ist die Website von Dify?", "de"),
        ("Какой сайт у Dify?", "ru"),
    ],
)
def test_a_question_is_answered_in_its_own_language(question: str, language: str) -> None:
    assert detect_reply_language(question) == language


def test_every_language_has_a_name_and_notices() -> None:
    assert set(NOTICES) == set(LANGUAGE_NAMES)
