"""URLs of databases: which ones are accepted, and the file of an SQLite one."""

from pathlib import Path
from urllib.parse import urlsplit

POSTGRESQL = "postgresql://"
SQLITE = "sqlite:///"


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
