"""No chunk is too long, no text is lost, and ids are stable."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunking.chunks import chunk_document
from ingest.readers.parse import parse_document
from rag.models.embedders.builtin import BuiltinEmbedder
from rag.models.embedders.protocol import CountTokens
from rag.types import Chunk
from tests.kit.chunking import OVERVIEW, characters, chunks_of, overview_chunks, squeezed, with_special_tokens, words
from tests.kit.markdown_sample import Sample

COUNTERS = [characters, words, with_special_tokens]


def is_held(text: str, content: str) -> bool:
    """Whether the content contains the text, perhaps in a few pieces if the text is long."""
    rest, pieces = text, 0
    while rest:
        longest = _longest_prefix(rest, content)
        if not longest or (len(text) <= 3 and longest < len(text)):
            return False
        rest, pieces = rest[longest:], pieces + 1
    return pieces <= 2 + len(text) // 3


def _longest_prefix(text: str, content: str) -> int:
    low, high = 0, len(text)
    if text in content:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text[:middle] in content else (low, middle - 1)
    return low


some_examples = settings(max_examples=40, deadline=None, derandomize=True)


samples = st.integers(0, 10**9).map(Sample)


limits = st.integers(40, 400)


@pytest.mark.parametrize("count_tokens", COUNTERS)
@some_examples
@given(sample=samples, limit=limits)
def test_no_chunk_has_more_tokens_than_the_limit(count_tokens: CountTokens, sample: Sample, limit: int) -> None:
    text = sample.document()
    for chunk in chunks_of(text, count_tokens=count_tokens, max_tokens=limit):
        assert count_tokens(chunk.searchable_text) <= limit, chunk.content


@pytest.mark.parametrize("count_tokens", COUNTERS)
@some_examples
@given(sample=samples, limit=limits)
def test_every_word_of_a_document_is_in_some_chunk(count_tokens: CountTokens, sample: Sample, limit: int) -> None:
    text = sample.document()
    chunks = chunks_of(text, count_tokens=count_tokens, max_tokens=limit)
    content = "\n".join(squeezed(chunk.content) for chunk in chunks)
    assert [word for word in sample.texts if not is_held(word, content)] == []


@some_examples
@given(sample=samples, limit=limits)
def test_ids_are_unique_and_the_same_every_time(sample: Sample, limit: int) -> None:
    text = sample.document()
    chunks = chunks_of(text, max_tokens=limit)
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    assert chunks == chunks_of(text, max_tokens=limit)


@some_examples
@given(sample=samples, limit=limits)
def test_lines_are_within_the_file_and_no_chunk_is_blank(sample: Sample, limit: int) -> None:
    text = sample.document()
    last_line = text.count("\n") + 1
    for position, chunk in enumerate(chunks_of(text, max_tokens=limit)):
        assert chunk.position == position
        assert 1 <= chunk.start_line <= chunk.end_line <= last_line
        assert chunk.content.strip()


@some_examples
@given(sample=samples, limit=limits)
def test_the_words_of_a_chunk_are_in_the_lines_that_it_cites(sample: Sample, limit: int) -> None:
    """Except repeated text: captions, list items above, table headers and inherited cells."""
    text = sample.document()
    lines = text.split("\n")
    for chunk in chunks_of(text, max_tokens=limit):
        if chunk.kind != "text":
            continue
        named = squeezed("\n".join(lines[chunk.start_line - 1 : chunk.end_line]))
        for word in chunk.content.split():
            if len(word) >= 3:  # list markers are rewritten
                assert word.strip("-:.。；,*>") in named


WRAPPED = {
    "English": ("", [f"the pump of hall {number} is checked by" for number in range(30, 70)]),
    "Chinese": ("", [f"第{number}号冷库的压缩机由值班员巡检并且" for number in range(30, 70)]),
    "an item": ("- ", [f"the pump of hall {number} is checked by" for number in range(30, 70)]),
    "a quotation": ("> ", [f"the pump of hall {number} is checked by" for number in range(30, 70)]),
}


@pytest.mark.parametrize(("mark", "lines"), WRAPPED.values(), ids=WRAPPED.keys())
def test_a_chunk_of_a_wrapped_paragraph_cites_the_lines_that_it_holds(mark: str, lines: list[str]) -> None:
    chunks = chunks_of(f"# Pumps\n\n{mark}" + "\n".join(lines), count_tokens=characters, max_tokens=300)
    assert len(chunks) >= 3
    for chunk in chunks:
        numbers = [int(number) - 27 for number in re.findall(r"\d+", chunk.content)]
        assert set(numbers) <= set(range(chunk.start_line, chunk.end_line + 1))
        # Of the first and the last line, the chunk may hold the words without the number.
        assert chunk.end_line - chunk.start_line + 1 <= len(numbers) + 2
    assert (chunks[0].start_line, chunks[-1].end_line) == (3, 42)


def test_the_same_text_twice_in_a_document_gets_two_ids() -> None:
    chunks = chunks_of("# A\n\nsame\n\n# B\n\nsame\n\n# A\n\nsame\n\n- same\n\n> same\n")
    same = [chunk for chunk in chunks if chunk.content == "same"]
    assert len(same) >= 2
    assert len({chunk.id for chunk in chunks}) == len(chunks)


def test_the_same_table_row_twice_gets_two_ids() -> None:
    chunks = chunks_of("| a | b |\n|---|---|\n| x | y |\n| x | y |\n")
    rows = [chunk for chunk in chunks if chunk.kind == "row"]
    assert [chunk.content for chunk in rows] == ["a: x › b: y"] * 2
    assert rows[0].id != rows[1].id


def test_an_id_does_not_depend_on_the_position_of_the_text() -> None:
    before = chunks_of("# A\n\none\n\n# B\n\ntwo\n")
    after = chunks_of("# A\n\nmuch\nlonger\n\n# B\n\ntwo\n")
    assert before[1].id == after[1].id
    assert before[0].id != after[0].id
    assert (before[1].start_line, after[1].start_line) == (7, 8)


def test_an_id_depends_on_the_source_the_headings_and_the_kind() -> None:
    def chunk(source: str, text: str) -> Chunk:
        document = parse_document(source, text.encode())
        return chunk_document(document, count_tokens=characters, max_tokens=100)[0]

    ids = {
        chunk("a.md", "# A\n\nx").id,
        chunk("b.md", "# A\n\nx").id,
        chunk("a.md", "# B\n\nx").id,
        chunk("a.md", "# A\n\n    x").id,
        chunk("a.md", "# A\n\ny").id,
    }
    assert len(ids) == 5


def test_an_id_is_the_same_for_other_white_space_and_other_forms_of_a_character() -> None:
    assert chunks_of("# A\n\nfull　width ＡＢＣ")[0].id == chunks_of("# A\n\nfull width\nABC")[0].id


@pytest.mark.parametrize("limit", [64, 128, 320, 512])
def test_the_shipped_knowledge_keeps_every_word_within_the_limit(builtin: BuiltinEmbedder, limit: int) -> None:
    chunks = overview_chunks(builtin, limit)
    assert max(builtin.count_tokens(chunk.searchable_text) for chunk in chunks) <= limit
    held = squeezed("".join(chunk.content for chunk in chunks))
    headings = squeezed("".join(" ".join(chunk.heading_path) for chunk in chunks))
    text = OVERVIEW.read_text(encoding="utf-8").split("---\n", 2)[2].replace("</br>", " ")
    missing = [
        word
        for word in text.replace("|", " ").replace("<", " ").replace(">", " ").replace("**", " ").split()
        if set(word) - set("-#") and word not in held and word not in headings
    ]
    assert [word for word in missing if limit > 64 or len(word) < 12] == []


def test_the_lines_of_a_chinese_paragraph_are_kept_but_not_embedded() -> None:
    (chunk,) = chunks_of("# 数据\n\n向量数据库很快。\n也很大。\n")
    assert chunk.content == "向量数据库很快。\n也很大。"
    assert chunk.searchable_text == "数据\n向量数据库很快。也很大。"


def test_the_title_comes_from_front_matter_or_the_first_heading_or_the_file_name() -> None:
    assert chunks_of("---\ntitle: T\n---\n# H\n\nx")[0].title == "T"
    assert chunks_of("x\n\n## H\n\ny")[0].title == "H"
    assert chunks_of("x")[0].title == "a"


def test_every_chunk_carries_the_metadata() -> None:
    chunks = chunks_of("---\ntags: [x, y]\n---\n# A\n\nx\n\n# B\n\ny")
    assert [dict(chunk.metadata) for chunk in chunks] == [{"tags": ["x", "y"]}] * 3


@pytest.mark.parametrize("text", ["", "\n\n", "<!-- only a comment -->\n", "---\ndraft: true\n---\n", "***\n"])
def test_a_document_without_text_has_no_chunks(text: str) -> None:
    assert chunks_of(text) == []


def test_a_heading_without_any_text_below_it_is_text() -> None:
    [chunk] = chunks_of("# Duty\n\n## Room 3: 555-7001\n")
    assert (chunk.content, chunk.heading_path) == ("Room 3: 555-7001", ("Duty", "Room 3: 555-7001"))


def test_the_properties_of_a_document_are_a_chunk_with_their_lines() -> None:
    first, second = chunks_of(
        "---\ntitle: Room A\ndraft: true\nkeeper: Ms Zhao\nphone: 0123\n---\n\nIt has a beamer.\n"
    )
    assert (first.content, first.start_line, first.end_line) == ("keeper: Ms Zhao\nphone: 0123", 4, 5)
    assert (second.content, second.start_line) == ("It has a beamer.", 8)
