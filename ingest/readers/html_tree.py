"""HTML → a tree whose elements know their lines."""

from itertools import chain
from typing import Any

from bs4 import BeautifulSoup, Tag
from bs4.builder import HTMLTreeBuilder

BLOCKS = frozenset(HTMLTreeBuilder.DEFAULT_BLOCK_ELEMENTS)

_CELLS = frozenset(("td", "th"))
_PARTS = frozenset(("thead", "tbody", "tfoot"))
_TERMS = frozenset(("dt", "dd"))
# Which elements a start tag ends, and where the search for them stops: `<li>` ends the `<li>` before it, but not the
# one that contains its own list.
_ENDS = {
    "li": (frozenset(("li",)), frozenset(("ul", "ol"))),
    "tr": (frozenset(("tr",)), frozenset(("table",))),
    **dict.fromkeys(_TERMS, (_TERMS, frozenset(("dl",)))),
    **dict.fromkeys(_CELLS, (_CELLS, frozenset(("tr", "table")))),
    **dict.fromkeys(_PARTS, (_PARTS, frozenset(("table",)))),
}
_BLOCK_ENDS = (frozenset(("p",)), BLOCKS - {"p"} | _CELLS)


def parse_html(text: str) -> BeautifulSoup:
    """Return the tree of an HTML text, with `sourceline` set on each element."""
    # The line end avoids the warning of BeautifulSoup about a text that looks like an address.
    return _Soup(f"{text}\n", "html.parser")


class _Soup(BeautifulSoup):
    """Adds the end tags that HTML lets authors omit, which the standard library's parser does not do."""

    def handle_starttag(self, name: str, *arguments: Any, **options: Any) -> Tag | None:
        """End the elements that this start tag ends by the rules of HTML, then begin its own."""
        current = self.currentTag
        if current and (name in _ENDS or name in BLOCKS):
            ended, within = _ENDS.get(name, _BLOCK_ENDS)
            for element in chain((current,), current.parents):
                if element.name in ended:
                    self.handle_endtag(element.name)
                if element.name in ended | within:
                    break
        return super().handle_starttag(name, *arguments, **options)
