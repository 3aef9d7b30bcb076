"""The settings in force, as JSON."""

from pydantic import BaseModel, JsonValue


class SettingOut(BaseModel):
    """`value` is null for a secret; `set` says whether it has one. `origin` is `default`, a file or a variable."""

    name: str
    value: JsonValue
    origin: str
    secret: bool = False
    set: bool = True


class ConfigResponse(BaseModel):
    """Every setting."""

    settings: list[SettingOut]
