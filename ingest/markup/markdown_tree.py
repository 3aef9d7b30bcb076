"""Markdown → tree."""

import re
from collections.abc import Sequence, Set

from markdown_it.token import Token

from ingest.markup.builder import TreeBuilder
from ingest.markup.footnotes import with_footnotes_in_place
from ingest.markup.markdown_parser import parse_tokens
from ingest.markup.placeholders import ended_in, is_placeholder
from ingest.markup.rules.jsx import plain_tags
from ingest.markup.tab_labels import with_tab_labels
from ingest.markup.tree import Element, Text
from rag.text.invisible import remove_invisible

_ELEMENTS = {
    "paragraph": "p",
    "bullet_list": "ul",
    "ordered_list": "ol",
    "list_item": "li",
    "footnote_reference": "aside",
    "indented": "div",
    "dl": "dl",
    "dt": "dt",
    "dd": "dd",
}
_CALLOUT = re.compile(r"\[!(?P<kind>[A-Za-z][\w-]*)(?:\|[^\]\n]*)?\](?P<fold>[+-]?)[ \t]*(?P<title>[^\n]*)(?:\n|\Z)")
_GITHUB_ALERTS = frozenset(("note", "tip", "important", "warning", "caution"))
_COMMENT_LABEL = re.compile(r"(?://|\*|comment|\s|#|_)*", re.IGNORECASE)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:|[#/.]|[^\s]*\.[A-Za-z0-9]{1,5}(?:[#?/]|\Z)", re.IGNORECASE)
_COMPONENT = r"[A-Z][\w.]*|[a-z][a-z0-9]*-[\w-]*"
_BLOCK_TAG = re.compile(rf"^\s*(?:<(?:{_COMPONENT})>)?</({_COMPONENT})\s*>\s*$", re.MULTILINE)
_FENCE_TITLE = re.compile(r"""\btitle\s*=\s*(?:"([^"]*)"|'([^']*)')|\[([^\[\]]+)\]\s*\Z""")


def markdown_tree(text: str, first_line: int = 1, *, is_mdx: bool = False) -> Element:
    """Return the tree of a Markdown text that begins on `first_line` of its file.

    Footnotes stand where they are referred to. In MDX every element that HTML does not have is a component.

    Raises RecursionError as `parse_tokens` does.
    """
    text = with_tab_labels(text)
    tokens = parse_tokens(text, is_mdx=is_mdx)
    components = None if is_mdx else frozenset(_BLOCK_TAG.findall(text))
    writer = _TreeWriter(text, first_line, components, tokens)
    writer.write(list(with_footnotes_in_place(tokens)))
    return writer.root


class _TreeWriter:
    def __init__(self, text: str, first_line: int, components: Set[str] | None, tokens: Sequence[Token]) -> None:
        self._components = components
        self._builder = TreeBuilder(components, source=text, is_jsx=components is None)
        self._lines = text.split("\n")
        self._first_line = first_line
        self._ended = ended_in([text])
        self._used_labels = _labels_of_links(tokens)
        self._note = ""  # the label of the footnote that begins
        self._quotes = 0  # how many quotes are open
        self.root = self._builder.root

    def write(self, tokens: Sequence[Token]) -> None:
        for position, token in enumerate(tokens):
            if token.nesting == 1:
                self._open(token, tokens[position + 1 : position + 3])
            elif token.nesting == -1:
                self._quotes -= token.type == "blockquote_close"
                if not token.hidden:
                    self._builder.close()
            elif token.type == "inline":
                self._inline(token.children or [], self._start(token))
            else:
                self._single(token)

    def _start(self, token: Token) -> int:
        return (token.map[0] if token.map else 0) + self._first_line

    def _end(self, token: Token) -> int:
        return (token.map[1] - 1 if token.map else 0) + self._first_line

    def _open(self, token: Token, following: Sequence[Token]) -> None:
        if token.hidden:  # the paragraph of an item in a tight list
            return
        kind = token.type.removesuffix("_open")
        element = self._builder.open(_ELEMENTS.get(kind, token.tag or "div"), self._start(token), self._end(token))
        if kind == "ordered_list" and token.attrGet("start") is not None:
            element.attributes["start"] = str(token.attrGet("start"))
        if kind == "footnote_reference":
            element.attributes["class"] = "footnote"
            self._note = f"[^{token.meta['label']}]: "
        if kind == "heading" and (children := following[0].children):
            identity = next((child.meta["id"] for child in children if child.type == "attributes"), "")
            if identity:
                element.attributes["id"] = identity
        if kind == "blockquote":
            self._quotes += 1
            self._callout(following)

    def _callout(self, following: Sequence[Token]) -> None:
        """Show the title of an alert or a callout instead of its mark."""
        paragraph = following[1] if len(following) > 1 and following[1].type == "inline" else None
        found = _CALLOUT.match(paragraph.content) if paragraph else None
        if not paragraph or not found:
            return
        children = paragraph.children or []
        title_end = next((at for at, child in enumerate(children) if child.type.endswith("break")), len(children))
        if found["title"].strip():
            self._title(children[:title_end], found[0][: found.start("title")], self._start(paragraph))
        paragraph.children = children[title_end + 1 :]

    def _title(self, children: Sequence[Token], mark: str, line: int) -> None:
        """Show what stands behind the mark of a callout, as a paragraph of bold text."""
        children[0].content = children[0].content.removeprefix(mark.rstrip()).lstrip()
        self._builder.open("p", line)
        self._builder.open("strong", line)
        self._inline(children, line)
        self._builder.close()
        self._builder.close()

    def _single(self, token: Token) -> None:
        line = self._start(token)
        if token.type in ("fence", "code_block"):
            self._code(token)
        elif token.type == "html_block":
            html = token.content if self._components is not None else plain_tags(token.content)
            self._builder.html(html, line, is_block=True)
        elif token.type in ("math_block", "math_block_label"):
            math = self._builder.add("pre", line, self._end(token), {"class": "math"})
            math.children = [Text(self._source(token), line)]
        elif token.type == "definition":
            self._definition(token)
        elif token.type == "hr":
            self._builder.add("hr", line)

    def _code(self, token: Token) -> None:
        info = token.info.strip()
        is_fence = token.type == "fence"
        if title := _FENCE_TITLE.search(info):
            self._builder.label(next(filter(None, title.groups())), self._start(token))
        code = self._builder.add("pre", self._start(token), self._end(token))
        code.attributes["language"] = re.split(r"[\s{\[,:]", info, maxsplit=1)[0] if info else ""
        code.children = [Text(remove_invisible(token.content.removesuffix("\n")), self._start(token) + is_fence)]

    def _definition(self, token: Token) -> None:
        """Show a definition of a link that no link uses: it is a sentence in brackets, or an address to keep."""
        is_used = str(token.meta["id"]) in self._used_labels
        is_comment = bool(_COMMENT_LABEL.fullmatch(token.meta["label"]))
        if is_comment or (is_used and _ADDRESS.match(token.meta["url"])):
            return
        self._builder.open("p", self._start(token), self._end(token))
        self._builder.text(self._source(token), self._start(token))
        self._builder.close()

    def _source(self, token: Token) -> str:
        start, end = token.map or [0, 0]
        marks = re.compile(rf"(?:\s*>){{0,{self._quotes}}}")
        return remove_invisible("\n".join(marks.sub("", line, count=1).strip() for line in self._lines[start:end]))

    def _inline(self, children: Sequence[Token], line: int) -> None:
        first = line
        self._builder.text(self._note, line)
        self._note = ""
        ended = ended_in(child.content for child in children if child.type == "html_inline")
        for token in children:
            if token.type in ("softbreak", "hardbreak"):
                if token.type == "hardbreak":
                    self._builder.add("br", line)
                self._builder.text("\n", line)
                line = first + token.meta.get("line", line - first + 1)
            elif token.type == "html_inline" and not self._is_placeholder(token.content, ended):
                self._builder.html(token.content, line, is_block=False)
            elif token.type == "image":
                self._image(token, line)
            elif token.type == "footnote_ref":
                self._builder.text(f"[^{token.meta['label']}]", line)
            elif token.type in ("math_inline", "math_inline_double"):
                self._builder.text(f"{token.markup}{token.content}{token.markup}", line)
            elif token.nesting == 1:
                attributes = {name: str(value) for name, value in token.attrs.items()}
                self._builder.open(token.tag, line, attributes=attributes)
            elif token.nesting == -1:
                self._builder.close()
            elif token.type == "code_inline":
                self._builder.open("code", line)
                self._builder.text(token.content, line)
                self._builder.close()
            elif not token.hidden:
                self._builder.text(token.content, line)

    def _is_placeholder(self, tag: str, ended: Set[str]) -> bool:
        is_markdown = self._components is not None and tag[1:-1] not in self._components
        return is_markdown and is_placeholder(tag, ended, self._ended)

    def _image(self, token: Token, line: int) -> None:
        alt = "".join(child.content for child in token.children or ()) or str(token.meta.get("alt") or "")
        attributes = {"src": str(token.attrGet("src") or ""), "alt": remove_invisible(alt)}
        if title := token.attrGet("title"):
            attributes["title"] = remove_invisible(str(title))
        self._builder.add("img", line, attributes=attributes)


def _labels_of_links(tokens: Sequence[Token]) -> frozenset[str]:
    """Return the labels of all definitions that links and images use."""
    labels: set[str] = set()
    waiting = [token for token in tokens if token.children]
    while waiting:
        for child in waiting.pop().children or ():
            if label := child.meta.get("label"):
                labels.add(str(label))
            if child.children:
                waiting.append(child)
    return frozenset(labels)
