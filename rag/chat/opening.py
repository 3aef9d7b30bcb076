"""Settings → chat model: the one place that knows which provider is which class."""

import os
from collections.abc import Mapping

from rag.chat import ChatModel
from rag.chat.extractive import ExtractiveChat
from rag.chat.presets import PRESETS, Preset
from rag.config import ChatSettings
from rag.errors import ConfigError


def open_chat(settings: ChatSettings, environment: Mapping[str, str] = os.environ) -> ChatModel:
    """The configured chat model; nothing is contacted yet.

    `auto` is the given `base_url` if there is one, Qwen if there is only a key, and extractive otherwise. Raises
    ConfigError, naming the setting, if the provider needs one that is missing.
    """
    provider = _resolved(settings)
    if provider == "extractive":
        return ExtractiveChat()
    preset = PRESETS.get(provider, Preset("", ""))
    base_url = settings.base_url or preset.base_url
    model = settings.model or (preset.model if base_url == preset.base_url else "")
    key = settings.api_key.get_secret_value() or environment.get(preset.key_variable, "")
    if not base_url:
        raise ConfigError(f"chat.base_url is required with chat.provider: {provider} (ZHIWEN_CHAT__BASE_URL)")
    if not model:
        raise ConfigError(f"chat.model is required with the endpoint {base_url} (ZHIWEN_CHAT__MODEL)")
    if not key and preset.key_variable and base_url == preset.base_url:
        raise ConfigError(
            f"chat.provider: {provider} needs a key; set ZHIWEN_CHAT__API_KEY or {preset.key_variable}, "
            "or chat.provider: extractive to do without a model"
        )
    # Imported here: the client takes half a second to load, and most first runs do without it.
    from rag.chat.openai_compatible import OpenAIChat  # noqa: PLC0415

    return OpenAIChat(settings, name=f"{provider}/{model}", base_url=base_url, model=model, api_key=key)


def _resolved(settings: ChatSettings) -> str:
    if settings.provider != "auto":
        return settings.provider
    if settings.base_url:
        return "custom"
    return "qwen" if settings.api_key.get_secret_value() else "extractive"
