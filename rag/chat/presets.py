"""Providers of OpenAI-compatible chat endpoints, by name. Sources: the providers' own API documentation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """`key_variable` is the provider's usual environment variable, read if ZHIWEN_CHAT__API_KEY is not set."""

    base_url: str
    model: str
    key_variable: str = ""


PRESETS = {
    "qwen": Preset("https://dashscope.aliyuncs.com/compatible-mode/v1", "qwen-plus", "DASHSCOPE_API_KEY"),
    "siliconflow": Preset("https://api.siliconflow.cn/v1", "Qwen/Qwen3-32B", "SILICONFLOW_API_KEY"),
    "deepseek": Preset("https://api.deepseek.com/v1", "deepseek-chat", "DEEPSEEK_API_KEY"),
    "openai": Preset("https://api.openai.com/v1", "gpt-4.1-mini", "OPENAI_API_KEY"),
    "ollama": Preset("http://127.0.0.1:11434/v1", "qwen3:8b"),
}
