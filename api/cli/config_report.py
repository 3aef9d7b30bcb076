"""Every setting with its value and where the value comes from."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, JsonValue, SecretStr

from rag.settings import KnowledgeSettings, Settings
from rag.settings_loader import load_settings_with_origins
from rag.url_credentials import mask_credentials


class SettingOut(BaseModel):
    """A setting. `origin` is `default`, or the file, variable or option that sets it.

    The `value` of a secret is always null; `set` is true if it has one.
    """

    name: str
    value: JsonValue
    origin: str
    secret: bool = False
    set: bool = True


class ConfigResponse(BaseModel):
    """All settings."""

    settings: list[SettingOut]


DEFAULT = "default"


def config_report(file: Path | None, knowledge: Path | None = None) -> ConfigResponse:
    """Load the configuration and list its settings, without secrets and the passwords in URLs.

    `file` and `knowledge` are as for `load_settings`. Raises ConfigError.
    """
    settings, origins = load_settings_with_origins(file, knowledge=knowledge)
    return ConfigResponse(settings=list(_settings(settings, origins)))


def _settings(settings: Settings, origins: Mapping[str, str]) -> Iterator[SettingOut]:
    for section in Settings.model_fields:
        for key, value in getattr(settings, section):
            name = f"{section}.{key}"
            origin = origins.get(name, DEFAULT)
            if isinstance(value, KnowledgeSettings):
                for of_base, its_value in value:
                    its_origin = origin if of_base in value.model_fields_set else DEFAULT
                    yield _setting(f"{name}.{of_base}", its_value, origins.get(f"{name}.{of_base}", its_origin))
            else:
                yield _setting(name, value, origin)


def _setting(name: str, value: object, origin: str) -> SettingOut:
    if isinstance(value, SecretStr):
        return SettingOut(name=name, value=None, origin=origin, secret=True, set=bool(value.get_secret_value()))
    return SettingOut(name=name, value=_json_value(value), origin=origin)


def _json_value(value: object) -> JsonValue:
    if isinstance(value, tuple):
        return [_json_value(item) for item in value]
    return value if isinstance(value, bool | int | float) else mask_credentials(str(value))
