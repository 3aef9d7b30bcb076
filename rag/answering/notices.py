"""The sentences of an answer that are about the answer itself, in Chinese and English."""

from collections.abc import Sequence

from rag.text.language import Language

_REFUSAL: dict[Language, str] = {
    "zh": "知识库里没有这个问题的答案。",
    "en": "The knowledge base does not answer this question.",
}
_NEAREST: dict[Language, str] = {"zh": "最接近的内容在：", "en": " The nearest sections are:"}
NO_MODEL: dict[Language, str] = {
    "zh": "（未配置大模型，以上摘自原文。）",
    "en": "(No chat model is configured; the above is quoted from the documents.)",
}
TRUNCATED: dict[Language, str] = {
    "zh": "（回答达到长度上限，没有写完。）",
    "en": "(The answer reached its length limit and is not complete.)",
}
MORE_ITEMS: dict[Language, str] = {
    "zh": "…（另有 {count} 项，见原文）",
    "en": "… ({count} more in the document)",
}
MODEL_FAILED: dict[Language, str] = {
    "zh": "（大模型没有应答，以上摘自原文。）",
    "en": "(The chat model did not answer; the above is quoted from the documents.)",
}


def refusal_text(language: Language, nearest: Sequence[str]) -> str:
    """Return the text of a refusal, with the headings of the nearest sections, if any."""
    if not nearest:
        return _REFUSAL[language]
    return _REFUSAL[language] + _NEAREST[language] + "".join(f"\n- {heading}" for heading in nearest)
