"""Safe HTML from Markdown: the renderer and sanitiser of documents and answers.

The output never contains a script, style, image, form or frame, and no `id`, `class` or similar attribute except those
set here, whatever a document or a model wrote.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_TEXT = "p br hr h1 h2 h3 h4 h5 h6 ul ol li dl dt dd blockquote pre code em strong b i del s sub sup kbd samp var mark"
_TABLES = "table caption thead tbody tfoot tr th td"
_TAGS = frozenset(f"{_TEXT} {_TABLES} a abbr div span small button".split())
_REMOVED_WITH_CONTENT = frozenset(
    "script style svg math iframe object template noscript title textarea xmp noembed noframes plaintext".split()
)
_SCHEMES = frozenset(("http", "https", "mailto"))
# Attributes that only this module sets: those of a document are removed.
_OWN_ATTRIBUTES = frozenset("id class tabindex type data-cite".split())
_CELL_ATTRIBUTES = {"colspan", "rowspan"}
_ATTRIBUTES = {
    "*": set(_OWN_ATTRIBUTES),
    "a": {"href"},
    "ol": {"start"},
    "td": _CELL_ATTRIBUTES,
    "th": _CELL_ATTRIBUTES,
}
_LONG_CELL_CHARACTERS = 20
_OPTIONS = MarkdownIt("commonmark").options

RelativeLink = Callable[[str], str | None]
"""Maps a relative link to its address, or to None to remove the link."""


class SafeRenderer:
    """Renders the tokens of one text block by block, so that a tag left open in one cannot swallow the next."""

    def __init__(self, link: RelativeLink = lambda address: None) -> None:
        self._stamp = f"{secrets.token_hex(8)}:"
        self._renderer = _Renderer()
        self._cleaner = nh3.Cleaner(
            tags=set(_TAGS),
            clean_content_tags=set(_REMOVED_WITH_CONTENT),
            attributes=_ATTRIBUTES,
            attribute_filter=self._filter_attribute,
            url_schemes=set(_SCHEMES),
            url_relative=link,
            link_rel="noopener noreferrer nofollow",
        )

    def set(self, token: Token, **attributes: str) -> None:
        """Set attributes that the sanitiser keeps; `data_cite` becomes `data-cite`, `class_` becomes `class`."""
        for name, value in attributes.items():
            token.attrSet(name.rstrip("_").replace("_", "-"), self._stamp + value)

    def blocks(self, tokens: Sequence[Token]) -> Iterator[str]:
        """Yield the safe HTML of each top-level block, in order."""
        for block in top_level(tokens):
            for token in block:
                self._adapt(token)
            for cell, text in pairwise(block):
                # The class keeps the column from becoming a few characters wide.
                if cell.type == "td_open" and len(text.content) > _LONG_CELL_CHARACTERS:
                    self.set(cell, class_="long")
            yield self._cleaner.clean(self._renderer.render(block, _OPTIONS, {}))

    def _adapt(self, token: Token) -> None:
        # Wide tables and code scroll sideways, which the keyboard must be able to do too.
        if token.type == "table_open":
            token.meta["scroll"] = span("scroll", nesting=1)
            self.set(token.meta["scroll"], class_="scroll", tabindex="0")
        if token.type in ("fence", "code_block"):
            self.set(token, tabindex="0")
        for child in token.children or ():
            if child.type == "image":
                self.set(child, class_="image")

    def _filter_attribute(self, tag: str, attribute: str, value: str) -> str | None:
        if attribute not in _OWN_ATTRIBUTES:
            return value
        return value.removeprefix(self._stamp) if value.startswith(self._stamp) else None


def top_level(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Yield the tokens of each top-level block."""
    start = 0
    for position, token in enumerate(tokens, 1):
        if token.level == 0 and token.nesting <= 0:
            yield tokens[start:position]
            start = position


def span(kind: str, *, nesting: int) -> Token:
    """Return a token that opens (1) or closes (-1) a span."""
    return Token(f"{kind}_{'open' if nesting == 1 else 'close'}", "span", nesting)  # type: ignore[arg-type]


class _Renderer(RendererHTML):
    """markdown-it's renderer, with text instead of images and with the attributes of code on its outermost element."""

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        alt = self.renderInlineAsText(tokens[idx].children, options, env) if tokens[idx].children else ""
        placeholder = Token("image", "span", 1, attrs={"class": tokens[idx].attrs.get("class", "")})
        return f"<span{self.renderAttrs(placeholder)}>{_escape(alt)}</span>" if alt else ""

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        lines = token.content.removesuffix("\n").split("\n")
        marked: range = token.meta.get("marked", range(0))
        mark = f"<span{self.renderAttrs(token.meta['mark'])}>" if marked else ""
        html = [
            f"{mark}{_escape(line)}</span>" if number in marked else _escape(line) for number, line in enumerate(lines)
        ]
        return f"<pre{self.renderAttrs(token)}><code>{chr(10).join(html)}\n</code></pre>\n"

    code_block = fence

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f"<div{self.renderAttrs(tokens[idx].meta['scroll'])}><table{self.renderAttrs(tokens[idx])}>\n"

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</table></div>\n"

    def html_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f"<div{self.renderAttrs(tokens[idx])}>{tokens[idx].content}</div>\n"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
