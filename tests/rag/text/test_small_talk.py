"""Messages that ask the documents nothing."""

import pytest

from rag.text.small_talk import is_small_talk


@pytest.mark.parametrize(
    "message",
    [
        "你好", "您好！", "在吗", "谢谢", "非常感谢", "你是谁？", "你能做什么", "再见", "好的", "嗯嗯",
        "hi", "Hello!", "hey there", "thanks", "Thank you so much!", "who are you?", "What can you do?", "ok", "bye",
        "？",
        "こんにちは", "ありがとうございます", "안녕하세요", "hola", "merci", "Danke schön", "спасибо",
        "👋", "Hi! How are you?",
    ],
)  # fmt: skip
def test_small_talk(message: str) -> None:
    assert is_small_talk(message)


@pytest.mark.parametrize(
    "message",
    [
        "你好，年假有几天？", "谢谢，那病假呢", "你是谁写的", "好的方案有哪些", "帮助中心的电话", "Hi, what is Dify?",
        "Who are you going to call?", "thanks to whom?", "What can you do with Milvus?", "highlights", "help desk",
        "hiking",
    ],
)  # fmt: skip
def test_a_question_is_no_small_talk(message: str) -> None:
    assert not is_small_talk(message)
