"""Texts that end in a loop, and those that only look alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.loops import end_of_first_round


def cut(text: str, known: str = "") -> str | None:
    end = end_of_first_round(text, known)
    return None if end is None else text[:end]


SENTENCE = "The pump is made of steel and of nothing else. "
LOOPS = {
    "a sentence": ("It is heavy. " + SENTENCE * 6, "It is heavy. " + SENTENCE.strip()),
    "a Chinese sentence": ("泵很重。" + "泵是钢做的，别的什么也不是。" * 9, "泵很重。泵是钢做的，别的什么也不是。"),
    "a sentence that is cut at last": (SENTENCE * 5 + "The pump is", SENTENCE.strip()),
    "several sentences": (
        "First. " + "Open the valve of the pump. Close it again after that. " * 4,
        "First. Open the valve of the pump. Close it again after that.",
    ),
    "a piece of a sentence": ("有很多种，" + "可以看下面的说明，" * 12, "有很多种，可以看下面的说明，"),
    "words without a mark": ("教程" + "都是公司的人写的" * 9, "教程都是公司的人写的"),
    "numbered items": ("\n".join(f"{n}. **Blue pump**" for n in range(1, 20)), "1. **Blue pump**"),
    "items whose last has only its number": ("\n".join(f"{n}. Red pump" for n in range(1, 20)) + "\n20", "1. Red pump"),
    "items with markers": ("Pumps:\n" + "- red pump [1]\n- big pump [2]\n" * 5, "Pumps:\n- red pump [1]\n- big pump"),
    "a lead without what it leads in to": ("答案是：\n\n" * 30, "答案是："),
    "code": ("```\n" + "pip install the-pump\n" * 8, "```\npip install the-pump"),
    "an address": ("See https://a.cn/" + "pump/" * 20, "See https://a.cn/pump"),
}
TABLE = "| name | red | blue |\n|---|---|---|\n" + "".join(f"| pump {n} | yes | yes |\n" for n in range(9))
OTHERS = {
    "a table of the same cells": TABLE,
    "a wide table": "| pump " + "| yes " * 12 + "|",
    "a rule": "Pumps\n" + "-" * 200,
    "the end of nested code": "f(\n" + "        }\n" * 30,
    "numbers": "zeros = [" + "0, " * 80,
    "items that differ by a number": "\n".join(
        f"- In {year} it cost {year - 1990} euros." for year in range(2000, 2020)
    ),
    "three times the same": SENTENCE * 3,
    "short items a few times": "- 不支持\n" * 6,
    "a loop that has ended": SENTENCE * 6 + "That is all there is to say about pumps and valves.",
    "nothing": "",
}


@pytest.mark.parametrize("kind", LOOPS)
def test_of_a_loop_at_the_end_the_first_round_is_found(kind: str) -> None:
    text, first = LOOPS[kind]
    assert cut(text) == first


@pytest.mark.parametrize("kind", OTHERS)
def test_what_only_looks_like_a_loop_is_none(kind: str) -> None:
    assert cut(OTHERS[kind]) is None


@pytest.mark.parametrize("line", ["INSERT INTO t SELECT a, b FROM t LIMIT 10000;\n", "echo ping >> /tmp/the.log\n"])
def test_what_the_documents_repeat_as_often_is_no_loop(line: str) -> None:
    said = f"```sql\n{line * 5}"
    assert cut(said, known=f"Fill the table:\n\n{line * 6}") is None
    assert cut(said, known=f"Fill the table:\n\n{line * 2}") is not None


@given(st.text("ab钢 ", max_size=90), st.text("abc泵", min_size=1, max_size=40), st.integers(4, 12), st.data())
def test_a_loop_of_any_length_is_found_behind_any_text(
    before: str, words: str, rounds: int, data: st.DataObject
) -> None:
    cut_off = data.draw(st.integers(0, len(words) - 1))
    said = words * rounds + words[:cut_off]
    if len(said) >= 60:
        assert end_of_first_round(before + said) is not None
