"""Old documents that answers rest on, in the terminal."""

from rich.console import Console
from rich.text import Text

from api.cli.terminal import snippet
from api.service.stale_documents import StaleResponse
from api.translations import say
from rag.text.language import Language


def print_stale(console: Console, found: StaleResponse, language: Language) -> None:
    """Print a line for each document: its date and where that is from, how many answers, its path and title."""
    key = "stale_found" if found.documents else "stale_none"
    console.print(say(key, language, days=found.days, found=found.found))
    for document in found.documents:
        line = Text(f"{document.date}  ", style="bold cyan")
        line.append(f"{say('stale_answers', language, answers=document.answers)}  ", style="yellow")
        line.append(snippet(document.source), style="green")
        line.append(f"  {snippet(document.title)}" if document.title else "", style="default")
        line.append(f"  {say(document.dated_by, language)}", style="dim")
        console.print(line)
