"""Providers of OpenAI-compatible chat endpoints, by name. Sources: the providers' own API documentation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Preset:
    """The defaults of a provider.

    - `key_variable`: the provider's usual environment variable, read if ZHIWEN_CHAT__API_KEY is not set.
    - `context_tokens`: how many tokens of prompt and answer `model` can take together; None if unknown.
    - `limit_parameter`: the request parameter that limits the length of the answer.
    - `thinking_on`, `thinking_off`: the request parameters that switch thinking on and off. If a model refuses them,
      the request is repeated without them.
    """

    base_url: str
    model: str
    key_variable: str = ""
    context_tokens: int | None = None
    limit_parameter: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    thinking_on: Mapping[str, object] = field(default_factory=dict)
    thinking_off: Mapping[str, object] = field(default_factory=dict)


CUSTOM = Preset("", "")
"""Any other endpoint: the settings must name its address and model."""

PRESETS = {
    "qwen": Preset(
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        "qwen-plus",
        "DASHSCOPE_API_KEY",
        context_tokens=131_072,
        thinking_on={"enable_thinking": True},
        thinking_off={"enable_thinking": False},
    ),
    "siliconflow": Preset(
        "https://api.siliconflow.cn/v1",
        "Qwen/Qwen3-32B",
        "SILICONFLOW_API_KEY",
        context_tokens=131_072,
        thinking_on={"enable_thinking": True},
        thinking_off={"enable_thinking": False},
    ),
    "deepseek": Preset(
        "https://api.deepseek.com/v1",
        "deepseek-chat",
        "DEEPSEEK_API_KEY",
        context_tokens=131_072,
        thinking_on={"thinking": {"type": "enabled"}},
        thinking_off={"thinking": {"type": "disabled"}},
    ),
    "openai": Preset(
        "https://api.openai.com/v1",
        "gpt-4.1-mini",
        "OPENAI_API_KEY",
        context_tokens=1_047_576,
        limit_parameter="max_completion_tokens",  # its reasoning models refuse max_tokens
    ),
    "ollama": Preset(
        "http://127.0.0.1:11434/v1",
        "qwen3:8b",
        # Ollama cuts prompts to this length, whatever the model can take, unless OLLAMA_CONTEXT_LENGTH is set.
        context_tokens=4096,
        thinking_off={"reasoning_effort": "none"},
    ),
}
