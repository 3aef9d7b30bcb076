"""Credentials in URLs: settings refuse them, because URLs are shown, and messages never show them."""

import re

# To the last @ of the word: a password may hold any character.
_USER_INFO = re.compile(r"(://[^\s:/@]*:)\S+@")
_TOKEN = re.compile(r"((?:https?|s3)://)[^\s:/@]+@", re.IGNORECASE)
_PARAMETER = re.compile(r"([?&][\w.-]*(?:key|token|secret|password|signature)=)[^&\s]+", re.IGNORECASE)

_URL = re.compile(r"://(?P<authority>[^\s/?#]*)(?P<rest>\S*)")
_AUTHORITY = re.compile(r"(?:\[[^]]*\]|[^:]*)(?::\d*)?")


def mask_credentials(text: str) -> str:
    """Return the text with `***` for the credentials of each URL in it; the name of a user without one stays.

    >>> mask_credentials("https://me:***@db:5432/a and https://sk-1@host and https://host/v1?api_key=sk-1&a=b")
    'https://me:***@db:5432/a and https://***@host and https://host/v1?api_key=***&a=b'
    """
    return _PARAMETER.sub(r"\1***", _TOKEN.sub(r"\1***@", _USER_INFO.sub(r"\1***@", text)))


def refuse_credentials(text: str, *, instead: str) -> str:
    """Return the text if no URL in it has a user or a password. Raises ValueError, which says what to do `instead`."""
    for url in _URL.finditer(text):
        # What stands before a slash in a password looks like a host with an odd port.
        if "@" in url["authority"] or ("@" in url["rest"] and not _AUTHORITY.fullmatch(url["authority"])):
            raise ValueError(f"must have no user or password in its address; {instead}")
    return text
