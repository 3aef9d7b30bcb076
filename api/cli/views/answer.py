"""An answer in the terminal: its text as the model writes it, unverified sentences, sources."""

from pathlib import Path

from rich.console import Console
from rich.text import Text

from api.cli.terminal import file_location, printable, snippet
from api.service.ask import AskRequest, AskResponse
from api.service.protocol import Service
from api.translations import say
from rag.text.language import Language
from rag.text.markdown_escape import unescape_markdown
from rag.types import PATH_SEPARATOR


def ask_and_print(service: Service, request: AskRequest, console: Console, language: Language) -> AskResponse:
    """Ask, print the answer while it is written, and return it. Raises as `Service.ask`.

    `language` is the language of the question.
    """
    has_text = False

    def show(piece: str) -> None:
        nonlocal has_text
        has_text = True
        console.print(printable(piece), end="")

    answer = service.ask(request, on_text=show)
    if has_text:
        console.print()
    if answer.refused:
        console.print(printable(unescape_markdown(answer.answer)))
    _print_unverified(console, answer, language)
    _print_sources(console, answer, service, language)
    return answer


def _print_unverified(console: Console, answer: AskResponse, language: Language) -> None:
    if not answer.unverified:
        return
    console.print(f"\n{say('unverified', language)}", style="bold yellow")
    for sentence in answer.unverified:
        console.print(Text(f"  ! {snippet(sentence)}", style="yellow"))


def _print_sources(console: Console, answer: AskResponse, service: Service, language: Language) -> None:
    if not answer.citations:
        return
    console.print(f"\n{say('sources', language)}", style="bold")
    roots = {name: Path(service.root(name)) for name in {citation.knowledge_base for citation in answer.citations}}
    for citation in answer.citations:
        line = Text(f"[{citation.number}] ", style="bold cyan")
        if len(answer.generations) > 1:
            line.append(f"{citation.knowledge_base}: ", style="green")
        line.append(
            file_location(roots[citation.knowledge_base], citation.source, citation.start_line, citation.end_line),
            style="green",
        )
        if citation.heading_path:
            line.append(f"  {printable(PATH_SEPARATOR.join(citation.heading_path))}", style="dim")
        if citation.date:
            line.append(f"  {citation.date}", style="dim")
        console.print(line)
        console.print(Text("    " + snippet(citation.quote), style="dim"))
        if citation.url.startswith(("https://", "http://")):
            console.print(Text(f"    {printable(citation.url)}", style="dim"))
