"""Settings → chat model: the one place that knows which provider is which class."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from rag.chat.fallback import FallbackChat
from rag.chat.presets import CUSTOM, PRESETS, Preset
from rag.chat.prices import Price, read_prices
from rag.chat.protocol import ChatModel
from rag.errors import ConfigError
from rag.settings import ChatSettings

_FALLBACK = re.compile(r"(?P<provider>[a-z]+)(?:/(?P<model>.+?))?(?:@(?P<base_url>https?://\S+))?")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One model of the chain. `setting` is where it was asked for; no representation shows the key."""

    provider: str
    setting: str
    model: str
    base_url: str
    api_key: str
    key_setting: str

    def __repr__(self) -> str:
        return f"{self.provider}/{self.model}"

    @property
    def preset(self) -> Preset:
        return PRESETS.get(self.provider, CUSTOM)


def open_chat(settings: ChatSettings, environment: Mapping[str, str] = os.environ) -> FallbackChat | None:
    """The configured chat model with its fallbacks, or None if answers are quoted. Nothing is contacted yet.

    `auto` is the given `base_url` if there is one, Qwen if there is only a key, and no model otherwise. Raises
    ConfigError, naming the setting, if the provider needs one that is missing.
    """
    prices = read_prices(settings.prices)
    provider = _resolved(settings)
    if provider == "extractive":
        if settings.fallbacks:
            raise ConfigError("chat.fallbacks is set, but no chat.provider before them; name the first of them there")
        return None
    first = _Wanted(
        provider,
        f"chat.provider: {provider}",
        settings.model,
        settings.base_url,
        settings.api_key.get_secret_value(),
        "ZHIWEN_CHAT__API_KEY",
    )
    wanted = [first, *(_fallback(line, settings, first) for line in settings.fallbacks)]
    return FallbackChat([_open(one, settings, prices, environment) for one in wanted], settings)


def _open(
    wanted: _Wanted, settings: ChatSettings, prices: Mapping[str, Price], environment: Mapping[str, str]
) -> ChatModel:
    preset = wanted.preset
    base_url = wanted.base_url or preset.base_url
    model = wanted.model or (preset.model if base_url == preset.base_url else "")
    key = wanted.api_key or environment.get(preset.key_variable, "")
    if not base_url:
        way_out = "ZHIWEN_CHAT__BASE_URL" if wanted.setting.startswith("chat.provider") else "custom/model@http://…"
        raise ConfigError(f"chat.base_url is required with {wanted.setting} ({way_out})")
    if not model:
        raise ConfigError(f"chat.model is required with the endpoint {base_url} (ZHIWEN_CHAT__MODEL)")
    if not key and preset.key_variable and base_url == preset.base_url:
        either = f"{wanted.key_setting} or {preset.key_variable}" if wanted.key_setting else preset.key_variable
        raise ConfigError(
            f"{wanted.setting} needs a key; set {either}, or chat.provider: extractive to do without a model"
        )
    # Imported here: the client takes half a second to load, and most first runs do without it.
    from rag.chat.openai_compatible import OpenAIChat  # noqa: PLC0415

    name = f"{wanted.provider}/{model}"
    return OpenAIChat(
        settings, name=name, base_url=base_url, model=model, api_key=key, preset=preset, price=prices.get(name)
    )


def _fallback(line: str, settings: ChatSettings, first: _Wanted) -> _Wanted:
    """`provider`, `provider/model` or `provider/model@address`. A key goes only where it was given for."""
    match = _FALLBACK.fullmatch(line)
    provider = match["provider"] if match else ""
    if match is None or provider not in {*PRESETS, "custom"}:
        raise ConfigError(
            f"chat.fallbacks must be {', '.join(PRESETS)} or custom, each with or without /model and @http…, "
            f"got {line!r}"
        )
    base_url = match["base_url"] or ""
    is_the_same = provider == first.provider and base_url == first.base_url
    if provider == "custom" and not is_the_same:
        key, key_setting = settings.fallback_api_key.get_secret_value(), "ZHIWEN_CHAT__FALLBACK_API_KEY"
    else:
        key, key_setting = (first.api_key, first.key_setting) if is_the_same else ("", "")
    return _Wanted(provider, f"chat.fallbacks: {line}", match["model"] or "", base_url, key, key_setting)


def _resolved(settings: ChatSettings) -> str:
    if settings.provider != "auto":
        return settings.provider
    if settings.base_url:
        return "custom"
    return "qwen" if settings.api_key.get_secret_value() else "extractive"
