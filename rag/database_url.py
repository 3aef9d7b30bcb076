"""URLs of databases: which ones are accepted, and how they are shown without their password."""

import re
from pathlib import Path
from urllib.parse import urlsplit

POSTGRESQL = "postgresql://"
SQLITE = "sqlite:///"

# To the last @ of the word: a password may hold any character.
_USER_INFO = re.compile(r"(://[^\s:/@]*:)\S+@")
_PARAMETER = re.compile(r"([?&](?:ssl)?password=)[^&\s]+", re.IGNORECASE)


def check_database_url(url: str) -> str:
    """Return the URL if it is "", `postgresql://…` or `sqlite:///FILE`. Raises ValueError with the rule it breaks."""
    if url.startswith(POSTGRESQL):
        if not _is_clear(url):
            raise ValueError("must be a valid URL, with special characters of the password as %XX")
    elif url and not (url.startswith(SQLITE) and sqlite_file(url).name):
        raise ValueError(f"must begin with {POSTGRESQL} or {SQLITE}, or be empty for an SQLite file beside the index")
    return url


def _is_clear(url: str) -> bool:
    """Return whether it is certain where the password ends and the host begins."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return url.partition("?")[0].count("@") <= 1


def sqlite_file(url: str) -> Path:
    """Return the file of `sqlite:///FILE`; it is absolute if there are four slashes."""
    return Path(url.removeprefix(SQLITE))


def mask_password(text: str) -> str:
    """Return the text with `***` for the password of each URL in it."""
    return _PARAMETER.sub(r"\1***", _USER_INFO.sub(r"\1***@", text))
