"""Text that belongs together is one hit, and is read together."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.chunking.chunks import chunk_document
from ingest.readers.parse import parse_document
from rag.retrieval.neighbours import drop_overlaps, expand_hits, neighbourhood_of
from rag.store.neighbourhood import Neighbourhood
from rag.text.tokens import tokenize_question
from rag.types import Chunk, ChunkKind, Hit


def chunk(position: int, *, kind: ChunkKind = "text", group: str = "", path: tuple[str, ...] = ("Part",)) -> Chunk:
    return Chunk(
        id=f"{kind}{position}",
        source="a.md",
        title="Guide",
        heading_path=path,
        anchor="part",
        kind=kind,
        position=position,
        group=group or f"g{position}",
        start_line=position * 10,
        end_line=position * 10 + 5,
        content=f"words of {kind} {position}",
    )


def hit(one: Chunk, score: float = 1.0) -> Hit:
    return Hit(one, score, 0.9, 0.5)


def words(text: str) -> int:
    return len(text.split())


def read(
    question: str, hits: Sequence[Hit], neighbours: Sequence[Chunk] = (), *, tokens: int = 999, each: int = 99
) -> list[Hit]:
    """`neighbours` may hold more than the filter selects."""
    idf = dict.fromkeys(tokenize_question(question), 1.0)
    return expand_hits(
        question, hits, neighbours, idf=idf, count_tokens=words, max_tokens=tokens, max_passage_tokens=each
    )


def parts_of(page: str, max_tokens: int = 30) -> list[Chunk]:
    document = parse_document("a.md", page.encode())
    return chunk_document(document, count_tokens=words, max_tokens=max_tokens)


ROW = replace(chunk(1, kind="row", group="t"), start_line=12, end_line=12)
TABLE = replace(chunk(0, kind="table", group="t"), start_line=10, end_line=15)


def test_of_a_row_and_its_table_only_the_better_hit_stays() -> None:
    assert drop_overlaps([hit(ROW), hit(TABLE)]) == ([hit(ROW)], {"table0": "row1"})
    assert drop_overlaps([hit(TABLE), hit(ROW)]) == ([hit(TABLE)], {"row1": "table0"})


@pytest.mark.parametrize(
    "other",
    [
        replace(TABLE, start_line=20, end_line=25),
        replace(TABLE, group="elsewhere"),
        replace(ROW, id="row2", start_line=13, end_line=13),
    ],
    ids=["another part of the table", "another table", "another row"],
)
def test_a_hit_that_says_something_else_stays(other: Chunk) -> None:
    assert drop_overlaps([hit(ROW), hit(other)]) == ([hit(ROW), hit(other)], {})


def test_a_text_is_read_with_its_neighbours_of_the_same_section() -> None:
    neighbours = [chunk(1), chunk(2), chunk(3), chunk(4)]
    (passage,) = read("q", [hit(chunk(2))], neighbours)
    assert passage.chunk.content == "words of text 1\n\nwords of text 2\n\nwords of text 3"
    assert (passage.chunk.start_line, passage.chunk.end_line) == (10, 35)


def test_another_section_or_a_table_is_not_a_neighbour() -> None:
    neighbours = [chunk(1, path=("Other",)), chunk(3, kind="row")]
    (passage,) = read("q", [hit(chunk(2))], neighbours)
    assert passage.chunk == chunk(2)


def test_a_passage_grows_only_while_it_fits_and_forwards_first() -> None:
    (passage,) = read("q", [hit(chunk(2))], [chunk(1), chunk(3)], each=12)
    assert passage.chunk.content == "words of text 2\n\nwords of text 3"


def test_neighbours_that_are_both_hits_are_one_passage_at_the_rank_of_the_better() -> None:
    passages = read("q", [hit(chunk(2)), hit(chunk(9)), hit(chunk(3))])
    assert [one.chunk.content for one in passages] == ["words of text 2\n\nwords of text 3", "words of text 9"]


def test_a_question_for_all_gets_every_row_of_the_best_table_after_the_best() -> None:
    rows = [chunk(number, kind="row", group="t") for number in (1, 2, 3)]
    hits = [hit(rows[1]), hit(chunk(9)), hit(rows[0], 0.3)]
    passages = read("第二层包含什么？", hits, [*rows, TABLE])
    assert [one.chunk.id for one in passages] == ["row2", "row1", "row3", "text9"]
    assert [one.score for one in passages] == [1.0, 0.3, 1.0, 1.0]


def test_a_question_for_one_fact_gets_the_rows_that_were_found() -> None:
    rows = [chunk(number, kind="row", group="t") for number in (1, 2, 3)]
    assert [one.chunk.id for one in read("Milvus 的官网？", [hit(rows[1])], rows)] == ["row2"]
    assert not neighbourhood_of("Milvus 的官网？", [hit(rows[1])], {})


@pytest.mark.parametrize(
    "question",
    ["向量数据库有哪些？", "第二层包含什么", "列出所有模型", "Which vendors are listed?", "What are the layers?"],
)
def test_a_question_for_all_is_recognised_in_both_languages(question: str) -> None:
    assert neighbourhood_of(question, [hit(ROW)], {}) == Neighbourhood(groups=(ROW.group_key,))


def test_the_parts_of_a_long_list_come_together() -> None:
    parts = [chunk(number, kind="list", group="l", path=(str(number),)) for number in (1, 2, 3)]
    passages = read("有哪些步骤？", [hit(parts[2])], parts)
    assert [one.chunk.position for one in passages] == [3, 1, 2]


def test_a_passage_that_does_not_fit_is_left_out_except_the_best() -> None:
    hits = [hit(chunk(number)) for number in (1, 5, 9)]
    assert [one.chunk.position for one in read("q", hits, tokens=15)] == [1, 5]
    assert [one.chunk.position for one in read("q", hits, tokens=1)] == [1]
    assert read("q", []) == []


ITEMS = "\n".join(f"- the item number {number}" for number in range(8))
CODE = "\n".join(f"value {number} = {number}" for number in range(12))
ROWS = "\n".join(f"| key {number} | value {number} |" for number in range(8))
LONG_LEAD = "This is a lead-in with more words than a label has, so it is a paragraph of its own and ends with a colon:"


@pytest.mark.parametrize(
    ("below", "whole"),
    [
        (ITEMS, ITEMS),
        (f"```py\n{CODE}\n```", f"```py\n{CODE}\n```"),
        (f"| k | v |\n|---|---|\n{ROWS}", f"| k | v |\n|---|---|\n{ROWS}"),
    ],
    ids=["list", "code", "table"],
)
def test_a_lead_in_is_read_with_all_that_it_leads_in_to(below: str, whole: str) -> None:
    chunks = parts_of(f"# Part\n\n{LONG_LEAD}\n\n{below}\n\nText below.\n")
    lead, first, second = [one for one in chunks if one.kind != "row"][:3]
    assert (lead.content, first.group) == (LONG_LEAD, second.group)
    (passage,) = read("q", [hit(lead)], chunks)
    assert passage.chunk.content == f"{LONG_LEAD}\n\n{whole}"
    assert (passage.chunk.start_line, passage.chunk.end_line) == (3, 4 + len(below.split("\n")))


def test_a_list_and_a_table_are_read_with_their_lead_in_even_if_nothing_else_fits() -> None:
    for below in (ITEMS, f"| k | v |\n|---|---|\n{ROWS}"):
        chunks = parts_of(f"# Part\n\n{LONG_LEAD}\n\n{below}\n")
        (passage,) = read("q", [hit(chunks[1])], chunks, each=words(LONG_LEAD) + words(chunks[1].content) + 4)
        assert passage.chunk.content == f"{LONG_LEAD}\n\n{chunks[1].content}"


def test_a_table_is_not_read_with_text_that_does_not_lead_in_to_it() -> None:
    chunks = parts_of(f"# Part\n\nSome text.\n\n| k | v |\n|---|---|\n{ROWS}\n")
    (passage,) = read("q", [hit(chunks[0])], chunks)
    assert passage.chunk == chunks[0]


def test_the_rows_of_a_table_that_was_read_with_its_lead_in_are_not_read_again() -> None:
    chunks = parts_of(f"# Part\n\n{LONG_LEAD}\n\n| k | v |\n|---|---|\n{ROWS}\n")
    rows = [hit(one) for one in chunks if one.kind == "row"]
    assert len(read("q", [hit(chunks[0]), *rows], chunks)) == 1


def test_the_parts_of_a_list_are_joined_without_the_label_that_is_above_each() -> None:
    chunks = parts_of(f"# Part\n\nThe parts:\n\n{ITEMS}\n")
    assert [one.content.split("\n")[0] for one in chunks] == ["The parts:", "The parts:"]
    (passage,) = read("q", [hit(chunks[1])], chunks)
    assert passage.chunk.content == f"The parts:\n{ITEMS}"


@pytest.mark.parametrize("question", ["label of the section", "the label"])
def test_a_question_for_the_label_of_a_block_gets_all_of_it(question: str) -> None:
    (first, second) = parts_of(f"# Part\n\nThe label of it:\n\n{ITEMS}\n")
    idf = dict.fromkeys(tokenize_question(question), 1.0)
    assert neighbourhood_of(question, [hit(second)], idf).groups == (first.group_key,)
    passages = read(question, [hit(second)], [first, second], each=1)
    assert [one.chunk for one in passages] == [second, first]
    passages = read("item number 5", [hit(second)], [], each=1)
    assert [one.chunk for one in passages] == [second]


def test_a_question_for_the_label_that_begins_each_row_gets_the_whole_table() -> None:
    *_, last = rows = [
        replace(chunk(number, kind="row", group="t"), content=f"Prices › plan: p{number}") for number in (1, 2, 3)
    ]
    found = read("prices", [hit(last), hit(rows[0])], rows)
    assert [one.chunk.position for one in found] == [3, 1, 2]
    assert [one.chunk.position for one in read("plan p3 prices", [hit(last), hit(rows[0])], rows)] == [3, 1]


chunks = st.builds(
    lambda position, kind, section: chunk(position, kind=kind, group="t" if kind == "row" else "", path=(section,)),
    st.integers(0, 9),
    st.sampled_from(["text", "list", "row"]),
    st.sampled_from(["A", "B"]),
)


@given(
    st.lists(chunks, max_size=6, unique_by=lambda one: one.position),
    st.lists(chunks, max_size=6),
    st.sampled_from(["有哪些？", "q"]),
    st.integers(1, 60),
)
def test_every_hit_is_read_at_most_once_and_within_the_budget(
    found: list[Chunk], others: list[Chunk], question: str, tokens: int
) -> None:
    placed = {one.position for one in found}
    passages = read(
        question, [hit(one) for one in found], [one for one in others if one.position not in placed], tokens=tokens
    )
    texts = [line for one in passages for line in one.chunk.content.split("\n\n")]
    assert len(texts) == len(set(texts))
    assert bool(passages) == bool(found)
    if len(passages) > 1:
        assert sum(words(one.chunk.searchable_text) for one in passages) <= tokens


def test_a_file_of_the_same_name_in_another_knowledge_base_is_another_document() -> None:
    here = [chunk(number) for number in range(3)]
    there = [replace(one, id=f"other{one.id}", content="something else", knowledge_base="handbook") for one in here]
    [passage] = read("words", [hit(here[1])], [*there, *here, *there])
    assert passage.chunk.content == "words of text 0\n\nwords of text 1\n\nwords of text 2"
    other_row = replace(ROW, id="row9", knowledge_base="handbook")
    assert drop_overlaps([hit(TABLE), hit(other_row)]) == ([hit(TABLE), hit(other_row)], {})
    rows = [other_row, replace(other_row, id="row8", position=2), ROW]
    assert [each.chunk for each in read("Which are all the words?", [hit(ROW)], rows)] == [ROW]


def test_the_same_text_in_two_knowledge_bases_does_not_cost_either_its_neighbours() -> None:
    here = [chunk(number) for number in range(3)]
    there = [replace(one, knowledge_base="handbook") for one in here]
    for one, other in ((here, there), (there, here)):
        [passage] = read("words", [hit(one[1])], [*one, *other])
        assert passage.chunk.knowledge_base == one[1].knowledge_base
        assert passage.chunk.end_line == 25
