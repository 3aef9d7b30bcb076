"""The checks of `zhiwen doctor` in the terminal."""

from rich.console import Console
from rich.text import Text

from api.cli.doctor import DoctorResponse
from api.cli.terminal import printable
from api.translations import say
from rag.text.language import Language

_SIGNS: dict[bool | None, tuple[str, str]] = {True: ("✓", "green"), False: ("✗", "bold red"), None: ("-", "dim")}


def print_checks(console: Console, found: DoctorResponse, language: Language) -> None:
    """Print one line for each check: what was checked, the result, and how to fix what is wrong."""
    for check in found.checks:
        sign, style = _SIGNS[check.ok]
        line = Text(f"{sign} {say(check.part, language)}: ", style=style)
        line.append(printable(check.message), style="default")
        if check.remedy:
            line.append(f" → {check.remedy}", style="yellow")
        console.print(line)
