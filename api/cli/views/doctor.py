"""The checks of `zhiwen doctor` in the terminal."""

from rich.console import Console
from rich.text import Text

from api.cli.doctor import DoctorResponse
from api.cli.terminal import printable
from api.translations import say
from rag.text.language import Language

_SIGNS: dict[bool | None, tuple[str, str]] = {True: ("✓", "green"), False: ("✗", "bold red"), None: ("-", "dim")}


def print_checks(console: Console, found: DoctorResponse, language: Language) -> None:
    """Print one line for each check: what was checked, the result, and how to fix what is wrong.

    Knowledge bases are named if there are several.
    """
    are_several = len({check.knowledge_base for check in found.checks} - {""}) > 1
    for check in found.checks:
        sign, style = _SIGNS[check.ok]
        which = f" {check.knowledge_base}" if are_several and check.knowledge_base else ""
        line = Text(f"{sign} {say(check.part, language)}{which}: ", style=style)
        line.append(printable(check.message), style="default")
        if check.remedy:
            line.append(f" → {check.remedy}", style="yellow")
        console.print(line)
