"""The Compose file as Compose reads it: interpolated, then parsed by the rules of the Compose specification."""

import re
from collections.abc import Mapping
from typing import Any

import compose_spec
import yaml

from tests.kit.paths import ROOT

COMPOSE = (ROOT / "docker-compose.yml").read_text("utf-8")
EXAMPLE = (ROOT / ".env.example").read_text("utf-8")
FILLED_IN = {
    "ZHIWEN_SERVE__KEYS": "me:admin:" + "k" * 43,
    "MINIO_ROOT_PASSWORD": "p" * 24,
}

_VARIABLE = re.compile(r"\$(?:\{(?P<name>\w+)(?:(?P<rule>:-|:\?)(?P<rest>[^}]*))?\}|(?P<dollar>\$)|(?P<stray>.))")


class Missing(Exception):
    """The error of Compose for a variable that must be set."""


def variables(text: str = COMPOSE) -> set[str]:
    return {match["name"] for match in _VARIABLE.finditer(text) if match["name"]}


def example() -> dict[str, str]:
    lines = [line for line in EXAMPLE.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def interpolated(content: Any, environment: Mapping[str, str]) -> Any:
    """A parsed file with its variables filled in. Raises Missing if a required variable is not set."""
    if isinstance(content, dict):
        return {key: interpolated(value, environment) for key, value in content.items()}
    if isinstance(content, list):
        return [interpolated(value, environment) for value in content]
    return _filled(content, environment) if isinstance(content, str) else content


def _filled(text: str, environment: Mapping[str, str]) -> str:

    def value(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        assert not match["stray"], f"a dollar sign that starts no variable: {match[0]}"
        given = environment.get(match["name"], "")
        if given or match["rule"] == ":-":
            return given or match["rest"]
        raise Missing(f"{match['name']}: {match['rest']}")

    return _VARIABLE.sub(value, text)


def parsed(text: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """The services, networks and volumes. Raises ValueError if the file violates the specification."""
    content = interpolated(yaml.safe_load(text), environment)
    compose = compose_spec.PyOptions().from_yaml(yaml.safe_dump(content))
    compose.validate()
    compose.validate_networks()
    compose.validate_volumes()
    found: dict[str, Any] = compose.to_dict()
    return found


def composed(**environment: str) -> dict[str, Any]:
    """The file as read with a filled-in copy of .env.example; keyword arguments set further variables."""
    return parsed(COMPOSE, example() | FILLED_IN | environment)
