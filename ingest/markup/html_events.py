"""The tags and texts of HTML, with the lines on which they stand."""

import re
from html.parser import HTMLParser
from typing import Protocol

from rag.text.invisible import remove_invisible

_UNQUOTED_SLASH = re.compile(r"=[^\s\"'>]+/>\Z")


class Tag:
    """A tag as it is written, with its name in lower case."""

    def __init__(self, source: str, name: str, line: int) -> None:
        self.source = source
        self.name = name
        self.line = line
        start = 2 if source.startswith("</") else 1
        self.written_name = source[start : start + len(name)]
        self.is_capitalised = self.written_name[:1].isupper() and not self.written_name.isupper()
        self.is_self_closing = source.endswith("/>") and not _UNQUOTED_SLASH.search(source)


class HTMLSink(Protocol):
    """What the parser tells of."""

    def start_tag(self, tag: Tag, attributes: dict[str, str]) -> None:
        """Take a start tag; attributes without a value are ""."""
        ...

    def end_tag(self, tag: Tag) -> None:
        """Take an end tag."""
        ...

    def html_text(self, text: str, line: int) -> None:
        """Take text whose entities are characters."""
        ...


class HTMLEvents(HTMLParser):
    """The standard library's parser, piece by piece. `sink` gets what it finds, with the lines of the file."""

    def __init__(self, sink: HTMLSink) -> None:
        super().__init__(convert_charrefs=True)
        self._sink = sink
        self._first_line = 1
        self._end_tag_start = 0

    def read(self, source: str, line: int) -> None:
        """Parse a piece; an unfinished tag at its end is text."""
        self.reset()
        self._first_line = line
        self.feed(source)
        self.close()

    def parse_endtag(self, i: int) -> int:
        self._end_tag_start = i
        return super().parse_endtag(i)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: remove_invisible(value or "") for name, value in attrs}
        self._sink.start_tag(self._tag(self.get_starttag_text() or f"<{tag}>", tag), attributes)

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag: str) -> None:
        end = self.rawdata.find(">", self._end_tag_start) + 1
        self._sink.end_tag(self._tag(self.rawdata[self._end_tag_start : end], tag))

    def handle_data(self, data: str) -> None:
        self._sink.html_text(data, self._line)

    def unknown_decl(self, data: str) -> None:
        """Add the text of `<![CDATA[…]]>`."""
        if data.startswith("CDATA["):
            self._sink.html_text(data[len("CDATA[") :], self._line)

    @property
    def _line(self) -> int:
        return self._first_line + self.getpos()[0] - 1

    def _tag(self, source: str, name: str) -> Tag:
        return Tag(source, name, self._line)
