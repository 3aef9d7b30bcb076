"""The language in which a question is answered."""

import pytest

from rag.answering.notices import NOTICES
from rag.text.language import LANGUAGE_NAMES, detect_reply_language, is_cross_lingual


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Dify 的官网是什么？", "zh"),
        ("What is the website of Dify?", "en"),
        ("Dify", "en"),
        ("What does “学习路线” say?", "en"),
        ("“What is RAG” 讲了什么？", "zh"),
        ("“学习路线”", "zh"),
        ("«학습» 은 무엇입니까?", "ko"),
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


@pytest.mark.parametrize("question", ["TiKV_GC_interval", "--config", "gRPC?", "max_size app.width", "utf8mb4", "a/b"])
def test_identifiers_alone_are_in_the_language_of_any_text(question: str) -> None:
    assert not is_cross_lingual(question, "把它设为八，默认为四。")


@pytest.mark.parametrize("question", ["Milvus", "set max_size", "What is gRPC?", "read-only", "HELP", "It stops. Why?"])
def test_words_beside_an_identifier_are_in_a_language(question: str) -> None:
    assert is_cross_lingual(question, "把它设为八，默认为四。")
