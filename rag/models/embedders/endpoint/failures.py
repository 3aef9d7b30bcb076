"""Why a call of an embedding endpoint gave no vectors, and what that means for the next one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus

from rag.errors import EmbedderError, EmbedderUnavailable
from rag.models.provider_reason import read_reason
from rag.models.retry_after import parse_retry_after


class Kind(Enum):
    """What helps: waiting, a smaller batch, other texts, or nothing."""

    BUSY = auto()
    """429: every call has to wait."""
    TEMPORARY = auto()
    """5xx, no connection, no answer in time: the same call may work later."""
    TOO_MANY_TEXTS = auto()
    TOO_MANY_TOKENS = auto()
    REFUSED = auto()
    """One of the texts is at fault, or the endpoint refuses every call like this."""
    FINAL = auto()
    """The key, the model's name, the account, or an answer that is not one."""


PASSING = frozenset({Kind.BUSY, Kind.TEMPORARY})


@dataclass(frozen=True, slots=True)
class Failure:
    """`endpoint` is for messages, `reason` is one line without the key, `status` is 0 if there was no answer."""

    endpoint: str
    kind: Kind
    reason: str
    status: int = 0
    retry_after_seconds: float | None = None
    timed_out: bool = False


def read_failure(endpoint: str, status: int, headers: Mapping[str, str], body: bytes, api_key: str) -> Failure:
    """Understand an answer with an error status. Some servers repeat a key that they refuse: it becomes `***`."""
    reason = read_reason(body, api_key)
    detail = reason.text[:200]
    kind = _kind(status, detail, reason.code)
    return Failure(endpoint, kind, f"HTTP {status}: {detail}", status, _retry_after_seconds(headers))


def to_error(failure: Failure, attempts: int = 1) -> EmbedderError:
    """Return the error that says what failed and how to go on."""
    endpoint, status, reason = failure.endpoint, failure.status, failure.reason
    tries = f"after {attempts} attempts" if attempts > 1 else "at the first attempt"
    match status:
        case 0:
            return EmbedderUnavailable(
                f"{endpoint}, cannot be reached {tries} ({reason}); "
                "check embedding.base_url, or set embedding.provider: builtin"
            )
        case HTTPStatus.OK:
            return EmbedderError(f"{endpoint}, answered with {reason}")
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            refused, check = _DENIALS[HTTPStatus(status)]
            return EmbedderUnavailable(f"{endpoint}, refused {refused} ({reason}); {check} ZHIWEN_EMBEDDING__API_KEY")
        case HTTPStatus.NOT_FOUND:
            return EmbedderUnavailable(
                f"{endpoint}, not found ({reason}); check embedding.model and embedding.base_url"
            )
        case _ if failure.kind is Kind.FINAL and status in _NO_QUOTA:
            return EmbedderUnavailable(f"{endpoint}, has no quota left ({reason}); check the account at the provider")
        case _:
            return EmbedderError(f"{endpoint}, failed {tries} ({reason})")


_DENIALS = {
    HTTPStatus.UNAUTHORIZED: ("the key", "set"),
    HTTPStatus.FORBIDDEN: ("access", "check the account at the provider, and the rights of"),
}
_NO_CREDIT = re.compile(r"insufficient balance|balance is insufficient|余额不足|欠费|arrearage", re.IGNORECASE)
_NO_QUOTA = frozenset({HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.TOO_MANY_REQUESTS})
_REFUSALS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY})

# What the servers say about one text: NaN (Ollama, with status 500), too long (llama.cpp, with status 500 too).
_ABOUT_A_TEXT = re.compile(r"\bNaN\b|too large to process|context (?:length|size|window)")
# "batch size is invalid, it should not be larger than 10" (DashScope), "maximum allowed batch size 64" (SiliconFlow,
# TEI), "array too long. Expected an array with maximum length 2048" and "max 300000 tokens per request" (OpenAI),
# "split into more batches" (Mistral), "at most 512 items" and "the largest allowed size 2048" (Jina), "at most 100
# requests" (Gemini), "The max number of inputs is 1" (Azure), "input数组最大不得超过64条" (Zhipu). And what proxies say
# of a body that is too large.
_TOO_LARGE = re.compile(
    r"batch|array.{0,20}too long|too many (?:inputs?|texts?|items|strings|documents|tokens)|tokens per request|"
    r"at most \d+ (?:items?|inputs?|texts?|strings|documents|requests)|number of (?:inputs|items|texts|documents)|"
    r"largest allowed size|(?:entity|payload|content|body) (?:is )?too large|length limit exceeded|"
    r"批|(?:不得|不能|最多|上限).{0,8}\d+\s*[条个]",
    re.IGNORECASE,
)


def _kind(status: int, detail: str, code: str) -> Kind:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Kind.FINAL if code == "insufficient_quota" or _NO_CREDIT.search(detail) else Kind.BUSY
    if status in _REFUSALS and not _ABOUT_A_TEXT.search(detail) and _TOO_LARGE.search(detail):
        return Kind.TOO_MANY_TOKENS if "token" in detail.lower() else Kind.TOO_MANY_TEXTS
    if status in _REFUSALS:
        return Kind.REFUSED
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Kind.REFUSED if _ABOUT_A_TEXT.search(detail) else Kind.TEMPORARY
    return Kind.FINAL


def _retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    milliseconds = parse_retry_after(headers.get("retry-after-ms", ""))
    return milliseconds / 1000 if milliseconds is not None else parse_retry_after(headers.get("retry-after", ""))
