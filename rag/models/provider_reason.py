"""What a provider says about a request that it refuses: one line for a person, without any key."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_MOST_CHARACTERS = 300
_MESSAGES = (
    "message",
    "msg",
    "Message",
    "detail",
    "error_description",
    "error_msg",
    "errorMessage",
    "status_msg",
    "raw",
)
_WRAPPERS = ("error", "errors", "base_resp", "metadata", "data", "detail", "message")
_ECHOES = frozenset({"input", "ctx", "url"})
"""What a complaint repeats of the request: it says nothing about what is wrong."""
_KEY = re.compile(
    r"\b(?:sk|gsk|hf|nvapi|xai|pplx|tp|ak)[-_][\w*.-]{4,}|\bAIza[\w*-]{8,}|\bBearer\s+\S+|[\w-]*\*{3,}[\w-]*"
)


@dataclass(frozen=True, slots=True)
class ProviderReason:
    """`text` is for a person; `code` is the provider's own code, "" if it has none; `complaint` is all that it says."""

    text: str
    code: str = ""
    complaint: str = ""


def read_reason(body: bytes | object, api_key: str = "") -> ProviderReason:
    """Understand the body of an error, bytes or JSON, in whatever form the provider sends it.

    >>> read_reason(b'{"error": {"message": "no balance", "code": "Arrearage"}}').text
    'no balance'
    >>> read_reason(b'{"detail": [{"loc": ["body", "top_n"], "msg": "Extra inputs", "input": 5}]}').text
    'body.top_n: Extra inputs'
    """
    value = _parse(body) if isinstance(body, bytes) else body
    complaint = mask_keys(" ".join(" ".join(_strings(value)).split()), api_key)
    text = mask_keys(" ".join(_message(value).split()), api_key) or complaint
    return ProviderReason(text[:_MOST_CHARACTERS], _code(value), complaint[:4000])


def mask_keys(text: str, api_key: str = "") -> str:
    """Return the text without `api_key`, and without anything else that looks like a key, whole or in part."""
    if len(api_key) > 3:
        text = text.replace(api_key, "***").replace(json.dumps(api_key)[1:-1], "***")
    if len(api_key) >= 12:
        text = re.sub(rf"\S*{re.escape(api_key[:8])}\S*", "***", text)
    return _KEY.sub("***", text)


def _parse(body: bytes) -> Any:
    text = body.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except ValueError:
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        return title[1] if title else text[:2000]


def _message(value: Any) -> str:
    """Return the message, at whatever depth it stands."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, map(_message, value[:5])))
    if not isinstance(value, dict):
        return ""
    if isinstance(value.get("msg"), str) and isinstance(value.get("loc"), list):
        return f"{'.'.join(map(str, value['loc']))}: {value['msg']}"
    for name in _MESSAGES:
        if isinstance(value.get(name), str) and value[name].strip() and not _is_wrapped(value, name):
            return str(value[name])
    return next((text for name in _WRAPPERS if (text := _message(value.get(name)))), _code(value))


def _is_wrapped(value: dict[str, Any], name: str) -> bool:
    """Return whether a gateway's own words (`Provider returned error`) stand before what the provider says."""
    inner = value.get("metadata")
    return name == "message" and isinstance(inner, dict) and isinstance(inner.get("raw"), str)


def _code(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    inner = value.get("error") or value.get("base_resp")
    names = ("code", "type", "status", "status_code")
    own = next((str(value[name]) for name in names if isinstance(value.get(name), str | int) and value[name]), "")
    return (_code(inner) if isinstance(inner, dict) else "") or own


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str | int | float):
        yield str(value)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in _ECHOES:
                yield from _strings(item)
