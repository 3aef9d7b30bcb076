"""What the sections of the configuration have in common: their base class and the types of their values."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, SecretStr

from rag.pasted_values import clean, clean_base_url, clean_key
from rag.url_credentials import refuse_credentials

Seconds = Annotated[float, Field(gt=0, le=3600)]
"""A duration of at most an hour."""

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
Name = Annotated[str, AfterValidator(clean)]
BaseURL = Annotated[str, AfterValidator(clean_base_url)]
Key = Annotated[SecretStr, AfterValidator(lambda key: SecretStr(clean_key(key.get_secret_value())))]


ENVIRONMENT_PREFIX = "ZHIWEN_"


def variable_of(section: str, key: str) -> str:
    """Return the environment variable of a setting.

    >>> variable_of("chat", "api_key"), variable_of("knowledge_bases.hr-handbook", "git_token")
    ('ZHIWEN_CHAT__API_KEY', 'ZHIWEN_KNOWLEDGE_BASES__HR_HANDBOOK__GIT_TOKEN')
    """
    return f"{ENVIRONMENT_PREFIX}{section}__{key}".upper().replace(".", "__").replace("-", "_")


class Section(BaseModel):
    """A section of the configuration: frozen, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    _found: frozenset[str] = PrivateAttr(default=frozenset())

    def mark_found(self, keys: Iterable[str]) -> None:
        """Note which values were found in the working directory. The loader calls it before anybody reads them."""
        self._found = frozenset(keys)

    def was_found(self, key: str) -> bool:
        """Return whether the value is from a file that nobody named: it may come with somebody else's documents."""
        return key in self._found


def no_credentials(instead: str) -> AfterValidator:
    """Refuse a user or password in a URL, or in the URLs of a list: the URLs are shown, and not masked everywhere."""

    def check(value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for text in (value,) if isinstance(value, str) else value:
            refuse_credentials(text, instead=instead)
        return value

    return AfterValidator(check)


def secrets_of(settings: type[BaseModel]) -> frozenset[tuple[str, str]]:
    """Return the section and the name of each secret."""
    sections = {name: field.annotation for name, field in settings.model_fields.items()}
    return frozenset(
        (section, name)
        for section, model in sections.items()
        if isinstance(model, type) and issubclass(model, BaseModel)
        for name in secrets_in(model)
    )


def secrets_in(section: type[BaseModel]) -> tuple[str, ...]:
    """Return the names of the secrets of a section: the settings whose values are masked."""
    return tuple(name for name, field in section.model_fields.items() if isinstance(field.default, SecretStr))
