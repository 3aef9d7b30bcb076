"""What the chunker promises: no chunk too long, no text lost, every table row readable by itself."""

import itertools
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunking.chunks import chunk_document
from ingest.readers.documents import parse_document
from rag.models.embedders.builtin import BuiltinEmbedder
from rag.models.embedders.protocol import CountTokens
from rag.settings import ChunkingSettings
from rag.store.columns import MAX_CONTENT_BYTES
from rag.types import Chunk
from tests.kit.paths import ROOT

OVERVIEW = ROOT / "knowledge" / "overview.md"
LETTERS, DIGITS = "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz0123456789"


def characters(text: str) -> int:
    return len(text)


def words(text: str) -> int:
    return len(text.split())


def with_special_tokens(text: str) -> int:
    """As models count: a prefix, three characters to a token, and two special tokens."""
    return 4 + -(-len(text) // 3)


COUNTERS = [characters, words, with_special_tokens]


def chunks_of(text: str, *, count_tokens: CountTokens = characters, max_tokens: int = 400) -> list[Chunk]:
    return chunk_document(parse_document("a.md", text.encode()), count_tokens=count_tokens, max_tokens=max_tokens)


def squeezed(text: str) -> str:
    return "".join(text.split())


@dataclass
class Sample:
    """A random Markdown text. `texts` are the words, long words and Chinese runs in it, all distinct."""

    seed: int
    lines: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311
        codes = ["".join(code) for code in itertools.product(LETTERS, DIGITS, DIGITS)]
        self.random.shuffle(codes)
        self.codes: Iterator[str] = iter(codes)

    def word(self) -> str:
        """Three characters, so short that no cut within a word is ever needed."""
        self.texts.append(next(self.codes))
        return self.texts[-1]

    def long_word(self) -> str:
        self.texts.append("".join(next(self.codes) for _ in range(self.random.randint(10, 200))))
        return self.texts[-1]

    def chinese(self) -> str:
        length = self.random.randint(1, 60)
        self.texts.append("".join(chr(self.random.randint(0x4E00, 0x9FA5)) for _ in range(length)))
        return self.texts[-1]

    def phrase(self, most: int) -> str:
        kinds = self.random.choices(
            [self.word, self.chinese, self.long_word], weights=[12, 1, 0.3], k=self.random.randint(1, most)
        )
        text = ""
        for make in kinds:
            text += make() + self.random.choice([" ", " ", " ", ". ", "。", "；", ", "])
        return text.strip(" ,")

    def document(self) -> str:
        makers: list[Callable[[], None]] = [
            self.heading,
            self.paragraph,
            self.nested_list,
            self.table,
            self.code,
            self.caption,
            self.quotation,
        ]
        for make in self.random.choices(makers, k=self.random.randint(1, 9)):
            make()
            self.lines.append("")
        return "\n".join(self.lines)

    def heading(self) -> None:
        # Short, so that the context leaves room: what stands in headings is not counted among `texts`.
        self.lines.append(f"{'#' * self.random.randint(1, 3)} {next(self.codes)}")

    def paragraph(self) -> None:
        self.lines.extend(self.phrase(40) for _ in range(self.random.randint(1, 3)))

    def caption(self) -> None:
        is_bold = self.random.random() < 0.5
        self.lines.append(f"**{self.word()} {self.word()}**" if is_bold else f"{self.phrase(6)}:")

    def quotation(self) -> None:
        self.lines.extend([f"> {self.phrase(20)}", ">", f"> - {self.phrase(5)}"])

    def nested_list(self) -> None:
        depth = 0
        for _ in range(self.random.randint(1, 12)):
            self.lines.append(f"{'   ' * depth}{self.random.choice(['-', '1.'])} {self.phrase(8)}")
            depth = self.random.randint(0, min(depth + 1, 3))

    def table(self) -> None:
        columns = self.random.randint(1, 6)
        self.lines.append(f"| {' | '.join(self.word() for _ in range(columns))} |")
        self.lines.append("|" + "---|" * columns)
        for row in range(self.random.randint(1, 8)):
            blank = self.random.randint(0, columns - 1) if row else 0
            cells = [""] * blank + [self.phrase(6) for _ in range(columns - blank)]
            self.lines.append(f"| {' | '.join(cells)} |")

    def code(self) -> None:
        inside = [self.random.choice(["", "  "]) + self.phrase(10) for _ in range(self.random.randint(1, 8))]
        self.lines.extend([self.random.choice(["```", "```python"]), *inside, "```"])


def is_held(text: str, content: str) -> bool:
    """Whether the content holds the text, in a few pieces if it is a long one that had to be cut."""
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
def test_no_chunk_takes_more_tokens_than_the_limit(count_tokens: CountTokens, sample: Sample, limit: int) -> None:
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
def test_lines_lie_within_the_file_and_no_chunk_is_blank(sample: Sample, limit: int) -> None:
    text = sample.document()
    last_line = text.count("\n") + 1
    for position, chunk in enumerate(chunks_of(text, max_tokens=limit)):
        assert chunk.position == position
        assert 1 <= chunk.start_line <= chunk.end_line <= last_line
        assert chunk.content.strip()


@some_examples
@given(sample=samples, limit=limits)
def test_a_chunk_s_words_stand_in_the_lines_it_names(sample: Sample, limit: int) -> None:
    """Apart from what is repeated from elsewhere: captions, list ancestors, table headers and inherited cells."""
    text = sample.document()
    lines = text.split("\n")
    for chunk in chunks_of(text, max_tokens=limit):
        if chunk.kind != "text":
            continue
        named = squeezed("\n".join(lines[chunk.start_line - 1 : chunk.end_line]))
        for word in chunk.content.split():
            if len(word) >= 3:  # list markers are written anew
                assert word.strip("-:.。；,*>") in named


def test_the_limit_holds_beside_long_headings() -> None:
    """A context as long as it gets, under the smallest limit that the settings accept."""
    smallest = next(rule.ge for rule in ChunkingSettings.model_fields["max_tokens"].metadata if hasattr(rule, "ge"))
    headings = "".join(f"{'#' * level} {'标题' * 30}{level}\n\n" for level in range(1, 5))
    for chunk in chunks_of(f"{headings}{'正文' * 200}", count_tokens=with_special_tokens, max_tokens=smallest):
        assert with_special_tokens(chunk.searchable_text) <= smallest


def test_the_limit_holds_under_a_caption_as_long_as_the_limit() -> None:
    items = "\n".join(f"- item {number} {'x' * 30}" for number in range(4))
    for chunk in chunks_of(f"{'caption ' * 14}:\n\n{items}", max_tokens=100):
        assert len(chunk.searchable_text) <= 100


def test_a_row_is_not_lost_under_a_long_caption() -> None:
    chunks = chunks_of(f"{'caption ' * 11}:\n\n| h |\n|---|\n| cellword |\n", max_tokens=100)
    assert any("cellword" in chunk.content for chunk in chunks)


def test_a_long_caption_is_not_lost_when_the_table_is_cut() -> None:
    caption = " ".join(f"w{number}" for number in range(25))
    row = "| " + " | ".join("cell" * 10 for _ in range(3)) + " |"
    chunks = chunks_of(f"{caption}:\n\n| a | b | c |\n|---|---|---|\n{row}\n", max_tokens=100)
    contents = " ".join(chunk.content for chunk in chunks).split()
    assert {"w0", "w12"} <= set(contents)


def test_the_names_of_a_table_without_rows_are_not_lost() -> None:
    chunks = chunks_of("before\n\n| alpha | beta |\n|---|---|\n\nafter\n")
    assert any("alpha" in chunk.content and "beta" in chunk.content for chunk in chunks)


def test_an_empty_code_block_gives_no_chunk() -> None:
    assert chunks_of("```\n```\n") == []
    assert [chunk.content for chunk in chunks_of("```\n\n```\n\nafter\n")] == ["after"]


@pytest.mark.parametrize("text", ["a" * 100_000, f"```\nx{' ' * 70_000}y\n```"], ids=["a word", "white space"])
def test_a_chunk_fits_the_store_whatever_the_tokenizer_says(text: str) -> None:
    """WordPiece takes a word of 100,000 characters for one unknown token; a server refuses more than 65,535 bytes."""
    for chunk in chunks_of(text, count_tokens=words):
        assert len(chunk.content.encode()) <= MAX_CONTENT_BYTES


def test_text_under_ten_list_markers_is_not_lost() -> None:
    text = "\n".join(f"{'  ' * depth}- item{depth}" for depth in range(14))
    content = "\n".join(chunk.content for chunk in chunks_of(text, max_tokens=4000))
    assert [depth for depth in range(14) if f"item{depth}" not in content.split()] == []


def test_text_under_many_quotation_marks_is_not_lost() -> None:
    assert any("deep" in chunk.content for chunk in chunks_of("> " * 30 + "deep"))


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


def test_an_id_does_not_depend_on_where_the_text_stands() -> None:
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


def test_a_table_row_is_a_sentence_with_header_names_and_inherited_values(builtin: BuiltinEmbedder) -> None:
    chunks = _overview(builtin, 320)
    rows = [chunk for chunk in chunks if chunk.kind == "row"]
    milvus = next(chunk for chunk in rows if "Milvus" in chunk.content)
    assert milvus.content == (
        "层级: 第一层 › 分类: 基础设施 › 内容: 向量数据库 › 知名组件/供应商: Milvus, PingCAP（基于 TiKV 的向量引擎）"
    )
    assert milvus.heading_path == ("概述", "AI 工程架构")
    assert milvus.anchor == "ai-工程架构"
    line = OVERVIEW.read_text(encoding="utf-8").split("\n")[milvus.start_line - 1]
    assert "向量数据库" in line
    assert milvus.end_line == milvus.start_line
    assert len([chunk for chunk in rows if chunk.group == milvus.group]) == 17


@pytest.mark.parametrize("limit", [64, 128, 320, 512])
def test_the_shipped_knowledge_keeps_every_word_within_the_limit(builtin: BuiltinEmbedder, limit: int) -> None:
    chunks = _overview(builtin, limit)
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


def test_the_whole_table_is_reachable_through_the_group(builtin: BuiltinEmbedder) -> None:
    by_group = defaultdict(list)
    for chunk in _overview(builtin, 320):
        by_group[chunk.group].append(chunk)
    groups = [group for group in by_group.values() if group[0].kind == "table"]
    assert len(groups) == 7
    for group in groups:
        whole = [line for chunk in group if chunk.kind == "table" for line in chunk.content.split("\n")]
        cells = [line for line in whole if line.startswith("| ")]
        header = cells[0]
        shown = [line for line in cells if line != header]
        assert len(shown) == len([chunk for chunk in group if chunk.kind == "row"])


def test_each_part_of_a_cut_table_repeats_the_caption_and_the_header() -> None:
    rows = "".join(f"| key{number} | value{number} |\n" for number in range(20))
    chunks = chunks_of(f"# T\n\n**Sizes**\n\n| Name | Size |\n|---|---|\n{rows}", max_tokens=200)
    tables = [chunk for chunk in chunks if chunk.kind == "table"]
    assert len(tables) > 1
    for table in tables:
        assert table.content.startswith("Sizes\n| Name | Size |\n|---|---|\n| key")
    shown = [line for table in tables for line in table.content.split("\n")[3:]]
    assert shown == [f"| key{number} | value{number} |" for number in range(20)]
    assert tables[0].start_line == 3
    assert [table.start_line for table in tables[1:]] == [before.end_line + 1 for before in tables[:-1]]
    assert tables[-1].end_line == 26
    assert len({chunk.group for chunk in chunks}) == 1


def test_a_row_chunk_begins_with_the_caption() -> None:
    rows = [
        chunk.content
        for chunk in chunks_of("尺寸：\n\n| 名称 | 大小 |\n|---|---|\n| 甲 | 1 |\n")
        if chunk.kind == "row"
    ]
    assert rows == ["尺寸 › 名称: 甲 › 大小: 1"]


def test_a_long_row_is_cut_between_cells_each_part_after_its_first_cell() -> None:
    cells = " | ".join(f"value{number}" for number in range(30))
    header = " | ".join(f"h{number}" for number in range(30))
    chunks = chunks_of(f"| {header} |\n{'|---' * 30}|\n| {cells} |\n", max_tokens=120)
    rows = [chunk.content for chunk in chunks if chunk.kind == "row"]
    assert len(rows) > 3
    assert all(row.startswith("h0: value0 › h") for row in rows)
    fields = [field for row in rows for field in row.split(" › ")[1:]]
    assert fields == [f"h{number}: value{number}" for number in range(1, 30)]


def test_a_table_of_200_columns_keeps_every_cell() -> None:
    header = " | ".join(f"column{number}" for number in range(200))
    rows = "".join(f"| {' | '.join(f'r{row}c{column}' for column in range(200))} |\n" for row in range(5))
    chunks = chunks_of(f"| {header} |\n{'|---' * 200}|\n{rows}", max_tokens=320)
    assert max(len(chunk.searchable_text) for chunk in chunks) <= 320
    fields = {field for chunk in chunks for field in chunk.content.split(" › ")}
    assert {f"column{column}: r{row}c{column}" for row in range(5) for column in range(200)} <= fields
    assert len({chunk.group for chunk in chunks}) == 1


@pytest.mark.parametrize("character", ["字", "x"])
def test_a_paragraph_of_30000_characters_without_a_space_is_cut(builtin: BuiltinEmbedder, character: str) -> None:
    started = time.process_time()
    chunks = chunks_of(character * 30_000, count_tokens=builtin.count_tokens, max_tokens=320)
    assert time.process_time() - started < 5
    assert max(builtin.count_tokens(chunk.searchable_text) for chunk in chunks) <= 320
    assert squeezed("".join(chunk.content for chunk in chunks)) == character * 30_000


def test_a_table_of_2000_rows_takes_seconds(builtin: BuiltinEmbedder) -> None:
    rows = "".join(f"| 产品 {number} | {number * 7} 元 | 第 {number % 9} 仓库 |\n" for number in range(2000))
    started = time.process_time()
    chunks = chunks_of(
        f"| 名称 | 价格 | 位置 |\n|---|---|---|\n{rows}", count_tokens=builtin.count_tokens, max_tokens=320
    )
    assert time.process_time() - started < 10
    assert len([chunk for chunk in chunks if chunk.kind == "row"]) == 2000


def test_a_list_of_5000_items_takes_seconds() -> None:
    started = time.process_time()
    chunks = chunks_of("\n".join(f"- item {number}" for number in range(5000)), max_tokens=400)
    assert time.process_time() - started < 10
    assert [line for chunk in chunks for line in chunk.content.split("\n")] == [
        f"- item {number}" for number in range(5000)
    ]


def test_code_of_10000_blank_lines_takes_seconds() -> None:
    started = time.process_time()
    chunks_of("```\n" + "\n" * 10_000 + "word " * 500 + "\n```\n", count_tokens=words, max_tokens=320)
    assert time.process_time() - started < 10


def test_blocks_of_one_section_share_a_chunk_while_they_fit() -> None:
    [chunk] = chunks_of("# A\n\nfirst paragraph\n\n- a\n- b\n\n```py\nx = 1\n```\n")
    assert chunk.content == "first paragraph\n\n- a\n- b\n\n```py\nx = 1\n```"
    assert (chunk.start_line, chunk.end_line) == (3, 10)
    assert chunk.kind == "text"


def test_sections_never_share_a_chunk() -> None:
    assert [chunk.content for chunk in chunks_of("# A\n\nx\n\n## B\n\ny\n")] == ["x", "y"]


def test_a_chunk_of_one_kind_keeps_its_kind() -> None:
    assert [chunk.kind for chunk in chunks_of("- a\n\n# B\n\n```\nx\n```\n\n# C\n\ny\n")] == ["list", "code", "text"]


def test_a_cut_list_repeats_the_items_that_a_part_hangs_below() -> None:
    items = "".join(f"  - child number {number}\n" for number in range(10))
    chunks = chunks_of(f"# A\n\n- parent\n{items}", max_tokens=100)
    assert len(chunks) > 2
    assert all(chunk.content.startswith("- parent\n  - child") for chunk in chunks)
    lines = [line for chunk in chunks for line in chunk.content.split("\n")[1:]]
    assert lines == [f"  - child number {number}" for number in range(10)]
    assert len({chunk.group for chunk in chunks}) == 1


def test_each_part_of_cut_code_stands_in_a_fence_of_its_own() -> None:
    code = "".join(f"value_{number} = {number}\n" for number in range(20))
    chunks = chunks_of(f"# A\n\n```python\n{code}```\n", max_tokens=100)
    assert len(chunks) > 2
    for chunk in chunks:
        assert chunk.kind == "code"
        assert chunk.content.startswith("```python\nvalue_")
        assert chunk.content.endswith("\n```")


def test_the_lines_of_a_cut_list_begin_at_its_caption() -> None:
    items = "".join(f"- item number {number}\n" for number in range(10))
    chunks = chunks_of(f"Items:\n\n{items}", max_tokens=100)
    assert chunks[0].content.startswith("Items:\n- item number 0")
    assert [chunk.start_line for chunk in chunks] == [1, *(chunk.end_line + 1 for chunk in chunks[:-1])]


def test_the_title_is_the_front_matter_s_then_the_first_heading_s_then_the_file_s() -> None:
    assert chunks_of("---\ntitle: T\n---\n# H\n\nx")[0].title == "T"
    assert chunks_of("x\n\n## H\n\ny")[0].title == "H"
    assert chunks_of("x")[0].title == "a"


def test_every_chunk_carries_the_metadata() -> None:
    chunks = chunks_of("---\ntags: [x, y]\n---\n# A\n\nx\n\n# B\n\ny")
    assert [dict(chunk.metadata) for chunk in chunks] == [{"tags": ["x", "y"]}] * 2


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# Only a heading\n", "<!-- only a comment -->\n", "---\na: 1\n---\n", "***\n"]
)
def test_a_document_without_text_has_no_chunks(text: str) -> None:
    assert chunks_of(text) == []


def _overview(embedder: BuiltinEmbedder, limit: int) -> list[Chunk]:
    document = parse_document("overview.md", OVERVIEW.read_bytes())
    return chunk_document(document, count_tokens=embedder.count_tokens, max_tokens=limit)
