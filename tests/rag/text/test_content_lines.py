"""A part of a chunk leads to its own lines of the file, as far as the chunk tells them."""

import re

import pytest

from ingest.chunking.chunks import chunk_document
from ingest.readers.parse import parse_document
from rag.text.content_lines import file_lines
from rag.text.spans import split_spans
from rag.types import Chunk

LONG_LIST = "# 清单\n\n设备清单：\n\n" + "\n".join(f"- 第 {number} 台设备在 {number} 号机房" for number in range(60))
LONG_CODE = "# Code\n\n```py\n" + "\n".join(f"value_{number} = {number}" for number in range(60)) + "\n```\n"
LONG_TABLE = "# 表\n\n| 编号 | 地点 |\n|---|---|\n" + "\n".join(
    f"| 编号{number} | 机房{number} |" for number in range(60)
)
LONG_NESTED = "# 清单\n\n- 上层\n  - 中层\n" + "\n".join(f"    - 第 {number} 台" for number in range(60))
MIXED = """# 标题

一段话。

材料：

- 照片
- 申请表
  - 盖章

```sh
ls

cd
```

- 完
"""


def chunks(page: str, max_tokens: int = 200) -> list[Chunk]:
    return chunk_document(parse_document("a.md", page.encode()), count_tokens=len, max_tokens=max_tokens)


@pytest.mark.parametrize(
    "page", [LONG_LIST, LONG_TABLE, LONG_NESTED, LONG_CODE], ids=["list", "table", "nested list", "code"]
)
def test_each_line_of_a_long_block_is_found_in_each_of_its_parts(page: str) -> None:
    parts = [chunk for chunk in chunks(page) if chunk.kind != "row"]
    assert len(parts) > 2
    for chunk in parts:
        # What is repeated above each part has no digits.
        for line in filter(re.compile(r"\d").search, chunk.content.split("\n")):
            start = chunk.content.index(line)
            lines = file_lines(chunk, start, start + len(line))
            assert [page.split("\n")[number - 1] for number in lines] == [line]


def test_the_lines_of_short_blocks_that_share_a_chunk_are_their_own() -> None:
    (chunk,) = chunks(MIXED, 2000)
    in_file = MIXED.split("\n")
    for span in split_spans(chunk):
        lines = file_lines(chunk, span.start, span.end)
        assert [in_file[number - 1] for number in lines] == span.quote.split("\n")


@pytest.mark.parametrize(
    ("page", "quote", "lines"),
    [
        ("# A\n\nOne sentence here.\nAnother one\nthere.\n", "One sentence here.", range(3, 4)),
        ("# A\n\nLead:\n- a\n- b\n", "- b", range(5, 6)),
        ("# A\n\nLead:\n\n- a\n- b\n", "- b", range(6, 7)),
        ("# A\n\nText.\n\n\n\nMore text.\n", "More text.", range(7, 8)),
        ("# A\n\nOne.\\\nTwo.\\\nThree.\n", "Two.", range(4, 5)),
    ],
)
def test_a_quote_has_its_own_lines(page: str, quote: str, lines: range) -> None:
    (chunk,) = chunks(page)
    start = chunk.content.index(quote)
    assert file_lines(chunk, start, start + len(quote)) == lines
