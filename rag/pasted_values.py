"""Mend what slips in when people paste keys, addresses and names: blanks, line ends, quotes, a missing scheme."""

import ipaddress
import json
import re
from urllib.parse import urlsplit

_QUOTES = "\"'“”‘’「」`"
_FULL_WIDTH = str.maketrans("：／．　", ":/. ")
_CALLS = re.compile(r"(?:/(?:chat/completions|completions|embeddings|responses|models))?/*\Z")


def clean(value: str) -> str:
    """Return the value without the blanks, line ends and quotes around it.

    >>> clean(' "qwen-plus"\\n')
    'qwen-plus'
    """
    return value.strip().strip(_QUOTES).strip()


def clean_key(value: str) -> str:
    """Return an API key without what stands around it. Raises ValueError, without the key, if it cannot be one.

    >>> clean_key("Bearer sk-abc\\n")
    'sk-abc'
    """
    key = re.sub(r"\A(?:Authorization:\s*)?Bearer\s+", "", clean(value), flags=re.IGNORECASE)
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ValueError("has a character that no key has, such as a blank, a line end or a Chinese character")
    return key


def clean_base_url(value: str) -> str:
    """Return the address of an API, with a scheme and without the call. Raises ValueError.

    >>> clean_base_url("localhost:11434/v1/"), clean_base_url("https://api.deepseek.com/v1/chat/completions")
    ('http://localhost:11434/v1', 'https://api.deepseek.com/v1')
    """
    return _CALLS.sub("", add_scheme(value))


def add_scheme(value: str) -> str:
    """Return an address with `http://` or `https://` in front, whichever is likelier. Raises ValueError.

    >>> add_scheme("api.example.com/v1"), add_scheme("10.0.0.5:8000/v1")
    ('https://api.example.com/v1', 'http://10.0.0.5:8000/v1')
    """
    address = clean(value).translate(_FULL_WIDTH)
    if not address:
        return ""
    scheme, separator, rest = address.partition("://")
    if not separator:
        if re.match(r"https?[:/]", address, re.IGNORECASE) or re.search(r"\s", address):
            raise ValueError("must be an address that begins with http:// or https://")
        host = urlsplit(f"//{address}").hostname or ""
        scheme, rest = "http" if _is_local(host, address) else "https", address
    if scheme.lower() not in {"http", "https"} or not rest or re.search(r"\s", rest):
        raise ValueError("must be an address that begins with http:// or https://")
    return f"{scheme.lower()}://{rest}"


def split_list(value: str) -> list[str]:
    """Return the items of a list in a variable: `a, b`, or JSON. Raises ValueError.

    >>> split_list('["a", "b"]'), split_list("a, b")
    (['a', 'b'], ['a', 'b'])
    """
    text = value.strip()
    if not text.startswith("["):
        return [clean(item) for item in text.split(",") if clean(item)]
    try:
        items = json.loads(text)
    except ValueError as error:
        raise ValueError('must be a list such as a, b or ["a", "b"]') from error
    return [str(item).strip() for item in items]


def _is_local(host: str, address: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        has_port = re.match(r"[^/]*:\d+", address) is not None
        return "." not in host or host.endswith((".local", ".internal", ".lan")) or (has_port and ":443" not in address)
