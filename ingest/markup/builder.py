"""Builds the tree of a document from Markdown's tokens and from HTML, which may alternate within one element."""

import re
from collections import Counter
from collections.abc import Iterable, Set

from ingest.markup.component_links import link_content
from ingest.markup.components import BUILT_IN, has_title_above, outer_address, shown_attributes, visible_strings
from ingest.markup.elements import HEADINGS, HIDDEN, KNOWN, RAW, VOID, WITHOUT_COMPONENT, ended_by, is_hidden
from ingest.markup.html_events import HTMLEvents, Tag
from ingest.markup.tree import Element, Text
from rag.text.invisible import remove_invisible

_MAX_DEPTH = 100
_SPACE = re.compile(r"[^\S\n]+")
_END_TAG = re.compile(r"</([A-Za-z][\w.:-]*)")


class TreeBuilder:
    """Grows a tree. Elements that the Markdown opened are closed by it alone; HTML tags within them cannot end them.

    `components` are the names of elements that are not HTML's and yet are marks, such as `Tabs`: a tag of any other
    unknown element is text. None means that every unknown element is a mark, as in a file of HTML or, with `is_jsx`, in
    JSX, where any element can end itself. `source` is the text that all HTML comes from: an element that hides its
    content, but that nothing in it ends, hides nothing. Elements that are nested more than 100 levels deep become part
    of the one above.
    """

    def __init__(self, components: Set[str] | None = None, *, source: str = "", is_jsx: bool = False) -> None:
        self.root = Element("body", 1)
        self._components = components
        self._is_markdown = is_jsx or components is not None
        self._ended = frozenset(name.lower() for name in _END_TAG.findall(source))
        self._stack: list[tuple[str, Element, bool]] = [("", self.root, True)]
        self._open: Counter[str] = Counter()
        self._addresses: dict[int, str] = {}  # those that components lead to, by their elements
        self._html = HTMLEvents(self)
        self._is_block = self._has_paragraph = False

    def open(self, name: str, line: int, end_line: int = 0, attributes: dict[str, str] | None = None) -> Element:
        """Begin an element that `close` ends."""
        element = Element(name, line, end_line, attributes or {})
        self._append(element)
        self._push(name, element, is_ours=True)
        return element

    def close(self) -> None:
        """End the element that was opened last with `open`, and what HTML has left open in it."""
        while not self._pop():
            pass

    def add(self, name: str, line: int, end_line: int = 0, attributes: dict[str, str] | None = None) -> Element:
        """Add an element without going on in it."""
        element = Element(name, line, end_line, attributes or {})
        self._append(element)
        return element

    def text(self, text: str, line: int) -> None:
        """Add text as it stands, without invisible characters."""
        if text := remove_invisible(text):
            self._append(Text(text, line))

    def heading(self, text: str, line: int, *, level: int) -> None:
        """Add a heading, whose level is 1 to 6."""
        self.open(f"h{level}", line)
        self.text(text, line)
        self.close()

    def paragraph(self, text: str, line: int) -> None:
        """Add a paragraph."""
        self.open("p", line)
        self.text(text, line)
        self.close()

    def label(self, text: str, line: int, address: str = "") -> None:
        """Add a paragraph of bold text, what people use as a small heading, as a link if it has an address."""
        self.open("p", line)
        self.open("strong", line)
        self._linked_text(text, line, address)
        self.close()
        self.close()

    def html(self, source: str, line: int, *, is_block: bool) -> None:
        """Add a piece of HTML, which may leave elements open or end them. `is_block`: it has lines of its own."""
        self._is_block, depth = is_block, len(self._stack)
        self._html.read(source, line)
        if self._has_paragraph and len(self._stack) > depth:
            self.close()
        self._has_paragraph = False

    def start_tag(self, tag: Tag, attributes: dict[str, str]) -> None:
        """Add the element of a start tag of HTML, or its text if there is no such element."""
        is_html = self._is_html(tag, attributes)
        if not is_html and not self._is_component(tag, attributes):
            self._begin_paragraph(tag.line)
            self.text(tag.source, tag.line)
            return
        self._end_implied(tag.name)
        self._separate(tag)
        name = self._name(tag, attributes, is_html=is_html)
        element = Element(name, tag.line, attributes=attributes)
        self._append(element)
        is_open = name not in VOID and not (tag.is_self_closing and self._is_markdown)
        if name in HIDDEN - RAW and tag.name not in self._ended:
            is_open = False
        if is_open or not is_html or "children" in attributes:
            self._push(tag.name, element, is_ours=False)
            if not is_html:
                self._begin_component(tag, attributes)
            if not is_open:
                self._end_component(tag)
                self._pop()

    def end_tag(self, tag: Tag) -> None:
        """End the innermost element of this name that HTML has opened within the Markdown around it."""
        if tag.name == "br":
            self._append(Element("br", tag.line))
        elif self._open[tag.name] and self._reaches(frozenset((tag.name,)), frozenset()):
            while self._stack[-1][0] != tag.name:
                self._pop()
            self._stack[-1][1].end_line = max(self._stack[-1][1].end_line, tag.line)
            self._end_component(tag)
            self._pop()
        elif (
            tag.name not in KNOWN | BUILT_IN
            and self._components is not None
            and tag.written_name not in self._components
        ):
            self.text(tag.source, tag.line)

    def html_text(self, text: str, line: int) -> None:
        """Add text of HTML, in which white space has no meaning outside of `<pre>`."""
        self.text(text if self._open["pre"] or self._open["textarea"] else _SPACE.sub(" ", text), line)

    def _linked_text(self, text: str, line: int, address: str) -> None:
        if address:
            self.open("a", line, attributes={"href": address})
        self.text(text, line)
        if address:
            self.close()

    def _is_html(self, tag: Tag, attributes: dict[str, str]) -> bool:
        """Return whether an element is HTML's; one with a capital letter, such as `<Button>`, can be a component."""
        if not self._is_markdown or not tag.is_capitalised or tag.name in WITHOUT_COMPONENT:
            return tag.name in KNOWN
        return tag.name in KNOWN and not self._is_component(tag, attributes)

    def _is_component(self, tag: Tag, attributes: dict[str, str]) -> bool:
        if self._components is None or tag.written_name in self._components or tag.name in BUILT_IN:
            return True
        is_named_like_one = tag.written_name[0].isupper() or "-" in tag.name
        return is_named_like_one and (tag.is_self_closing or any(attributes.values()))

    def _separate(self, tag: Tag) -> None:
        """Put a space between two spans of Markdown: by a class, a page shows one or the other of them."""
        siblings = self._stack[-1][1].children
        before = siblings[-1] if siblings else None
        if tag.name == "span" and self._is_markdown and isinstance(before, Element) and before.name == "span":
            self.text(" ", tag.line)

    def _name(self, tag: Tag, attributes: dict[str, str], *, is_html: bool) -> str:
        """Return the name of the element that a tag stands for; `<Heading as="h2">` is a heading."""
        if is_hidden(attributes):
            return "template"
        if is_html or tag.name in KNOWN - HIDDEN:
            return tag.name
        heading = attributes.get("as", "") if self._is_block else ""
        return heading if heading in HEADINGS else "div" if self._is_block else "span"

    def _begin_component(self, tag: Tag, attributes: dict[str, str]) -> None:
        """Show the titles of a component; the first one, or else its content, is a link to its address."""
        titles, address = shown_attributes(tag.name, attributes), outer_address(attributes)
        self._show(titles, tag, address)
        if address and not titles:
            self._addresses[id(self._stack[-1][1])] = address

    def _show(self, texts: Iterable[str], tag: Tag, address: str = "") -> None:
        """Add what a reader sees of a component's attributes, such as the label of a tab."""
        for text in texts:
            if self._is_block and self._stack[-1][1].name not in HEADINGS:
                self.label(text, tag.line, address)
            else:
                self._show_in_line(text, tag, address)
            address = ""

    def _show_in_line(self, text: str, tag: Tag, address: str) -> None:
        around = [Element("br", tag.line)] if has_title_above(tag.name) else []
        self._stack[-1][1].children += around
        self.text(" ", tag.line)
        self._linked_text(text, tag.line, address)
        self.text(" ", tag.line)
        self._stack[-1][1].children += around

    def _end_component(self, tag: Tag) -> None:
        """Show the attributes of a component that has no content. In a page of HTML they are for programs."""
        element = self._stack[-1][1]
        address = self._addresses.pop(id(element), "")
        is_empty = not any(isinstance(child, Element) or child.text.strip() for child in element.children)
        is_component = self._is_markdown and not self._is_html(tag, element.attributes) and "icon" not in tag.name
        if is_empty and (is_component or "children" in element.attributes):
            shown = visible_strings(element.attributes) or address or element.attributes.get("link", "")
            self._show(filter(None, [shown]), tag, address)
        elif address:
            link_content(element, address)

    def _end_implied(self, name: str) -> None:
        if (ends := ended_by(name)) and any(self._open[each] for each in ends[0]):
            while self._reaches(*ends):
                while self._stack[-1][0] not in ends[0]:
                    self._pop()
                self._pop()

    def _begin_paragraph(self, line: int) -> None:
        """Let text that looks like a block of HTML be a paragraph to the end of this piece."""
        if self._is_block and not self._has_paragraph:
            self.open("p", line)
            self._has_paragraph = True

    def _reaches(self, wanted: Set[str], stop: Set[str]) -> bool:
        """Return whether one of the wanted elements is open, before any to stop at and any that is Markdown's."""
        for name, _, is_ours in reversed(self._stack):
            if is_ours or name in stop:
                return False
            if name in wanted:
                return True
        return False

    def _append(self, node: Element | Text) -> None:
        self._stack[-1][1].children.append(node)

    def _push(self, name: str, element: Element, *, is_ours: bool) -> None:
        if len(self._stack) > _MAX_DEPTH and element.name not in HIDDEN:
            self._stack[-1][1].children.pop()
            element = self._stack[-1][1]
        self._stack.append((name, element, is_ours))
        self._open[name] += 1

    def _pop(self) -> bool:
        """Leave the innermost element, and return whether it is Markdown's."""
        name, element, is_ours = self._stack.pop()
        self._open[name] -= 1
        outer = self._stack[-1][1]
        outer.end_line = max(outer.end_line, element.end_line)
        return is_ours
