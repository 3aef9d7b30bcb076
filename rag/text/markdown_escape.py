"""Words of a document in a Markdown text of ours: titles and headings, which must not become links, images or HTML."""

import re

_MARKDOWN = re.compile(r"([\\`*_\[\]<>|&~$])")
_ESCAPED = re.compile(r"\\([\\`*_\[\]<>|&~$])")


def escape_markdown(text: str) -> str:
    r"""Return text on one line in which nothing is Markdown or HTML.

    >>> print(escape_markdown("![x](https://a.example)  <b>"))
    !\[x\](https://a.example) \<b\>
    """
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def unescape_markdown(text: str) -> str:
    r"""Return what a reader of Markdown sees of escaped text, for terminals.

    >>> print(unescape_markdown(escape_markdown("snake_case <b>")))
    snake_case <b>
    """
    return _ESCAPED.sub(r"\1", text)
