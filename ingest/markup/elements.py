"""The elements of HTML: which there are, and which of them are blocks, are hidden, or have no content."""

import re
from collections.abc import Mapping

BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure "
    "footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr html legend li listing main menu noframes ol optgroup "
    "option p plaintext pre search section summary table tbody td tfoot th thead tr ul xmp".split()
)
HIDDEN = frozenset(
    "audio base canvas col colgroup datalist embed head iframe link map meta nav noframes noscript object param script "
    "select source style svg template textarea title track video".split()
)
"""Elements whose content is no text of the document."""

VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
RAW = frozenset("script style".split())
WITHOUT_COMPONENT = RAW | frozenset(("br", "head", "hr", "img", "wbr"))
"""Elements that mean the same with a capital letter: Docusaurus' `<Head>` is for programs, too."""

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_HIDING_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_INLINE = frozenset(
    "a abbr acronym annotation area b bdi bdo big blink br button cite code data del dfn em font i img input ins kbd "
    "label mark marquee math meter nobr output picture progress q rb rp rt rtc ruby s samp slot small span strike "
    "strong sub sup time tt u var wbr".split()
)
KNOWN = BLOCKS | HIDDEN | VOID | RAW | _INLINE

# Which elements a start tag ends, and where the search for them stops: `<li>` ends the `<li>` before it, but not the
# one that contains its own list.
_CELLS = frozenset(("td", "th"))
_PARTS = frozenset(("thead", "tbody", "tfoot"))
_TERMS = frozenset(("dt", "dd"))
_ENDED = {
    "li": (frozenset(("li",)), frozenset(("ul", "ol", "menu"))),
    "tr": (frozenset(("tr",)) | _CELLS, frozenset(("table",))),
    "option": (frozenset(("option",)), frozenset(("select", "datalist"))),
    **dict.fromkeys(_TERMS, (_TERMS, frozenset(("dl",)))),
    **dict.fromkeys(_CELLS, (_CELLS, frozenset(("tr", "table")))),
    **dict.fromkeys(_PARTS, (_PARTS | {"tr"} | _CELLS, frozenset(("table",)))),
}
_ENDED_BY_BLOCKS = (frozenset(("p",)), BLOCKS - {"p"})


def ended_by(name: str) -> tuple[frozenset[str], frozenset[str]] | None:
    """Return the elements that a start tag ends although they have no end tag, and those that stop the search."""
    return _ENDED.get(name) or (_ENDED_BY_BLOCKS if name in BLOCKS else None)


def is_hidden(attributes: Mapping[str, str]) -> bool:
    """Return whether the attributes of an element hide it."""
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or bool(_HIDING_STYLE.search(attributes.get("style", "")))
    )
