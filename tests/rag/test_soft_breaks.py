"""Line breaks after Chinese punctuation do not count in searches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.soft_breaks import join_soft_breaks


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("第一款。\n（一）第二款", "第一款。（一）第二款"),
        ("他说：\n“好。”\n然后走了", "他说：“好。”然后走了"),
        ("速い。\nデータ", "速い。データ"),
        ("姓名：林小满\n年龄：三十", "姓名：林小满\n年龄：三十"),
        ("很快。\nMilvus", "很快。\nMilvus"),
        ("It is fast.\nVery", "It is fast.\nVery"),
        ("빠르다.\n한국어", "빠르다.\n한국어"),
        ("一段。\n\n又一段", "一段。\n\n又一段"),
        ("几项：\n- 一项；\n  又一行", "几项：\n- 一项；\n  又一行"),
        ("| 甲 | 乙。 |\n| 丙 | 丁。 |", "| 甲 | 乙。 |\n| 丙 | 丁。 |"),
    ],
)
def test_a_break_goes_between_chinese_punctuation_and_a_chinese_character_only(text: str, joined: str) -> None:
    assert join_soft_breaks(text) == joined


@given(st.text("数据。，a \n-"))
def test_nothing_but_breaks_goes_and_a_second_time_changes_nothing(text: str) -> None:
    joined = join_soft_breaks(text)
    assert joined.replace("\n", "") == text.replace("\n", "")
    assert join_soft_breaks(joined) == joined
