"""Which elements the HTML of a document has begun and not yet ended, at the place that the parser has reached."""

import re
from dataclasses import dataclass, field

from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

from ingest.markup.elements import KNOWN, VOID

_TAG_OR_COMMENT = re.compile(
    r"<!--.*?(?:-->|\Z)|</?(?P<name>[A-Za-z][\w-]*+)(?=[\s/>])(?:[^<>\"']|\"[^\"]*\"|'[^']*')*+>", re.DOTALL
)
_END_TAG = re.compile(r"</([A-Za-z][\w-]*)")
_CONTAINER = ""


@dataclass(slots=True)
class _Progress:
    """`names`: the open elements, outermost first, and a `_CONTAINER` for each open element of Markdown."""

    tokens: list[Token]
    last_end_tags: dict[str, int]
    count: int = 0
    names: list[str] = field(default_factory=list)


def has_open_element(state: StateBlock, line: int) -> bool:
    """Return whether HTML around `line`, in the same quote or item, is ended only behind that line.

    What nothing ends, such as a `<p>`, encloses nothing.
    """
    progress = state.env.get("open_elements")
    if progress is None or progress.tokens is not state.tokens or progress.count > len(state.tokens):
        last_end_tags = {found[1].lower(): found.start() for found in _END_TAG.finditer(state.src)}
        progress = state.env["open_elements"] = _Progress(state.tokens, last_end_tags)
    # Counted on from the line asked about before: a document may have thousands.
    for token in state.tokens[progress.count :]:
        _follow(progress.names, token)
    progress.count = len(state.tokens)
    names = progress.names
    while names and names[-1] != _CONTAINER and progress.last_end_tags.get(names[-1], -1) < state.bMarks[line]:
        names.pop()
    return bool(names) and names[-1] != _CONTAINER


def _follow(names: list[str], token: Token) -> None:
    if token.nesting == 1:
        names.append(_CONTAINER)
    elif token.nesting == -1:
        while names and names.pop() != _CONTAINER:
            pass
    elif token.type == "html_block":
        for tag in _TAG_OR_COMMENT.finditer(token.content):
            name = (tag["name"] or "").lower()
            if name in KNOWN - VOID and not tag[0].endswith("/>"):
                _follow_tag(names, name, is_end=tag[0].startswith("</"))


def _follow_tag(names: list[str], name: str, *, is_end: bool) -> None:
    if not is_end:
        names.append(name)
        return
    for position in range(len(names) - 1, -1, -1):
        if names[position] == _CONTAINER:
            return
        if names[position] == name:
            del names[position:]
            return
