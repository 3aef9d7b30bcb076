"""The elements of a document's tree as HTML, with the words of its chunks and places that can be marked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from itertools import groupby

from api.page.code_html import CodeWriter
from api.page.document_links import DocumentLinks
from api.page.line_parts import LinePart, line_parts
from api.page.marks import MarkablePlaces
from api.page.safe_html import Sanitiser, is_safe_scheme
from api.page.table_layout import is_long, read_layout, spans
from ingest.chunking.blocks import read_blocks
from ingest.chunking.inline_text import inline_lines, inline_text
from ingest.markup.elements import HEADINGS, HIDDEN
from ingest.markup.tree import Element, Node, runs
from rag.text.urls import is_external_url, is_shared_path

_LISTS = {"ul": "ul", "ol": "ol", "menu": "ul", "dir": "ul"}
_BLOCKS = {
    **{name: name for name in ("blockquote", "li", "dt", "dd", "caption", *HEADINGS)},
    **dict.fromkeys(("p", "summary", "legend", "figcaption"), "p"),
}
_PICTURE = "\N{FRAME WITH PICTURE}"
_IMAGE = {"class": "image"}
_CLASSES = {"aside": "footnote", "summary": "label"}
_INLINE = {
    **{name: name for name in "abbr code em strong b i u q del ins s sub sup kbd samp var mark cite dfn".split()},
    **{name: name for name in "bdi bdo small ruby rt rp".split()},
    "tt": "code",
    "strike": "s",
    "acronym": "abbr",
}


class ElementWriter:
    """Writes the elements of one document. `anchors` are the ids of headings by the `id()` of their elements."""

    def __init__(
        self, sanitiser: Sanitiser, links: DocumentLinks, places: MarkablePlaces, anchors: Mapping[int, str]
    ) -> None:
        self._sanitiser = sanitiser
        self._links = links
        self._places = places
        self._anchors = anchors
        self._code = CodeWriter(places, self._tag)
        self._is_in_link = False
        self._writers: dict[str, Callable[[Element], str]] = {
            **dict.fromkeys(_LISTS, self._list),
            **dict.fromkeys(("body", "html", "main"), self._transparent),
            "dl": self._definition_list,
            "table": self._table,
            "pre": self._preformatted,
            "hr": self._ruler,
            "a": self._link,
        }

    def write(self, nodes: Sequence[Node]) -> Iterator[str]:
        """Yield the HTML of each block among the nodes, and of the inline nodes between two of them."""
        for run in runs(nodes):
            yield self._block(run) if isinstance(run, Element) else self._run(run)

    def _block(self, element: Element) -> str:
        return self._writers.get(element.name, self._container)(element)

    def _transparent(self, element: Element) -> str:
        return "".join(self.write(element.children))

    def _preformatted(self, element: Element) -> str:
        return "".join(map(self._code.write, read_blocks(element)))

    def _ruler(self, element: Element) -> str:
        return "<hr>\n"

    def _container(self, element: Element) -> str:
        name = _block_name(element)
        attributes = {"id": self._anchors[id(element)]} if id(element) in self._anchors else {}
        if element.name in ("aside", "summary"):
            attributes["class"] = _CLASSES[element.name]
        with self._places.within(heading=element.name in HEADINGS):
            children = list(runs(element.children))
            only = children[0] if len(children) == 1 and name in ("p", "div") else None
            if only and not isinstance(only, Element):
                parts = line_parts(only)
                place = self._places.add([part.lines for part in parts])
                attributes = self._places.attributes(place) | attributes
                text = self._parts(only, parts, place)
            else:
                text = "".join(self.write(element.children))
        return f"{self._tag(name, attributes)}{text}</{name}>\n"

    def _list(self, element: Element) -> str:
        name = _LISTS[element.name]
        start = element.attributes.get("start", "")
        is_number = name == "ol" and start.isascii() and start.isdecimal() and len(start) < 10
        items = []
        for run in runs(element.children):
            html = self._block(run) if isinstance(run, Element) else self._run(run)
            items.append(html if isinstance(run, Element) and run.name == "li" else f"<li>{html}</li>\n")
        return f"<{name}{f' start={start}' if is_number else ''}>\n{''.join(items)}</{name}>\n"

    def _definition_list(self, element: Element) -> str:
        return f"<dl>{''.join(self._definitions(element))}</dl>\n"

    def _definitions(self, element: Element) -> Iterator[str]:
        for run in runs(element.children):
            if isinstance(run, Element) and run.name in ("dt", "dd"):
                yield self._container(run)
            elif isinstance(run, Element) and any(run.elements("dt", "dd")):  # a `<div>` around a term
                yield from self._definitions(run)
            else:
                yield f"<dd>{self._block(run) if isinstance(run, Element) else self._run(run)}</dd>\n"

    def _table(self, element: Element) -> str:
        layout = read_layout(element)
        before = "".join(self.write(layout.before))
        caption = self._container(layout.caption) if layout.caption else ""
        parts = []
        for name, rows in groupby(layout.rows, key=lambda row: row[0]):
            parts.append(f"<{name}>{''.join(self._row(row, cells) for _, row, cells in rows)}</{name}>\n")
        # Wide tables scroll sideways, which the keyboard must be able to do too.
        scroll = self._tag("div", {"class": "scroll", "tabindex": "0"})
        return f"{before}{scroll}<table>{caption}{''.join(parts)}</table></div>\n"

    def _row(self, row: Element, cells: Sequence[Element]) -> str:
        is_whole = not any(row.elements("pre", "table"))
        place = self._places.add([range(row.line, row.end_line + 1)]) if is_whole else None
        start = self._tag("tr", self._places.attributes(place))
        with self._places.within(marked_as_a_whole=is_whole):
            return f"{start}{''.join(map(self._cell, cells))}</tr>\n"

    def _cell(self, cell: Element) -> str:
        # The class keeps the column from becoming a few characters wide.
        width = {"class": "long"} if cell.name == "td" and is_long(cell) else {}
        start = self._tag(cell.name, width, dict(spans(cell)))
        return f"{start}{''.join(self.write(cell.children))}</{cell.name}>\n"

    def _run(self, nodes: Sequence[Node]) -> str:
        parts = line_parts(nodes)
        return self._parts(nodes, parts, self._places.add([part.lines for part in parts]))

    def _parts(self, nodes: Sequence[Node], parts: Sequence[LinePart], place: int | None) -> str:
        starts = _line_starts(nodes)
        edge = self._tag("wbr", self._places.attributes(place)) if place is not None else ""
        texts = []
        for part in parts:
            text = "".join(self._inline(part.nodes, starts))
            texts.append(f"{edge}{text}{edge}" if part.lines else text)
        return "".join(texts)

    def _inline(self, nodes: Sequence[Node], starts: frozenset[int]) -> Iterator[str]:
        """Yield the HTML of inline nodes; the lines that begin on `starts` are lines for a reader, too."""
        is_after_break = False
        for node in nodes:
            if isinstance(node, Element):
                yield self._inline_element(node, starts)
                is_after_break = node.name == "br"
                continue
            for number, line in enumerate(node.text.split("\n"), node.line):
                if number > node.line:
                    yield "<br>\n" if number in starts and not is_after_break else "\n"
                yield escape(line)
                is_after_break = is_after_break and not line.strip()

    def _inline_element(self, element: Element, starts: frozenset[int]) -> str:
        if element.name in HIDDEN:
            return ""
        if element.name in ("br", "wbr"):
            return f"<{element.name}>"
        if element.name == "img":
            return self._picture(element)
        if element.name == "math":
            return escape(inline_text([element]))
        if element.name == "a":
            return self._link(element, starts)
        text = "".join(self._inline(element.children, starts))
        name = _INLINE.get(element.name)
        return f"<{name}>{text}</{name}>" if name else text

    def _link(self, element: Element, starts: frozenset[int] = frozenset()) -> str:
        is_nested, self._is_in_link = self._is_in_link, True
        is_block = element.is_block
        text = "".join(self.write(element.children) if is_block else self._inline(element.children, starts))
        self._is_in_link = is_nested
        address = self._links.address(element)
        written = element.attributes.get("href", "").strip()
        if not text.strip() and is_external_url(written):
            text = escape(written)
        if is_nested or not text.strip():
            return text
        if address:
            return f'<a href="{escape(address)}">{text}</a>'
        return f"{text} ({escape(written)})" if is_external_url(written) or is_shared_path(written) else text

    def _picture(self, image: Element) -> str:
        text = inline_text([image])
        if address := self._links.picture(image):
            return self._tag("img", {}, {"src": address, "alt": text, "loading": "lazy"})
        source = image.attributes.get("src", "").strip()
        if is_external_url(source) and is_safe_scheme(source) and not self._is_in_link:
            # Pictures of other sites are not loaded: the site would learn who reads what.
            return f"{self._tag('a', _IMAGE, {'href': source})}{escape(text) or _PICTURE}</a>"
        return f"{self._tag('span', _IMAGE)}{escape(text)}</span>" if text else ""

    def _tag(self, name: str, ours: Mapping[str, str], others: Mapping[str, str] | None = None) -> str:
        """Return a start tag; the sanitiser keeps the attributes that are ours."""
        attributes = {key: self._sanitiser.stamped(value) for key, value in ours.items()} | dict(others or {})
        return " ".join((f"<{name}", *(f'{key}="{escape(value)}"' for key, value in attributes.items()))) + ">"


def _line_starts(nodes: Sequence[Node]) -> frozenset[int]:
    """Return the lines of the file that a reader takes for new lines of a paragraph."""
    return frozenset(line.start_line for line in inline_lines(nodes)[1:])


def _block_name(element: Element) -> str:
    """Return the element that shows a block. No paragraph may contain a block."""
    name = _BLOCKS.get(element.name, "div")
    has_block = name == "p" and any(isinstance(child, Element) and child.is_block for child in element.children)
    return "div" if has_block else name
