"""What is wrong with settings, in words of people who write them."""

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from rag.settings import SECRETS, KnowledgeSettings, Settings
from rag.source_settings import SOURCE_SECRETS
from rag.url_credentials import mask_credentials

BASES = "knowledge_bases"
"""The section with knowledge bases beside the default one."""
_RULES = {
    "Input should be": "must be",
    "a valid tuple": "a list",
    r"a valid dictionary or instance of \w+": "a section of `name: value`",
    r"Input is not a valid path for <.*>": "must be a path, in quotes if it is a number",
}
"""What pydantic says of a value, and what people know instead."""


def describe_flaws(error: ValidationError, path: Path, variables: Mapping[str, str]) -> str:
    """Return a line for each: the file or variable, the key, the rule and the value, unless it may be a secret."""
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        origin = variables.get(key) or variables.get(".".join(str(part) for part in problem["loc"][:2]), str(path))
        if problem["type"] == "extra_forbidden":
            lines.append(f"{origin}: unknown key {key}; known keys: {', '.join(known_keys(problem['loc']))}")
            continue
        # A value that is a whole section may contain a secret in the wrong place.
        is_secret = tuple(problem["loc"][:2]) in SECRETS or not {*SOURCE_SECRETS}.isdisjoint(problem["loc"])
        secret = is_secret or isinstance(problem["input"], dict | list)
        got = "" if secret else f", got {mask_credentials(repr(problem['input']))}"
        rule = problem["msg"].removeprefix("Value error, ")
        for theirs, ours in _RULES.items():
            rule = re.sub(theirs, ours, rule)
        lines.append(f"{origin}: {key} {rule[:1].lower()}{rule[1:]}{got}")
    return "\n".join(lines)


def known_keys(location: tuple[int | str, ...]) -> list[str]:
    """Return the names of all settings that may stand where this one does."""
    if location[0] == BASES and len(location) > 1:
        return sorted(KnowledgeSettings.model_fields)
    field = Settings.model_fields.get(str(location[0])) if len(location) > 1 else None
    model = field.annotation if field else Settings
    return sorted(model.model_fields)  # type: ignore[union-attr]
