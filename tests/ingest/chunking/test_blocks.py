"""Lists, code, quotations and captions become blocks that know their lines."""

import pytest

from tests.kit.blocks import blocks, file_lines, texts

NESTED = """\
- a
  - b
    - c
      more c

    of b
- d

  | h | i |
  |---|---|
  | 1 | 2 |
  | | 3 |

  ```py
  x = 1

  y = 2
  ```
1. e
"""


def test_each_item_of_a_nested_list_knows_the_items_above_it() -> None:
    bullets, *_ = blocks(NESTED)
    assert [(line.text, line.ancestors) for line in bullets.lines] == [
        ("- a", ()),
        ("  - b", ("- a",)),
        ("    - c more c", ("- a", "  - b")),
        ("    of b", ("- a", "  - b")),
    ]


def test_a_table_and_code_in_a_list_are_blocks_below_their_item() -> None:
    _, table, code, _ = blocks(NESTED)
    assert (table.kind, table.caption, table.start_line) == ("table", "- d", 7)
    assert table.table is not None
    assert [row.as_text() for row in table.table.rows] == ["h: 1 › i: 2", "i: 3"]
    assert (code.kind, code.fence, texts(code)) == ("code", "py", ["x = 1", "", "y = 2"])


def test_an_item_that_is_code_keeps_its_number() -> None:
    first, code, last = blocks("1. a\n2. ```\n   code\n   ```\n3. c\n")
    assert (texts(first), code.caption, texts(code), texts(last)) == (["1. a"], "2.", ["code"], ["3. c"])


def test_the_lines_of_a_list_read_back_from_the_file() -> None:
    bullets, _, code, numbers = blocks(NESTED)
    file = ["", *NESTED.split("\n")]
    found = [file[line.start_line].strip() for line in (*bullets.lines, *code.lines)]
    assert found == ["- a", "- b", "- c", "of b", "x = 1", "", "y = 2"]
    assert file[bullets.lines[2].end_line].strip() == "more c"
    assert file[numbers.start_line] == "1. e"


def test_a_numbered_list_keeps_its_numbers() -> None:
    [block] = blocks("3. x\n4. y\n   1. z\n   2. w\n5. v\n")
    assert texts(block) == ["3. x", "4. y", "  1. z", "  2. w", "5. v"]


@pytest.mark.parametrize("marker", ["-", "*", "+"])
def test_bullets_are_all_written_alike(marker: str) -> None:
    assert texts(blocks(f"{marker} a\n{marker} b\n")[0]) == ["- a", "- b"]


def test_a_loose_list_is_one_block() -> None:
    [block] = blocks("- a\n\n- b\n\n- c\n")
    assert texts(block) == ["- a", "- b", "- c"]
    assert (block.start_line, block.end_line) == (1, 5)


def test_an_item_that_begins_with_another_block_keeps_its_marker() -> None:
    """Without the marker, the item would look like part of the one before."""
    [block] = blocks("- a\n- > quoted\n- c\n")
    assert texts(block) == ["- a", "- quoted", "- c"]


def test_code_keeps_its_language_its_indentation_and_its_blank_lines() -> None:
    [block] = blocks("```python\nif x:\n\n    y = 1\n\tz\n```\n")
    assert (block.kind, block.fence) == ("code", "python")
    assert texts(block) == ["if x:", "", "    y = 1", "\tz"]
    assert [line.start_line for line in block.lines] == [2, 3, 4, 5]
    assert (block.start_line, block.end_line) == (1, 6)


def test_code_without_a_language_is_code() -> None:
    [block] = blocks("~~~\nx\n~~~\n")
    assert (block.kind, block.fence, texts(block)) == ("code", "", ["x"])


@pytest.mark.parametrize("end", ["", "\n", "\n\n\n"])
def test_an_unclosed_fence_contains_the_rest_of_the_text(end: str) -> None:
    text = f"a\n\n```js\nfirst\n# not a heading\nlast{end}"
    _, block = blocks(text)
    assert texts(block) == ["first", "# not a heading", "last"]
    assert [line.start_line for line in block.lines] == [4, 5, 6]
    assert block.end_line <= text.count("\n") + 1


def test_indented_code_is_code() -> None:
    [before, block, after] = blocks("x\n\n    indented\n\n      more\n\nafter\n")
    assert (block.kind, texts(block)) == ("code", ["indented", "", "  more"])
    assert [line.start_line for line in block.lines] == [3, 4, 5]
    assert (block.start_line, block.end_line) == (3, 5)
    assert (before.end_line, after.start_line) == (1, 7)


def test_a_quotation_with_a_list_is_one_block_and_its_code_another() -> None:
    text = "> quote\n> more\n>\n> - a\n>   - b\n>\n> # Not a section\n>\n> ```\n> code\n> ```\n\nafter\n"
    block, code, after = blocks(text)
    assert texts(block) == ["quote more", "- a", "  - b", "Not a section"]
    assert [line.start_line for line in block.lines] == [1, 4, 5, 7]
    assert texts(code) == ["code"]
    assert file_lines(text, code)[-1] == "> ```"
    assert texts(after) == ["after"]


def test_an_html_block_is_text_and_a_comment_is_left_out() -> None:
    text = "<div>\nHello <b>x</b><br>y\n<!-- hidden -->\n</div>\n\n<!-- only\na comment -->\n\n<p>z</p>\n\nafter\n"
    found = blocks(text)
    assert [texts(block) for block in found] == [["Hello x", "y"], ["z"], ["after"]]
    assert [file_lines(text, block)[-1] for block in found] == ["Hello <b>x</b><br>y", "<p>z</p>", "after"]


def test_thematic_breaks_and_link_definitions_are_left_out() -> None:
    text = "[ref]: https://x.y\n\na [text][ref]\n\n***\n\nb\n"
    assert [texts(block) for block in blocks(text)] == [["a text (https://x.y)"], ["b"]]


@pytest.mark.parametrize("caption", ["**Sizes**", "Sizes:", "尺寸：", "The **sizes** are:"])
@pytest.mark.parametrize("block", ["- a\n- b", "1. a", "| h |\n|---|\n| x |", "```\ncode\n```", "    code"])
def test_a_caption_stays_with_the_block_that_follows(caption: str, block: str) -> None:
    text = f"{caption}\n\n{block}\n"
    [found] = blocks(text)
    assert found.caption == caption.replace("**", "")
    assert file_lines(text, found)[0] == caption


def test_a_caption_needs_no_blank_line_before_a_list() -> None:
    [block] = blocks("Items:\n- a\n- b\n")
    assert (block.caption, texts(block)) == ("Items:", ["- a", "- b"])


def test_a_caption_before_text_is_a_paragraph() -> None:
    assert [(block.caption, texts(block)) for block in blocks("**Label**\n\ntext\n")] == [
        ("", ["Label"]),
        ("", ["text"]),
    ]


def test_only_the_nearest_of_two_captions_stays_with_the_block() -> None:
    assert [(block.caption, texts(block)) for block in blocks("**A**\n\n**B**\n\n- x\n")] == [
        ("", ["A"]),
        ("B", ["- x"]),
    ]


def test_a_caption_at_the_end_of_a_section_is_a_paragraph() -> None:
    assert [texts(block) for block in blocks("Items:\n\n# A\n\n- x\n")] == [["Items:"], ["- x"]]


def test_a_long_sentence_before_a_list_is_a_paragraph() -> None:
    assert [block.caption for block in blocks(f"{'word ' * 30}:\n\n- x\n")] == ["", ""]


def test_a_paragraph_knows_its_first_and_last_line() -> None:
    text = "\n\nfirst\nsecond\nthird\n\n\nnext\n"
    found = blocks(text)
    assert [file_lines(text, block) for block in found] == [["first", "second", "third"], ["next"]]
