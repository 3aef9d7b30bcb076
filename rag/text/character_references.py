"""Letters of an address in disguise: renderers of Markdown read `&#58;` and `\\:` as `:` before they look for links."""

import re
from html import unescape

REFERENCE_PATTERN = re.compile(
    r"&(?:#[0-9]{1,8}|#[xX][0-9A-Fa-f]{1,8}|[A-Za-z][A-Za-z0-9]{1,31});|(?<=[A-Za-z0-9])\\[.:/@](?=[A-Za-z0-9/\\])"
)
"""A character reference of HTML, or a character of addresses with a backslash before it."""
_OF_ADDRESSES = frozenset(":/.@?=%#_~-+")


def read_reference(reference: str) -> str:
    """Return the character that is meant if an address may contain it, otherwise the reference unchanged.

    >>> read_reference("&#58;"), read_reference("&sol;"), read_reference("\\\\."), read_reference("&lt;")
    (':', '/', '.', '&lt;')
    """
    meant = reference[1:] if reference.startswith("\\") else unescape(reference)
    is_of_address = len(meant) == 1 and meant.isascii() and (meant.isalnum() or meant in _OF_ADDRESSES)
    return meant if is_of_address else reference
