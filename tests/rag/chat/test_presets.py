"""Each chat preset stands in all the places where people look for it: docs/extending/chat-preset.md names them."""

import re
from collections.abc import Collection, Mapping
from typing import get_args

from rag.chat.presets import PRESETS, Preset
from rag.settings import ChatSettings
from tests.kit.paths import ROOT

CONFIGURATION = "config.yaml"
TABLE = "docs/reference/chat-providers.md"
NOT_PRESETS = {"auto", "extractive", "custom"}
"""Values of chat.provider that stand for no provider."""

_ROW = re.compile(
    r"^\| `(?P<name>[\w-]+)` \| `(?P<base_url>http[^`]*)` \| `(?P<model>[^`]+)` \| (?P<key>.*?) \|$", re.M
)
_COMMENT = re.compile(r"^  provider: auto +#(?P<first>.*)\n(?P<rest>(?: +#.*\n)*)", re.MULTILINE)


def forgotten(presets: Mapping[str, Preset], choices: Collection[str], configuration: str, table: str) -> list[str]:
    """What is missing or left over, a line for each, with the file to mend."""
    comment = _COMMENT.search(configuration)
    # What `auto` means stands below the names.
    names = f"{comment['first']}{comment['rest']}".partition("auto:")[0] if comment else ""
    offered = set(re.findall(r"[\w-]+", names))
    rows = {row["name"]: row for row in _ROW.finditer(table)}
    lines = [
        f"rag/settings.py: add {name!r} to the Literal of ChatSettings.provider"
        for name in presets.keys() - set(choices)
    ]
    lines += [f"{CONFIGURATION}: add {name} to the comment of chat.provider" for name in presets.keys() - offered]
    lines += [f"{TABLE}: add a row for {name}" for name in presets.keys() - rows.keys()]
    lines += [
        f"{TABLE}: the row of {name} must have {preset.base_url}, {preset.model} and {preset.key_variable or 'no key'}"
        for name, preset in presets.items()
        if name in rows and not _says(rows[name], preset)
    ]
    extra = (set(choices) - NOT_PRESETS | rows.keys() | offered - NOT_PRESETS) - presets.keys()
    lines += [f"rag/chat/presets.py: add {name!r} to PRESETS, or take it out of the other files" for name in extra]
    return sorted(lines)


def _says(row: re.Match[str], preset: Preset) -> bool:
    key = re.search(r"`(\w+)`", row["key"])
    return (row["base_url"], row["model"], key[1] if key else "") == (
        preset.base_url,
        preset.model,
        preset.key_variable,
    )


def choices_of_provider() -> tuple[str, ...]:
    choices: tuple[str, ...] = get_args(ChatSettings.model_fields["provider"].annotation)
    return choices


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_preset_stands_in_the_settings_the_configuration_file_and_the_table() -> None:
    problems = forgotten(PRESETS, choices_of_provider(), read(CONFIGURATION), read(TABLE))
    assert problems == [], "see docs/extending/chat-preset.md"


def test_a_forgotten_place_is_named() -> None:
    presets = {**PRESETS, "nowhere": Preset("https://nowhere.example/v1", "a-model", "NOWHERE_API_KEY")}
    assert forgotten(presets, choices_of_provider(), read(CONFIGURATION), read(TABLE)) == [
        "config.yaml: add nowhere to the comment of chat.provider",
        "docs/reference/chat-providers.md: add a row for nowhere",
        "rag/settings.py: add 'nowhere' to the Literal of ChatSettings.provider",
    ]


def test_a_preset_without_an_entry_or_with_another_address_is_named() -> None:
    presets = {name: preset for name, preset in PRESETS.items() if name != "ollama"}
    presets["qwen"] = Preset("https://example.com/v1", "qwen-plus", "DASHSCOPE_API_KEY")
    assert forgotten(presets, choices_of_provider(), read(CONFIGURATION), read(TABLE)) == [
        "docs/reference/chat-providers.md: the row of qwen must have https://example.com/v1, qwen-plus and "
        "DASHSCOPE_API_KEY",
        "rag/chat/presets.py: add 'ollama' to PRESETS, or take it out of the other files",
    ]


def test_every_preset_can_be_named_as_a_fallback() -> None:
    unreadable = [name for name in PRESETS if not re.fullmatch(r"[a-z]+", name)]
    assert unreadable == [], "chat.fallbacks reads names of lower-case letters only"
