"""Which tags between the words of a paragraph are placeholders or types called like an element of HTML.

`cd <dir>`, `List<Menu>` and `?code=<code>` are text; `H<sub>2</sub>O` and `first<br>second` are not.
"""

import re
from collections.abc import Iterable, Set

from ingest.markup.elements import KNOWN, VOID

_BARE_TAG = re.compile(r"<([A-Za-z][A-Za-z0-9]*)>")
_END_TAG = re.compile(r"</([A-Za-z][A-Za-z0-9]*)\s*>")
_WITHOUT_ATTRIBUTES = frozenset(("br", "hr", "wbr"))
_WITHOUT_END_TAG = frozenset("dd dt li option p tbody td tfoot th thead tr".split())
_ACROSS_PARAGRAPHS = frozenset(
    "b big center code del details div em font i ins kbd mark s section small span strike strong sub sup u".split()
)
"""Elements that people open in one paragraph and end in another."""


def ended_in(pieces: Iterable[str]) -> frozenset[str]:
    """Return the names of the elements that these pieces of HTML or text end, in lower case."""
    return frozenset(name.lower() for piece in pieces for name in _END_TAG.findall(piece))


def is_placeholder(tag: str, ended_here: Set[str], ended: Set[str]) -> bool:
    """Return whether a tag is text: one without attributes that nothing ends.

    `ended_here` are the elements with an end tag in the same paragraph, `ended` those with one in the document. A name
    written like a type, as in `Result<Option>`, must end in the paragraph.

    >>> [is_placeholder(tag, {"sub"}, {"sub", "b", "menu"}) for tag in ("<dir>", "<Menu>", "<sub>", "<b>", "<br>")]
    [True, True, False, False, False]
    """
    found = _BARE_TAG.fullmatch(tag)
    name = found[1].lower() if found else ""
    if name not in KNOWN:
        return False
    if name in VOID:
        return name not in _WITHOUT_ATTRIBUTES
    is_left_open = name in _WITHOUT_END_TAG or (name in _ACROSS_PARAGRAPHS and name in ended)
    return name not in ended_here and (not is_left_open or (len(name) > 1 and tag[1:-1].istitle()))
