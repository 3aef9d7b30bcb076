"""The settings with their origins, as JSON."""

from pydantic import BaseModel, JsonValue


class SettingOut(BaseModel):
    """A setting. `origin` is `default`, or the file or variable that sets it.

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
