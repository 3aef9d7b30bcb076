"""The named ranges contain the characters that their names promise."""

import re

import pytest

from rag.text import cjk


@pytest.mark.parametrize(
    ("characters", "members", "others"),
    [
        (cjk.HAN, "中㐀豈鿿", "aか한。ﾃ𠮷䷀"),
        (cjk.RARE_HAN, "𠮷", "中a"),
        (cjk.KANA, "かカー", "中a한"),
        (cjk.HANGUL, "한", "中か"),
        (cjk.CJK, "中㐀豈𠮷かカ한", "aé。，1"),
        (cjk.CJK_SYMBOLS, "、。「」䷀", "中，a"),
        (cjk.FULL_WIDTH, "，！（ﾃ", "、。中,"),
    ],
)
def test_a_class_contains_its_characters_and_no_others(characters: str, members: str, others: str) -> None:
    assert re.fullmatch(f"[{characters}]+", members)
    assert not re.search(f"[{characters}]", others)


@pytest.mark.parametrize(
    ("text", "expected"), [("Ollama 是什么", True), ("とは", False), ("한국어", False), ("", False)]
)
def test_has_han_looks_for_chinese_characters_only(text: str, expected: bool) -> None:
    assert cjk.has_han(text) is expected
