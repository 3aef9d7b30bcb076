"""How much an embedding provider takes in one call, by the host of its address."""

import math
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class CallLimits:
    """The most texts, and the most tokens of all texts together, in one call."""

    texts: int
    tokens: float = math.inf


UNKNOWN = CallLimits(32)
"""For any other endpoint: TEI's own default, and what fits a model on a small machine."""


def provider_limits(base_url: str) -> CallLimits:
    """Return what the provider at this address documents, or `UNKNOWN`.

    >>> provider_limits("https://dashscope.aliyuncs.com/compatible-mode/v1").texts
    10
    >>> provider_limits("http://127.0.0.1:11434/v1") == UNKNOWN
    True
    """
    host = urlsplit(base_url).hostname or ""
    return next((limits for name, limits in _LIMITS.items() if host == name or host.endswith(f".{name}")), UNKNOWN)


_DASHSCOPE = CallLimits(10)  # text-embedding-v3 and -v4; help.aliyun.com/model-studio/text-embedding-synchronous-api
_LIMITS = {
    "dashscope.aliyuncs.com": _DASHSCOPE,
    "dashscope-intl.aliyuncs.com": _DASHSCOPE,
    "dashscope-us.aliyuncs.com": _DASHSCOPE,
    # Its models' own limits are 32 and 64; a larger batch gets "maximum allowed batch size".
    "api.siliconflow.cn": CallLimits(32),
    "api.siliconflow.com": CallLimits(32),
    "open.bigmodel.cn": CallLimits(64),  # embedding-3; docs.bigmodel.cn
    "api.openai.com": CallLimits(2048, 300_000),  # platform.openai.com/docs/api-reference/embeddings
    "api.voyageai.com": CallLimits(
        1000, 120_000
    ),  # the least of its models; docs.voyageai.com/reference/embeddings-api
    "api.jina.ai": CallLimits(512),  # jina-embeddings-v4; v3 takes 2,048
    "api.mistral.ai": CallLimits(512, 16_384),  # from its errors: "Too many tokens in batch. Max is 16384"
    "generativelanguage.googleapis.com": CallLimits(100),  # from its error: "at most 100 requests can be in one batch"
}
