"""Lines that are nothing but a mark of a dialect: they begin or end a block, and at most have a title.

Such are `::: tip 提示` (Docusaurus, VitePress), `{{< note >}}` (Hugo), `{% hint %}` (Jekyll, GitBook), `/// note` and
`--8<-- "x"` (MkDocs), `{: .class }` (kramdown) and `[[toc]]`. What stands between two of them is Markdown of the
document, so none of them needs the other.
"""

import re
from collections.abc import Sequence
from functools import partial

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

from ingest.markup.components import shown_arguments
from ingest.markup.rules.closing_lines import closing_line, line_begins, line_of
from ingest.markup.rules.left_out import leave_out_lines
from ingest.markup.rules.paragraph_ends import ENDS_PARAGRAPH
from ingest.markup.rules.shortcode_tokens import linked_title
from ingest.markup.rules.shortcodes import SHORTCODE, address_of, is_comment, shortcode_of

_COLONS = re.compile(
    r":{3,}[ \t]*(?P<name>[A-Za-z][\w-]*(?:\.\w+)*)?(?:#[\w-]+)?[ \t]*"
    r"(?:\[(?P<label>(?:[^\[\]]|\[[^\[\]]*\])*)\])?(?P<title>[^\n]*)"
)
_GROUP_OF_TABS = re.compile(r"(?:[\w-]*-)?tabs(?:-[\w-]*)?")
_SLASHES = re.compile(r"/{3,}(?:[ \t]+(?P<name>[A-Za-z][\w-]*)(?:[ \t]*\|[ \t]*(?P<title>[^\n]+))?)?[ \t]*\Z")
_BRACES = re.compile(r"[ \t]*\{[^{}]*\}[ \t]*\Z")
_SILENT = re.compile(
    r"""-{1,}8<-{1,}(?:[ \t]+["'].*)?\Z|<<<[ \t]*[@./\w-]\S*.*\Z|\[\[?_?toc_?\]?\]\Z|\{::?[^{}\n]*\}\Z|\{\.\.\.?\}\Z""",
    re.IGNORECASE,
)
_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])[ \t]+\S")
_TOC = re.compile(r"\{:(?:[^{}\n]*\s)?toc(?:\s[^{}\n]*)?\}")
_LONGEST_SHORTCODE = 4_000
_FIRST_CHARACTERS = (":", "{", "/", "-", "<", "[")
_HIGHLIGHT = ("highlight", "prettify")


def use_block_marks(parser: MarkdownIt) -> None:
    """Add the rules for lines that are marks, and for code between two shortcodes."""
    parser.block.ruler.before("fence", "mark", read_mark, ENDS_PARAGRAPH)
    parser.block.ruler.before("mark", "highlight", _highlight, ENDS_PARAGRAPH)
    leave_out_lines(parser, "kramdown_comment", _end_of_comment, begins_with=("{::comment}",), before="highlight")
    leave_out_lines(parser, "kramdown_toc", _end_of_toc, begins_with=tuple("*-+0123456789"), before="list")


def begins_or_ends_block(line: str) -> bool:
    """Return whether a line begins or ends a container with colons, or is nothing but shortcodes."""
    if _COLONS.fullmatch(line):
        return True
    return line.startswith(("{{", "{%")) and _shortcode_labels(line) is not None


def is_group_of_tabs(name: str) -> bool:
    """Return whether a container with this name, such as `code-tabs`, contains tabs."""
    return bool(_GROUP_OF_TABS.fullmatch(name))


def read_mark(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Read a line that is a mark, as a rule of the parser: add its titles."""
    if not line_begins(state, start_line, _FIRST_CHARACTERS) or state.is_code_block(start_line):
        return False
    line = line_of(state, start_line)
    labels = _labels(line)
    last = start_line
    if labels is None and line.startswith(("{{", "{%")):
        line, last = _joined_shortcode(state, start_line, end_line)
        labels = _shortcode_labels(line) if line else None
    if labels is None:
        return False
    if not silent:
        push_titles(state, labels, start_line, last + 1)
        state.line = last + 1
    return True


def push_titles(state: StateBlock, titles: Sequence[str], start_line: int, end_line: int) -> None:
    """Add the titles of a mark, which are Markdown: each is a paragraph of bold text."""
    lines = [start_line, end_line]
    for title in titles:
        state.push("title_open", "p", 1).map = lines
        state.push("title_text_open", "strong", 1).map = lines
        inline = state.push("inline", "", 0)
        inline.content, inline.map, inline.children = title, lines, []
        state.push("title_text_close", "strong", -1)
        state.push("title_close", "p", -1)


def _joined_shortcode(state: StateBlock, start_line: int, end_line: int) -> tuple[str, int]:
    """Return a shortcode that goes on in the next lines, and the last of them; "" if there is none.

    Its end, such as `>}}`, would begin a quotation.
    """
    start = state.bMarks[start_line] + state.tShift[start_line]
    found = SHORTCODE.match(state.src, start, min(state.eMarks[end_line - 1], start + _LONGEST_SHORTCODE))
    if not found or "\n" not in found[0]:
        return "", start_line
    last = start_line + found[0].count("\n")
    return ("" if state.src[found.end() : state.eMarks[last]].strip() else found[0]), last


def _labels(line: str) -> list[str] | None:
    """Return what a reader sees of a line that is a mark; None if it is not one."""
    if colons := _COLONS.fullmatch(line):
        return _titles_of_container(colons)
    if slashes := _SLASHES.fullmatch(line):
        return [slashes["title"].strip()] if slashes["title"] else []
    if _SILENT.fullmatch(line):
        return []
    if line.startswith(("{{", "{%", "{#")):
        return _shortcode_labels(line)
    return None


def _titles_of_container(colons: re.Match[str]) -> list[str]:
    """Return the titles of a container; what stands behind the name of a group of tabs is for programs.

    A name with dots is what mkdocstrings describes there, such as `zhiwen.core.Client`.
    """
    name = colons["name"] or ""
    identifier = name.replace("_", "\\_") if "." in name else ""
    title = "" if is_group_of_tabs(name) else _BRACES.sub("", colons["title"]).strip()
    return [text for text in (identifier, colons["label"], title) if text]


def _shortcode_labels(line: str) -> list[str] | None:
    """Return the labels of a line that consists of shortcodes."""
    labels: list[str] = []
    position = 0
    while position < len(line):
        found = SHORTCODE.match(line, position)
        if not found:
            return None
        name, arguments = shortcode_of(found)
        # Between other words these are words, too: a paragraph shows them.
        if not is_comment(found) and not name:
            return None
        shown = list(shown_arguments(name, arguments))
        if address := address_of(found):
            shown[:1] = [linked_title("".join(shown[:1]), address)]
        labels += shown
        position = found.end()
        while position < len(line) and line[position].isspace():
            position += 1
    return labels


def _highlight(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Take what `{% highlight go %}` or `{{< highlight go >}}` encloses for code."""
    if not line_begins(state, start_line, ("{{", "{%")) or state.is_code_block(start_line):
        return False
    found = SHORTCODE.fullmatch(line_of(state, start_line))
    if not found:
        return False
    name, arguments = shortcode_of(found)
    if name not in _HIGHLIGHT:
        return False
    closing = closing_line(state, start_line, end_line, f"end {name}", partial(_ends, name))
    if closing is None:
        return False
    if not silent:
        token = state.push("fence", "code", 0)
        token.info = next(iter(arguments.split()), "").strip("\"'")
        token.content = state.getLines(start_line + 1, closing, state.blkIndent, True)
        token.map = [start_line, closing + 1]
        state.line = closing + 1
    return True


def _end_of_comment(state: StateBlock, start_line: int, end_line: int) -> int | None:
    if line_of(state, start_line) != "{::comment}":
        return None
    return closing_line(state, start_line, end_line, "kramdown comment", lambda line: line.startswith("{:/"))


def _end_of_toc(state: StateBlock, start_line: int, end_line: int) -> int | None:
    """Return the line below a list of one item that kramdown replaces by the table of contents."""
    is_item = bool(_ITEM.match(line_of(state, start_line))) and start_line + 1 < end_line
    if not is_item or not _TOC.fullmatch(line_of(state, start_line + 1)):
        return None
    has_items_above = start_line > 0 and _ITEM.match(line_of(state, start_line - 1))
    return None if has_items_above else start_line + 1


def _ends(name: str, line: str) -> bool:
    found = SHORTCODE.fullmatch(line) if line.startswith(("{{", "{%")) else None
    return found is not None and shortcode_of(found)[0] in ("end", f"end{name}")
