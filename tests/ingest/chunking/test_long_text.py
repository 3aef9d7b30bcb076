"""A long text is cut without loss, within the limit and without changes."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunking.long_text import split_long_text
from rag.models.embedders.protocol import CountTokens


def words(text: str) -> int:
    return len(text.split())


many_examples = settings(max_examples=500, deadline=None, derandomize=True)
texts = st.text(st.sampled_from("ab 。.；\n,字汉x"), max_size=300)
limits = st.integers(4, 60)
counters: st.SearchStrategy[CountTokens] = st.sampled_from([len, words])


@many_examples
@given(texts, limits, counters)
def test_cutting_a_text_loses_only_white_space(text: str, limit: int, cost: CountTokens) -> None:
    assert "".join("".join(split_long_text(text, cost, limit)).split()) == "".join(text.split())


@many_examples
@given(texts, limits, counters)
def test_a_part_of_a_cut_text_is_never_over_the_limit(text: str, limit: int, cost: CountTokens) -> None:
    for part in split_long_text(text, cost, limit):
        assert cost(part) <= limit


@many_examples
@given(texts, limits, counters)
def test_a_part_of_a_cut_text_is_word_for_word_in_the_text(text: str, limit: int, cost: CountTokens) -> None:
    """White space may change or vanish, but must not appear within a word."""
    seams = re.compile(r"(?<=[。；])\s+|(?<=[^。；])\s+(?=\s)")
    for part in split_long_text(text, cost, limit):
        assert seams.sub("", " ".join(part.split())) in seams.sub("", " ".join(text.split()))
