"""Words of a document in a Markdown text of ours: titles and headings, which must not become links, images or HTML."""

import re

from rag.text.urls import HOST_PATTERN, URL_PATTERN

_MARKDOWN = re.compile(r"([\\`*_\[\]<>|&~$])")
_ESCAPED_OR_CODE = re.compile(r"\\([\\`*_\[\]<>|&~$])|`")
_ADDRESS = re.compile(rf"{URL_PATTERN.pattern}|(?i:{HOST_PATTERN.pattern})")


def escape_markdown(text: str) -> str:
    r"""Return text on one line in which nothing is Markdown or HTML, for the text of a link.

    >>> print(escape_markdown("![x](https://a.example)  <b>"))
    !\[x\](https://a.example) \<b\>
    """
    return _escape(" ".join(text.split()))


def escape_words(text: str) -> str:
    r"""Return the same for text that stands for itself, where programs make links of addresses: these become code.

    >>> print(escape_words("<b> at https://a.example/x"))
    \<b\> at `https://a.example/x`
    """
    text = " ".join(text.split())
    escaped = []
    position = 0
    for match in _ADDRESS.finditer(text):
        escaped += [_escape(text[position : match.start()]), f"`{match[0]}`"]
        position = match.end()
    return "".join([*escaped, _escape(text[position:])])


def unescape_markdown(text: str) -> str:
    r"""Return what a reader of Markdown sees of escaped text, for terminals.

    >>> print(unescape_markdown(escape_words("snake_case <b> of a.example")))
    snake_case <b> of a.example
    """
    return _ESCAPED_OR_CODE.sub(r"\1", text)


def _escape(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)
