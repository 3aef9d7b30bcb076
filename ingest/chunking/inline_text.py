"""Inline Markdown → plain text: the visible text, with the addresses of external links."""

import re
from collections.abc import Sequence

from markdown_it.token import Token

from rag.text.cjk import CJK_SYMBOLS, FULL_WIDTH, HAN, KANA
from rag.text.urls import EXTERNAL_SCHEMES

_LINE_BREAK_TAG = re.compile(r"</?br\s*/?>", re.IGNORECASE)
_TAG = re.compile(r"<!--.*?-->|</?[a-zA-Z][^<>]*>", re.DOTALL)
# Not Korean, which separates its words by spaces.
_WITHOUT_SPACES = f"[{HAN}{KANA}{CJK_SYMBOLS}{FULL_WIDTH}]"
_BREAK_WITHIN_CHINESE = re.compile(rf"(?<={_WITHOUT_SPACES})\n(?={_WITHOUT_SPACES})")


def inline_text(children: Sequence[Token], *, with_links: bool = True) -> str:
    """Return the text of an inline token's children. Hard line breaks stay; soft ones become a space or nothing."""
    parts: list[str] = []
    open_links: list[tuple[str, int]] = []
    for token in children:
        if token.type == "softbreak":
            parts.append("\n")
        elif token.type == "hardbreak":
            parts.append("\r")
        elif token.type == "html_inline":
            parts.append("\r" if _LINE_BREAK_TAG.fullmatch(token.content) else "")
        elif token.type == "image":
            parts.append(inline_text(token.children or (), with_links=False))
        elif token.type == "link_open":
            open_links.append((str(token.attrGet("href") or ""), len(parts)))
        elif token.type == "link_close":
            address, start = open_links.pop()
            shown = "".join(parts[start:])
            if (
                with_links
                and address.startswith(EXTERNAL_SCHEMES)
                and shown not in (address, address.removeprefix("mailto:"))
            ):
                parts.append(f" ({address})")
        else:
            parts.append(token.content)
    # A soft break is a space, except within Chinese or Japanese. Hard breaks become newlines only after that.
    text = _BREAK_WITHIN_CHINESE.sub("", "".join(parts)).replace("\n", " ")
    return "\n".join(line.strip() for line in text.split("\r")).strip()


def strip_tags(html: str) -> str:
    """Return the text of an HTML block, with its line breaks and without comments and tags."""
    text = _TAG.sub("", _LINE_BREAK_TAG.sub("\n", html))
    return "\n".join(line.strip() for line in text.split("\n") if line.strip())


def is_label(children: Sequence[Token]) -> bool:
    """Return whether a paragraph is all bold: people use that as a small heading."""
    types = [token.type for token in children if token.content.strip() or token.type != "text"]
    return (
        len(types) >= 3
        and types[0] == "strong_open"
        and types[-1] == "strong_close"
        and types.count("strong_open") == 1
    )
