"""Safe HTML as a tree of JSON, which a script can show without parsing HTML.

Pages may forbid scripts to parse HTML (Trusted Types), and what is never parsed cannot become something else.
"""

from html.parser import HTMLParser

from pydantic import JsonValue

_WITHOUT_END = frozenset({"br", "hr", "img", "wbr"})


def element_tree(html: str) -> list[JsonValue]:
    """Return the nodes of HTML that the sanitiser wrote: text, or `[name, attributes, nodes]` for an element.

    >>> element_tree('<p>Ask <a href="https://a.example/">A &amp; B</a><br></p>')
    [['p', {}, ['Ask ', ['a', {'href': 'https://a.example/'}, ['A & B']], ['br', {}, []]]]]
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.nodes


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[JsonValue] = []
        self._open = [self.nodes]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes: dict[str, JsonValue] = {name: value or "" for name, value in attrs}
        inner: list[JsonValue] = []
        self._open[-1].append([tag, attributes, inner])
        if tag not in _WITHOUT_END:
            self._open.append(inner)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _WITHOUT_END:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].append(data)
