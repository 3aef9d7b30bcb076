"""Build the chat model that the settings ask for: the one place that knows which provider is which class."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rag.chat.fallback import FallbackChat
from rag.chat.presets import CUSTOM, PRESETS, Preset, preset_of_address
from rag.chat.prices import Price, parse_prices
from rag.chat.protocol import ChatModel
from rag.errors import ConfigError
from rag.pasted_values import clean_base_url, clean_key
from rag.settings import ChatSettings
from rag.settings_loader import DEFAULT_FILE

_FALLBACK = re.compile(r"(?P<provider>[a-z]+)(?:/(?P<model>.+?))?(?:@(?P<base_url>https?://\S+))?")


@dataclass(frozen=True, slots=True)
class _ModelSpec:
    """One configured model.

    `setting` names the setting that asks for it, `key_setting` the variable that may hold its key. `address_was_found`
    says that its address is from a file that nobody named. The repr does not show the key.
    """

    provider: str
    setting: str
    model: str
    base_url: str
    api_key: str
    key_setting: str
    address_was_found: bool = False
    extra_body: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"{self.provider}/{self.model}"

    @property
    def preset(self) -> Preset:
        return PRESETS.get(self.provider, CUSTOM)

    def key(self, environment: Mapping[str, str]) -> tuple[str, str]:
        """Return the key and the variable that holds it or should hold it. Raises ConfigError without the key."""
        variable = self.preset.key_variable
        if self.api_key or not variable:
            return self.api_key, self.key_setting or variable or "ZHIWEN_CHAT__API_KEY"
        if environment.get(variable) and self.address_was_found and not self.preset.is_address(self.base_url):
            raise ConfigError(
                f"{self.setting}: {self.base_url} is no address of {self.provider}, and only the {DEFAULT_FILE} in "
                f"this folder names it, so the key in {variable} is not sent there; if that file is yours, run "
                f"`zhiwen --config {DEFAULT_FILE} …`"
            )
        try:
            return clean_key(environment.get(variable, "")), variable
        except ValueError as error:
            raise ConfigError(f"{variable}: {error}") from error

    def switches(self, base_url: str) -> Preset:
        """Return the preset whose parameters the endpoint knows: a provider's own, whatever `provider` says."""
        return self.preset if self.provider != "custom" else preset_of_address(base_url)


def open_chat(settings: ChatSettings, environment: Mapping[str, str] = os.environ) -> FallbackChat | None:
    """Return the configured chat model with its fallbacks, or None if answers are quoted. No server is contacted yet.

    The provider `auto` means the endpoint at `base_url` if one is set, Qwen if only a key is set, and no model
    otherwise. Raises ConfigError, naming the setting, if a provider lacks its address, model or key.
    """
    prices = parse_prices(settings.prices)
    provider = _resolve_provider(settings)
    if provider == "extractive":
        if settings.fallbacks:
            raise ConfigError("chat.fallbacks is set, but no chat.provider; set chat.provider to the first model")
        return None
    first = _ModelSpec(
        provider,
        f"chat.provider: {provider}",
        settings.model,
        settings.base_url,
        settings.api_key.get_secret_value(),
        "ZHIWEN_CHAT__API_KEY",
        bool(settings.base_url) and settings.was_found("base_url"),
        settings.extra_body,
    )
    specs = [first, *(_parse_fallback(line, settings, first) for line in settings.fallbacks)]
    return FallbackChat([_open_model(spec, settings, prices, environment) for spec in specs], settings)


def _resolve_provider(settings: ChatSettings) -> str:
    if settings.provider != "auto":
        return settings.provider
    if settings.base_url:
        return "custom"
    return "qwen" if settings.api_key.get_secret_value() else "extractive"


def _parse_fallback(line: str, settings: ChatSettings, first: _ModelSpec) -> _ModelSpec:
    """Parse `provider`, `provider/model` or `provider/model@address`. A key is sent only to the address it is for."""
    match = _FALLBACK.fullmatch(line)
    provider = match["provider"] if match else ""
    if match is None or provider not in {*PRESETS, "custom"}:
        raise ConfigError(
            f"chat.fallbacks must be {', '.join(PRESETS)} or custom, optionally followed by /model and @http…, "
            f"got {line!r}"
        )
    base_url = clean_base_url(match["base_url"] or "")
    has_address_of_first = provider == first.provider and base_url == first.base_url
    if provider == "custom" and not has_address_of_first:
        key, key_setting = settings.fallback_api_key.get_secret_value(), "ZHIWEN_CHAT__FALLBACK_API_KEY"
    else:
        key, key_setting = (first.api_key, first.key_setting) if has_address_of_first else ("", "")
    address_was_found = bool(base_url) and settings.was_found("fallbacks")
    model = match["model"] or ""
    return _ModelSpec(provider, f"chat.fallbacks: {line}", model, base_url, key, key_setting, address_was_found)


def _open_model(
    spec: _ModelSpec, settings: ChatSettings, prices: Mapping[str, Price], environment: Mapping[str, str]
) -> ChatModel:
    preset = spec.preset
    base_url = spec.base_url or preset.base_url
    model = spec.model or (preset.model if base_url == preset.base_url else "")
    key, key_variable = spec.key(environment)
    if not base_url:
        example = "ZHIWEN_CHAT__BASE_URL" if spec.setting.startswith("chat.provider") else "custom/model@http://…"
        raise ConfigError(f"chat.base_url is required with {spec.setting} ({example})")
    if not model:
        raise ConfigError(f"chat.model is required with the endpoint {base_url} (ZHIWEN_CHAT__MODEL)")
    if not key and preset.key_variable and base_url == preset.base_url:
        variables = f"{spec.key_setting} or {preset.key_variable}" if spec.key_setting else preset.key_variable
        raise ConfigError(
            f"{spec.setting} needs a key; set {variables}, or set chat.provider: extractive to answer without a model"
        )
    # Imported here: the client takes half a second to load, and most first runs do not need it.
    from rag.chat.openai_compatible import OpenAIChat  # noqa: PLC0415

    name = f"{spec.provider}/{model}"
    return OpenAIChat(
        settings,
        name=name,
        base_url=base_url,
        model=model,
        api_key=key,
        preset=spec.switches(base_url),
        price=prices.get(name),
        key_variable=key_variable,
        extra_body=spec.extra_body,
    )
