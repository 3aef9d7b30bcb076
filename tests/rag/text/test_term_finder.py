"""What is looked for is what would be found if the text were cut into terms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.likeness import name_terms, stems
from rag.text.term_finder import TermFinder
from rag.text.tokens import tokenize

PIECES = [
    *"向量库數據库的 aAbé茶１＿，：。\n3",
    "Milvus",
    "milvuses",
    "text_splitter",
    "TiDB-Lightning",
    "memQuota",
    "a.b.c",
    "C++",
    "v7.1",
    "running",
    "Large Language Model",
    "LLM",
    "ﬁne-tuned",
    "けんさく",
    "검색",
    "𠮷",
    "x" * 70,
    "=",
    "-",
    " ",
]
texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=20)


@given(texts, texts)
def test_terms_are_found_as_tokenize_gives_them(question: str, text: str) -> None:
    asked = frozenset(tokenize(question))
    assert TermFinder(asked).find(text) == asked & frozenset(tokenize(text))


@given(texts, texts)
def test_stems_and_names_are_found_as_stems_and_name_terms_give_them(question: str, text: str) -> None:
    asked = stems(question)
    finder = TermFinder(asked, stemmed=True)
    assert finder.find(text) == asked & stems(text)
    assert finder.find_names(text) == asked & name_terms(text)


@pytest.mark.parametrize(
    ("question", "text", "found"),
    [
        ("LLM 的缓存", "A Large Language Model 緩存 is kept.", {"llm", "缓", "存", "缓存"}),
        ("splitters", "text_Splitter", {"splitter"}),
        ("茶", "红茶", {"茶"}),
    ],
)
def test_other_writings_of_a_word_are_found(question: str, text: str, found: set[str]) -> None:
    assert TermFinder(stems(question), stemmed=True).find(text) == found


def test_a_single_character_is_a_name_only_if_the_text_has_no_other() -> None:
    finder = TermFinder(stems("茶"), stemmed=True)
    assert (finder.find_names("茶"), finder.find_names("红茶")) == ({"茶"}, frozenset())
