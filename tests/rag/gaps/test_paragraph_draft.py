"""The frame of a missing paragraph is Markdown in which nothing that readers typed is text or markup."""

import pytest

from ingest.chunking.chunks import chunk_document
from ingest.readers.parse import parse_document
from rag.gaps.finder import LocatedGap
from rag.gaps.grouping import Gap
from rag.gaps.paragraph_draft import draft_paragraph


def drafted(*questions: str) -> str:
    gap = Gap(questions[0], questions, 3, {"refused": 3}, first_asked=0.0, last_asked=86_400.0)
    return draft_paragraph(LocatedGap(gap, None, is_answerable=False))


@pytest.mark.parametrize("other", ["a --> b", "a ---> b", "<!-- c", "a --!> b", "--", "-->-->"])
def test_what_readers_asked_is_in_a_comment_that_nothing_ends(other: str) -> None:
    text = drafted("How many days off?", f"{other} SECRET")
    chunks = chunk_document(parse_document("a.md", text.encode()), count_tokens=len, max_tokens=1000)
    assert "SECRET" in text
    assert [chunk.content for chunk in chunks] == ["To be written: answer these questions here."]
    assert chunks[0].heading_path == ("How many days off",)


def test_it_is_in_the_language_of_the_question_and_says_how_often_and_when() -> None:
    text = drafted("年假有几天？", "几天年假")
    assert text.startswith("## 年假有几天\n")
    assert "3 次" in text
    assert "1970-01-02" in text
