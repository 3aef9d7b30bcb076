"""The blocks of a Markdown text, and the lines of the file that they come from."""

from ingest.chunking.blocks import Block
from ingest.chunking.sections import parse_sections
from ingest.markup.markdown_tree import markdown_tree


def blocks(markdown: str) -> list[Block]:
    return [block for section in parse_sections(markdown_tree(markdown)) for block in section.blocks]


def texts(block: Block) -> list[str]:
    return [line.text for line in block.lines]


def file_lines(markdown: str, block: Block) -> list[str]:
    return markdown.split("\n")[block.start_line - 1 : block.end_line]
