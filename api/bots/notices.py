"""What bots say besides answers."""

from collections.abc import Mapping

from rag.text.language import Language

NO_QUESTION: Mapping[Language, str] = {
    "zh": "请用一段不太长的文字提问。",
    "en": "Ask a question in words that is not too long.",
}
NO_ANSWER: Mapping[Language, str] = {
    "zh": "现在无法回答，请稍后再问。",
    "en": "There is no answer at the moment. Ask again shortly.",
}
