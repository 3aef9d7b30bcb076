"""The names of keys and groups, and how they stand in entries.

The name of a key is ours, and short. That of a group is the identity provider's, such as `/研发/平台组` or
`CN=Staff,OU=Berlin`. As in URLs, `%3A` stands for a colon, `%2C` for a comma, `%23` for `#` and `%25` for `%`.
"""

import re
import unicodedata
from urllib.parse import quote, unquote

from rag.errors import ConfigError

_MAX_GROUP_CHARACTERS = 200
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_ESCAPED = re.compile("[%:,#]")


def written_name(name: str) -> str:
    """Return a name as it stands in an entry.

    >>> written_name("CN=Staff,OU=Berlin HQ"), written_name("/研发/平台组")
    ('CN=Staff%2COU=Berlin HQ', '/研发/平台组')
    """
    return _ESCAPED.sub(lambda found: quote(found[0], safe=""), name)


def group_name(name: str) -> str:
    """Return the name of a group in one form, however a provider writes it: NFC, without spaces beside commas.

    >>> group_name(" CN=Staff, OU=Berlin HQ")
    'CN=Staff,OU=Berlin HQ'
    """
    return ",".join(part.strip() for part in unicodedata.normalize("NFC", name).split(","))


def read_name(written: str, place: str, *, of_group: bool) -> str:
    """Return the name that stands in an entry. Raises ConfigError if none may be so; `place` is for its message."""
    name = plain_name(written)
    if of_group:
        name = group_name(name)
        if not (0 < len(name) <= _MAX_GROUP_CHARACTERS and name.isprintable()):
            raise ConfigError(
                f"{place}: the name of a group has at most {_MAX_GROUP_CHARACTERS} printable characters, with %3A for "
                "a colon, %2C for a comma, %23 for # and %25 for %"
            )
    elif not _KEY.fullmatch(name):
        raise ConfigError(
            f"{place}: a name has at most 64 letters, digits, _, ., @ and -; the first is a letter or a digit"
        )
    return name


def plain_name(written: str) -> str:
    """Return a name as it stands in an entry without its escapes, whether it may be so or not."""
    return unquote(written.strip())
