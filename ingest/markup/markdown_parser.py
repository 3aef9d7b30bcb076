"""The Markdown that people write: CommonMark with the extensions of GitHub, and the marks of the usual dialects.

One parser reads all of them: the marks of one dialect are hardly ever text in another, and a folder often has more than
one. docs/guides/documents.md lists what is recognised.
"""

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.newline import newline
from markdown_it.token import Token
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin

from ingest.markup.rules.attribute_lists import use_attribute_lists
from ingest.markup.rules.block_marks import use_block_marks
from ingest.markup.rules.emphasis import use_emphasis
from ingest.markup.rules.html_blocks import use_html_blocks
from ingest.markup.rules.indented_blocks import use_indented_blocks
from ingest.markup.rules.jsx import use_jsx, use_jsx_texts
from ingest.markup.rules.links import use_links
from ingest.markup.rules.literals import use_literals
from ingest.markup.rules.mdx import use_mdx_paragraphs, use_tag_lines
from ingest.markup.rules.obsidian import use_obsidian
from ingest.markup.rules.shortcodes import use_shortcodes
from ingest.markup.rules.tab_marks import use_tab_marks
from ingest.markup.rules.table_cells import use_tables

_MAX_NESTING = 100
_CONTAINERS = ("blockquote_open", "list_item_open", "indented_open", "dd_open")


def parse_tokens(text: str, *, is_mdx: bool = False) -> list[Token]:
    """Parse a Markdown text. In MDX, indented lines are no code.

    A line end within a paragraph has its offset from the paragraph's first line in `meta["line"]`.

    Raises RecursionError if quotes and lists are nested deeper than 50 to 100 levels: the parser would leave out their
    content and, in lists, everything after them.
    """
    tokens = (_MDX_PARSER if is_mdx else _PARSER).parse(text)
    if any(token.type in _CONTAINERS and token.level >= _MAX_NESTING - 1 for token in tokens):
        raise RecursionError(f"blocks are nested more than {_MAX_NESTING} levels deep")
    return tokens


def _parser(*, is_mdx: bool) -> MarkdownIt:
    options = {"maxNesting": _MAX_NESTING, "inline_definitions": True, "store_labels": True}
    parser = MarkdownIt("commonmark", options).enable("strikethrough")
    parser.validateLink = _every_link  # type: ignore[method-assign, assignment]
    dollarmath_plugin(parser, allow_labels=False, allow_space=False, allow_digits=False, double_inline=True)
    footnote_plugin(parser, inline=False, move_to_end=False)
    deflist_plugin(parser)
    use_tables(parser)
    use_emphasis(parser)
    use_literals(parser)
    use_shortcodes(parser)
    use_links(parser)
    use_obsidian(parser)
    use_attribute_lists(parser)
    use_indented_blocks(parser)
    use_jsx(parser)
    use_block_marks(parser)
    use_tab_marks(parser)
    use_html_blocks(parser)
    use_tag_lines(parser, is_mdx=is_mdx)
    if is_mdx:
        use_mdx_paragraphs(parser)
        use_jsx_texts(parser)
        parser.disable("code")
    parser.inline.ruler.at("newline", _numbered_newline)
    return parser


def _every_link(address: str) -> bool:
    """Let every address be one: of a link to `data:`, markdown-it would show the Markdown. The page has rules."""
    return True


def _numbered_newline(state: StateInline, silent: bool) -> bool:
    position, count = state.pos, len(state.tokens)
    if not newline(state, silent):
        return False
    if not silent and len(state.tokens) > count:
        # Code and links may contain line ends that no token shows.
        # Counted from the line end before: a paragraph may have thousands.
        line, counted = vars(state).get("newlines", (0, 0))
        line += state.src.count("\n", counted, position) + 1
        vars(state)["newlines"] = (line, position + 1)
        state.tokens[-1].meta["line"] = line
    return True


_PARSER = _parser(is_mdx=False)
_MDX_PARSER = _parser(is_mdx=True)
