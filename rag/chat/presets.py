"""Providers of OpenAI-compatible chat endpoints, by name. Sources: the providers' own API documentation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Preset:
    """The defaults of a provider.

    - `hosts`: where else the provider itself is reached, over HTTPS: its sites for other countries.
    - `key_variable`: the provider's usual environment variable, read if ZHIWEN_CHAT__API_KEY is not set.
    - `context_tokens`: how many tokens of prompt and answer `model` can take together; None if unknown.
    - `contexts`: the same for other models, by how their names begin.
    - `limit_parameter`: the request parameter that limits the length of the answer.
    - `thinking_on`, `thinking_off`: the request parameters that switch thinking on and off. If a model refuses them,
      the request is repeated without them.
    """

    base_url: str
    model: str
    key_variable: str = ""
    hosts: tuple[str, ...] = ()
    context_tokens: int | None = None
    contexts: Mapping[str, int] = field(default_factory=dict)
    limit_parameter: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    thinking_on: Mapping[str, object] = field(default_factory=dict)
    thinking_off: Mapping[str, object] = field(default_factory=dict)

    def is_address(self, base_url: str) -> bool:
        """Return whether an address is the provider's own, to which its key may go.

        >>> PRESETS["qwen"].is_address("https://dashscope.aliyuncs.com/api/v2")
        True
        >>> PRESETS["qwen"].is_address("http://dashscope.aliyuncs.com"), PRESETS["qwen"].is_address("https://x.example")
        (False, False)
        """
        own = {urlsplit(self.base_url)[:2], *(("https", host) for host in self.hosts)}
        return urlsplit(base_url)[:2] in own


_MILLION = 1_048_576
_TEMPLATE_OFF = {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}}
_TEMPLATE_ON = {"chat_template_kwargs": {"enable_thinking": True, "thinking": True}}
_SWITCH_ON, _SWITCH_OFF = {"enable_thinking": True}, {"enable_thinking": False}
_TYPE_ON, _TYPE_OFF = {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}}

CUSTOM = Preset("", "", thinking_on=_TEMPLATE_ON, thinking_off=_TEMPLATE_OFF)
"""Any other endpoint: the settings must name its address and model. vLLM, SGLang and llama.cpp have these switches."""

PRESETS = {
    "qwen": Preset(
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        "qwen-plus",
        "DASHSCOPE_API_KEY",
        ("dashscope-intl.aliyuncs.com", "dashscope-us.aliyuncs.com"),
        context_tokens=131_072,
        contexts={
            "qwen-plus-latest": 1_000_000,
            "qwen-flash": 1_000_000,
            "qwen3.5-plus": 1_000_000,
            "qwen3.6-plus": 1_000_000,
            "qwen3.7": 1_000_000,
            "qwen3.8": 1_000_000,
            "qwen3-max": 262_144,
            "qwen-max": 32_768,
        },
        thinking_on=_SWITCH_ON,
        thinking_off=_SWITCH_OFF,
    ),
    "siliconflow": Preset(
        "https://api.siliconflow.cn/v1",
        "Qwen/Qwen3-32B",
        "SILICONFLOW_API_KEY",
        ("api.siliconflow.com",),
        context_tokens=131_072,
        thinking_on=_SWITCH_ON,
        thinking_off=_SWITCH_OFF,
    ),
    "deepseek": Preset(
        "https://api.deepseek.com/v1",
        "deepseek-flash",  # deepseek-chat was switched off in July 2026
        "DEEPSEEK_API_KEY",
        context_tokens=1_000_000,
        contexts={"deepseek-v4": 1_000_000},
        thinking_on=_TYPE_ON,
        thinking_off=_TYPE_OFF,
    ),
    "zhipu": Preset(
        "https://open.bigmodel.cn/api/paas/v4",
        "glm-5.3-flash",
        "ZHIPUAI_API_KEY",
        ("api.z.ai",),
        context_tokens=_MILLION,
        contexts={"glm-5.2": 1_000_000, "glm-5.3": 1_000_000, "glm-5": 200_000, "glm-4.7": 200_000, "glm-4.5": 128_000},
        thinking_on=_TYPE_ON,
        thinking_off=_TYPE_OFF,
    ),
    "moonshot": Preset(
        "https://api.moonshot.cn/v1",
        "kimi-k2.6",
        "MOONSHOT_API_KEY",
        ("api.moonshot.ai",),
        context_tokens=262_144,
        contexts={"kimi-k3": _MILLION, "kimi-k2": 262_144},
        thinking_on=_TYPE_ON,
        thinking_off=_TYPE_OFF,
    ),
    "openai": Preset(
        "https://api.openai.com/v1",
        "gpt-5.4-mini",
        "OPENAI_API_KEY",
        context_tokens=400_000,
        contexts={
            "gpt-5.4": 1_050_000,
            "gpt-5.5": 1_050_000,
            "gpt-5.6": 1_050_000,
            "gpt-5": 400_000,
            "gpt-4.1": 1_047_576,
        },
        limit_parameter="max_completion_tokens",  # its reasoning models refuse max_tokens
        thinking_off={"reasoning_effort": "none"},
    ),
    "gemini": Preset(
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "gemini-3.8-flash",
        "GEMINI_API_KEY",
        context_tokens=_MILLION,
        contexts={"gemini-3": _MILLION, "gemini-2.5": _MILLION},
        thinking_off={"reasoning_effort": "low"},  # it cannot be switched off
    ),
    "mistral": Preset(
        "https://api.mistral.ai/v1",
        "mistral-medium-latest",
        "MISTRAL_API_KEY",
        context_tokens=262_144,
        contexts={"mistral-large-4": _MILLION, "mistral": 262_144, "magistral": 262_144},
    ),
    "ollama": Preset(
        "http://127.0.0.1:11434/v1",
        "qwen3:8b",
        # Ollama cuts prompts to this length, whatever the model can take, unless OLLAMA_CONTEXT_LENGTH is set.
        context_tokens=4096,
        thinking_off={"reasoning_effort": "none"},
    ),
}


def context_tokens_of(preset: Preset, model: str) -> int | None:
    """Return what a model of the preset can hold, prompt and answer together; None if that is not known.

    >>> context_tokens_of(PRESETS["moonshot"], "kimi-k3"), context_tokens_of(PRESETS["moonshot"], "moonshot-v1-8k")
    (1048576, None)
    """
    if model == preset.model:
        return preset.context_tokens
    beginnings = sorted((beginning for beginning in preset.contexts if model.startswith(beginning)), key=len)
    return preset.contexts[beginnings[-1]] if beginnings else None


def preset_of_address(base_url: str) -> Preset:
    """Return the preset of the provider at an address, or CUSTOM: a provider's switches hold whatever name is used.

    >>> preset_of_address("https://api.deepseek.com").model, preset_of_address("http://10.0.0.5:8000/v1") is CUSTOM
    ('deepseek-flash', True)
    """
    host = urlsplit(base_url).netloc
    return next((preset for preset in PRESETS.values() if urlsplit(preset.base_url).netloc == host), CUSTOM)
