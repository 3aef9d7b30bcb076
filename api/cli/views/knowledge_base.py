"""The names of knowledge bases in the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from api.cli.terminal import printable
from rag.settings import Settings


def print_name(console: Console, settings: Settings, name: str, *, of: Sequence[str]) -> None:
    """Print a knowledge base's name and title above what is said about it, unless it is the only one asked for."""
    if len(of) == 1:
        return
    title = settings.for_knowledge_base(name).knowledge.title
    console.print(Text(f"{name}  {printable(title)}".rstrip(), style="bold cyan"))
