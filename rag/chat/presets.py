"""Providers of OpenAI-compatible chat endpoints, by name. Sources: the providers' own API documentation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Preset:
    """What is usual at a provider.

    `key_variable` is its usual environment variable, read if ZHIWEN_CHAT__API_KEY is not set. `context_tokens` is what
    `model` can hold. `thinks` and `does_not_think` are what a request says to a model that can do both; one that
    cannot refuses it, and is then asked without.
    """

    base_url: str
    model: str
    key_variable: str = ""
    context_tokens: int | None = None
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    thinks: Mapping[str, object] = field(default_factory=dict)
    does_not_think: Mapping[str, object] = field(default_factory=dict)


_THINKS = {"enable_thinking": True}
_DOES_NOT_THINK = {"enable_thinking": False}

CUSTOM = Preset("", "")
PRESETS = {
    "qwen": Preset(
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        "qwen-plus",
        "DASHSCOPE_API_KEY",
        context_tokens=131_072,
        thinks=_THINKS,
        does_not_think=_DOES_NOT_THINK,
    ),
    "siliconflow": Preset(
        "https://api.siliconflow.cn/v1",
        "Qwen/Qwen3-32B",
        "SILICONFLOW_API_KEY",
        context_tokens=131_072,
        thinks=_THINKS,
        does_not_think=_DOES_NOT_THINK,
    ),
    "deepseek": Preset(
        "https://api.deepseek.com/v1",
        "deepseek-chat",
        "DEEPSEEK_API_KEY",
        context_tokens=131_072,
        thinks={"thinking": {"type": "enabled"}},
        does_not_think={"thinking": {"type": "disabled"}},
    ),
    "openai": Preset(
        "https://api.openai.com/v1",
        "gpt-4.1-mini",
        "OPENAI_API_KEY",
        context_tokens=1_047_576,
        limit="max_completion_tokens",  # its reasoning models refuse the older name
    ),
    "ollama": Preset(
        "http://127.0.0.1:11434/v1",
        "qwen3:8b",
        # Whatever the model could hold: Ollama cuts prompts to this unless OLLAMA_CONTEXT_LENGTH says otherwise.
        context_tokens=4096,
        does_not_think={"reasoning_effort": "none"},
    ),
}
