"""Blocks of HTML that end at `:::`, the end of a container around them, as if an empty line stood before it."""

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, html_block

from ingest.markup.rules.block_marks import is_container_mark
from ingest.markup.rules.closing_lines import line_of

_CODE = ("<script", "<pre", "<style", "<textarea", "<!", "<?")


def use_html_blocks(parser: MarkdownIt) -> None:
    """Replace the rule for blocks of HTML."""
    parser.block.ruler.at("html_block", _html_block, {"alt": ["paragraph", "reference", "blockquote"]})


def _html_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    if not html_block(state, start_line, end_line, silent):
        return False
    if not silent and not line_of(state, start_line).lower().startswith(_CODE):
        marks = (line for line in range(start_line + 1, state.line) if is_container_mark(line_of(state, line)))
        if (end := next(marks, None)) is not None:
            token = state.tokens[-1]
            token.map = [start_line, end]
            token.content = state.getLines(start_line, end, state.blkIndent, True)
            state.line = end
    return True
