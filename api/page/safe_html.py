"""The sanitiser of everything that a document or a model wrote before it reaches a browser.

The output never contains a script, style, form or frame, no picture of another site, and no `id`, `class` or similar
attribute except those that were stamped here, whatever a document or a model wrote.
"""

import secrets
from collections.abc import Callable

import nh3

from rag.document_url import PICTURES

_TEXT = "p br hr h1 h2 h3 h4 h5 h6 ul ol li dl dt dd blockquote pre details summary img wbr"
_INLINE = (
    "a abbr code em strong b i u q del ins s sub sup kbd samp var mark cite dfn bdi bdo span small button ruby rt rp"
)
_TABLES = "table caption thead tbody tfoot tr th td"
_TAGS = frozenset(f"{_TEXT} {_INLINE} {_TABLES} div".split())
_REMOVED_WITH_CONTENT = frozenset(
    "script style svg math iframe object template noscript title textarea xmp noembed noframes plaintext".split()
)
_SCHEMES = frozenset(("http", "https", "mailto", "tel"))
# Attributes that only our code sets: those of a document are removed.
_OWN_ATTRIBUTES = frozenset("id class tabindex type data-cite data-mark open".split())
_CELL_ATTRIBUTES = {"colspan", "rowspan"}
_ATTRIBUTES = {
    "*": set(_OWN_ATTRIBUTES),
    "a": {"href"},
    "img": {"src", "alt", "loading"},
    "ol": {"start"},
    "td": _CELL_ATTRIBUTES,
    "th": _CELL_ATTRIBUTES,
}

RelativeLink = Callable[[str], str | None]
"""Maps a relative link to its address, or to None to remove the link."""


def no_link(address: str) -> None:
    """Remove every relative link."""


class Sanitiser:
    """Cleans HTML. `link` says what becomes of relative links; `base` begins the addresses of pictures."""

    def __init__(self, link: RelativeLink = no_link, *, base: str = "") -> None:
        self._pictures = base + PICTURES
        self._stamp = f"{secrets.token_hex(8)}:"
        self._cleaner = nh3.Cleaner(
            tags=set(_TAGS),
            clean_content_tags=set(_REMOVED_WITH_CONTENT),
            attributes=_ATTRIBUTES,
            attribute_filter=self._filter_attribute,
            url_schemes=set(_SCHEMES),
            url_relative=link,
            link_rel="noopener noreferrer nofollow",
        )

    def stamped(self, value: str) -> str:
        """Return the value of an attribute so that `clean` keeps it."""
        return self._stamp + value

    def clean(self, html: str) -> str:
        """Return safe HTML. What a block leaves open is closed at its end."""
        return self._cleaner.clean(html)

    def _filter_attribute(self, tag: str, attribute: str, value: str) -> str | None:
        if (tag, attribute) == ("img", "src"):
            return value if value.startswith(self._pictures) else None
        if attribute not in _OWN_ATTRIBUTES:
            return value
        return value.removeprefix(self._stamp) if value.startswith(self._stamp) else None


def is_safe_scheme(address: str) -> bool:
    """Return whether the sanitiser keeps a link to an absolute address."""
    return address.partition(":")[0].lower() in _SCHEMES
