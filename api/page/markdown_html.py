"""Safe HTML from the Markdown of a model: the renderer of answers."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from api.page.safe_html import Sanitiser

_LONG_CELL_CHARACTERS = 20
_OPTIONS = MarkdownIt("commonmark").options


class SafeRenderer:
    """Renders the tokens of one text block by block, so that a tag left open in one cannot swallow the next."""

    def __init__(self) -> None:
        self._renderer = _Renderer()
        self._sanitiser = Sanitiser()

    def set(self, token: Token, **attributes: str) -> None:
        """Set attributes that the sanitiser keeps; `data_cite` becomes `data-cite`, `class_` becomes `class`."""
        for name, value in attributes.items():
            token.attrSet(name.rstrip("_").replace("_", "-"), self._sanitiser.stamped(value))

    def blocks(self, tokens: Sequence[Token]) -> Iterator[str]:
        """Yield the safe HTML of each top-level block, in order."""
        for block in top_level(tokens):
            for token in block:
                self._adapt(token)
            for cell, text in pairwise(block):
                # The class keeps the column from becoming a few characters wide.
                if cell.type == "td_open" and len(text.content) > _LONG_CELL_CHARACTERS:
                    self.set(cell, class_="long")
            yield self._sanitiser.clean(self._renderer.render(block, _OPTIONS, {}))

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
        return f"<span{self.renderAttrs(placeholder)}>{escape(alt)}</span>" if alt else ""

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        code = escape(token.content.removesuffix("\n"))
        return f"<pre{self.renderAttrs(token)}><code>{code}\n</code></pre>\n"

    code_block = fence

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f"<div{self.renderAttrs(tokens[idx].meta['scroll'])}><table{self.renderAttrs(tokens[idx])}>\n"

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</table></div>\n"
