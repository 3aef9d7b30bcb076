"""The settings in the terminal."""

import json

from rich.console import Console
from rich.text import Text

from api.cli.config_report import ConfigResponse
from api.cli.terminal import printable
from api.translations import say
from rag.text.language import Language


def print_settings(console: Console, found: ConfigResponse, language: Language) -> None:
    """Print one line for each setting: its name, its value, and the file or variable that sets it."""
    width = max(len(setting.name) for setting in found.settings)
    for setting in found.settings:
        value = json.dumps(setting.value, ensure_ascii=False)
        if setting.secret:
            value = say("secret_set" if setting.set else "secret_unset", language)
        line = Text(f"{setting.name:<{width}}  ", style="bold" if setting.origin != "default" else "dim")
        line.append(printable(value))
        if setting.origin != "default":
            line.append(f"  ({printable(setting.origin)})", style="cyan")
        console.print(line)
