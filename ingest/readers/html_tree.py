"""HTML as a tree."""

from itertools import chain
from typing import Any

from bs4 import BeautifulSoup, Tag
from bs4.builder import HTMLTreeBuilder

BLOCKS = frozenset(HTMLTreeBuilder.DEFAULT_BLOCK_ELEMENTS)

_CELLS = frozenset(("td", "th"))
_PARTS = frozenset(("thead", "tbody", "tfoot"))
_TERMS = frozenset(("dt", "dd"))
# What a start tag ends, and how far out it is looked for: `<li>` ends the `<li>` before it, but not the one that its
# own list stands in.
_ENDS = {
    "li": (frozenset(("li",)), frozenset(("ul", "ol"))),
    "tr": (frozenset(("tr",)), frozenset(("table",))),
    **dict.fromkeys(_TERMS, (_TERMS, frozenset(("dl",)))),
    **dict.fromkeys(_CELLS, (_CELLS, frozenset(("tr", "table")))),
    **dict.fromkeys(_PARTS, (_PARTS, frozenset(("table",)))),
}
_BLOCK_ENDS = (frozenset(("p",)), BLOCKS - {"p"} | _CELLS)


def parse_html(text: str) -> BeautifulSoup:
    """The tree of an HTML text, in which elements know their lines."""
    # With a line end, lest it warn of a text that looks like an address.
    return _Soup(f"{text}\n", "html.parser")


class _Soup(BeautifulSoup):
    """Supplies the end tags that HTML lets authors leave out, which the standard library's parser does not know of."""

    def handle_starttag(self, name: str, *arguments: Any, **options: Any) -> Tag | None:
        current = self.currentTag
        if current and (name in _ENDS or name in BLOCKS):
            ended, within = _ENDS.get(name, _BLOCK_ENDS)
            for element in chain((current,), current.parents):
                if element.name in ended:
                    self.handle_endtag(element.name)
                if element.name in ended | within:
                    break
        return super().handle_starttag(name, *arguments, **options)
