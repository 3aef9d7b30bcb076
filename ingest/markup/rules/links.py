r"""Links that CommonMark does not read as they are meant: to shared folders, such as `[text](\\nas01\公共\a.docx)`."""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

_SHARED = r"\\\\[\w.$-]+\\|[A-Za-z]:\\"
_DESTINATION = re.compile(rf"\((?:<(?P<quoted>(?:{_SHARED})[^<>\n]*)>|(?P<bare>(?:{_SHARED})[^()\s<>]*))\)")


def use_links(parser: MarkdownIt) -> None:
    """Add the rule for links to shared folders, in whose addresses no backslash is a mark."""
    parser.inline.ruler.before("link", "shared_folder", _shared_folder)


def push_link(state: StateInline, start: int, end: int, address: str) -> None:
    """Add a link whose text is the Markdown from `start` to `end`."""
    last = state.posMax
    state.pos, state.posMax = start, end
    state.push("link_open", "a", 1).attrs = {"href": address}
    state.linkLevel += 1
    state.md.inline.tokenize(state)
    state.linkLevel -= 1
    state.push("link_close", "a", -1)
    state.posMax = last


def _shared_folder(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "[" or _last_destination(state) < state.pos:
        return False
    label_end = state.md.helpers.parseLinkLabel(state, state.pos, True)
    found = _DESTINATION.match(state.src, label_end + 1, state.posMax) if label_end >= 0 else None
    if not found:
        return False
    if not silent:
        push_link(state, state.pos + 1, label_end, found["quoted"] or found["bare"])
    state.pos = found.end()
    return True


def _last_destination(state: StateInline) -> int:
    """Return where the last address of a shared folder stands in a paragraph, -1 if none does; it is found once."""
    last: int | None = vars(state).get("last_shared_folder")
    if last is None:
        last = max((found.start() for found in _DESTINATION.finditer(state.src)), default=-1)
        vars(state)["last_shared_folder"] = last
    return last
