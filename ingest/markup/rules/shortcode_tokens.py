"""What a shortcode between words becomes: text, a link with an address outside of the documents, or a title of its own
line."""

import re
from html import escape

from markdown_it.rules_inline import StateInline

from ingest.markup.components import has_title_above
from ingest.markup.rules.links import push_link

_LONGEST_CONTENT = 2_000


def write_shortcode(state: StateInline, found: re.Match[str], text: str, address: str, *, silent: bool) -> None:
    """Add what a reader sees of a shortcode, and go on behind it.

    `address` is that of its text or else of what it encloses, "" if it has none.
    """
    closing = _closing(state, found) if address and not text else None
    if silent:
        pass
    elif closing:
        push_link(state, found.end(), closing.start(), address)
    elif address:
        state.push("link_open", "a", 1).attrs = {"href": address}
        state.push("text", "", 0).content = text or address
        state.push("link_close", "a", -1)
    elif text or _is_end(found):
        _write_line(state, found, text)
    state.pos = closing.end() if closing else found.end()


def linked_html(text: str, address: str) -> str:
    """Return HTML for a text with the address that it leads to, if there is one."""
    return f'<a href="{escape(address)}">{text or address}</a>' if address else text


def linked_title(title: str, address: str) -> str:
    """Return Markdown for a title, which may be empty, with the address that it leads to."""
    if not title:
        return f"<{address}>"
    return f"{title} (<{address}>)" if "[" in title or "]" in title else f"[{title}](<{address}>)"


def _write_line(state: StateInline, found: re.Match[str], text: str) -> None:
    """Add text, on a line of its own if it is a title above what follows."""
    groups = found.groupdict()
    name = groups["name"] or (groups["tag"] or "").removeprefix("end")
    if not has_title_above(name):
        state.append_pending(text)
        return
    state.push("html_inline", "", 0).content = "<br>"
    if text:
        state.append_pending(text)
        state.push("html_inline", "", 0).content = "<br>"


def _is_end(found: re.Match[str]) -> bool:
    return bool(found["closing"]) or (found["tag"] or "").startswith("end")


def _closing(state: StateInline, found: re.Match[str]) -> re.Match[str] | None:
    """Return the end of a shortcode of Hugo that is not far from its beginning."""
    if not found["name"]:
        return None
    end = re.compile(rf"\{{\{{[<%]\s*/\s*{re.escape(found['name'])}\s*[>%]\}}\}}")
    return end.search(state.src, found.end(), min(state.posMax, found.end() + _LONGEST_CONTENT))
