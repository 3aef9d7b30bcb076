"""What providers mean when they refuse a request: a table of causes, by their words, with advice for each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.errors import ChatAuthenticationError, ChatError, ChatRejected, ChatUnavailable
from rag.models.provider_reason import ProviderReason


@dataclass(frozen=True, slots=True)
class Cause:
    """`problem` and `advice` are for a person; `{key}` and `{model}` stand for the key's variable and the model.

    `kind` is the error that it becomes.
    """

    problem: str
    advice: str
    words: re.Pattern[str]
    kind: type[ChatError] = ChatAuthenticationError


def find_cause(status: int, reason: ProviderReason) -> Cause | None:
    """Return the cause that the provider's words, or the status, name. `status` is 0 for an error within a stream."""
    said = f"{reason.code} {reason.text} {reason.complaint}"
    if status == 429 and _COMES_BACK.search(said):
        return None
    if status == 402:
        return _NO_CREDIT
    return next((cause for cause in _CAUSES if cause.words.search(said)), None)


def is_filtered(reason: ProviderReason) -> bool:
    """Return whether the provider's content filter is what refuses."""
    return _FILTER.search(f"{reason.code} {reason.text}") is not None


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


def _near(firsts: Sequence[str], seconds: Sequence[str], characters: int = 40) -> str:
    """Return a pattern for one of the first words with one of the second within so many characters, in any order."""
    first, second = "|".join(firsts), "|".join(seconds)
    return rf"(?:{first}).{{0,{characters}}}(?:{second})|(?:{second}).{{0,{characters}}}(?:{first})"


_FILTER = _any_of(
    r"content_?filter|data_?inspection_?failed|content_policy|risk_control",
    r"content (?:management )?policy|inappropriate content|敏感内容|内容审核",
)
_COMES_BACK = _any_of(
    r"(?:retry|try again) in \d", r"per (?:minute|second|day)", r"\b[RT]P[MDS]\b", r"rate.?limit", "频率|速率"
)
_NO_CREDIT = Cause(
    "says that the account has no credit left",
    "top it up at the provider, or choose another model or add chat.fallbacks",
    _any_of(
        _near(
            ["balance", "credit", "fund", "quota"],
            ["insufficient", "not enough", "too low", "exhaust", "r[au]n out"],
            24,
        ),
        _near(["balance", "credit"], ["depleted", "used up", "negative"], 24),
        _near(["free tier", "free quota", "allocation.?quota"], ["exhausted", "used", "exceeded", "only"], 60),
        "arrear|overdue|payment required|billing|current quota",
        "余额|欠费|资源包|账户.{0,6}(?:不足|异常)|额度.{0,8}(?:不足|用尽|用完)",
    ),
)
_CAUSES = (
    Cause(
        "has not enough memory for the model",
        "choose a smaller model, or give the server more memory",
        _any_of(r"out ?of ?memory|\bOOM\b|requires more (?:system )?memory|insufficient (?:gpu )?memory|显存|内存不足"),
        ChatUnavailable,
    ),
    Cause(
        "does not serve this region",
        "reach it through a proxy (HTTPS_PROXY), or choose another provider",
        _any_of(
            "unsupported_country",
            _near(
                ["country", "region", "territory", "location"], ["not (?:supported|available|allowed)", "unsupported"]
            ),
            "(?:地区|区域|国家).{0,8}(?:不|限制)",
        ),
    ),
    Cause(
        "has no channel for the model",
        "check chat.model, and the channels and groups of the gateway",
        _any_of(
            r"no (?:available |suitable |usable |healthy )?(?:channel|provider|deployment|endpoint)s?\b",
            "无可用(?:的)?渠道|没有可用(?:的)?渠道",
        ),
    ),
    Cause(
        "has no such model yet",
        "run `ollama pull {model}` there, or check chat.model",
        _any_of("try pulling|ollama pull|not (?:been )?(?:pulled|downloaded)"),
    ),
    _NO_CREDIT,
    Cause(
        "refuses the key",
        "check {key}",
        _any_of(
            r"(?:incorrect|invalid|wrong|missing|expired|malformed|no) .{0,20}(?:api.?key|credential|auth token)",
            r"api.?key.{0,30}(?:invalid|not valid|incorrect|expired|missing|wrong|not found|disabled|required)",
            "invalid_api_key|unauthorized|unauthenticated|authentication.{0,12}(?:fail|error)",
            "无效的?(?:令牌|密钥)|(?:令牌|密钥|api.?key).{0,6}(?:无效|错误|过期)",
        ),
    ),
    Cause(
        "finds the request too long",
        "set chat.context_tokens to what the model holds, or lower answering.max_evidence_tokens",
        _any_of(
            r"context.{0,4}(?:length|window|size).{0,60}(?:exceed|is \d|too|larger|of \d)|exceed.{0,40}context",
            r"(?:prompt|input|request).{0,20}(?:too (?:long|large)|exceeds)|range of input length",
            "(?:length|长度).{0,10}(?:超过|超出|超限)",
        ),
        ChatRejected,
    ),
    Cause(
        "does not know the model",
        "check chat.model",
        _any_of(
            "model.{0,80}(?:not exist|not found|unknown|not available|not valid|been (?:retired|removed))",
            "(?:unknown|no such|invalid|unsupported) model|model_?not_?found",
            "模型.{0,20}(?:不存在|未找到|已下线|无效)",
        ),
    ),
)
