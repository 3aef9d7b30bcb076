"""What providers take in one call."""

import pytest

from rag.models.embedders.endpoint.provider_limits import UNKNOWN, CallLimits, provider_limits


@pytest.mark.parametrize(
    ("base_url", "limits"),
    [
        ("https://dashscope.aliyuncs.com/compatible-mode/v1", CallLimits(10)),
        ("https://cn-hongkong.dashscope.aliyuncs.com/compatible-mode/v1", CallLimits(10)),
        ("https://API.OpenAI.com:443/v1/", CallLimits(2048, 300_000)),
        ("https://api.openai.com.example.org/v1", UNKNOWN),
        ("http://localhost:11434/v1", UNKNOWN),
        ("http://", UNKNOWN),
    ],
)
def test_the_host_decides(base_url: str, limits: CallLimits) -> None:
    assert provider_limits(base_url) == limits
