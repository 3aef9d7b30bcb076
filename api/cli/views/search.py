"""The hits of a search in the terminal, and how they were found."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.text import Text

from api.cli.terminal import file_location, printable, snippet
from api.service.search import SearchResponse
from api.translations import say
from rag.retrieval.explanation import Explanation
from rag.text.language import Language
from rag.types import PATH_SEPARATOR

_MAX_CANDIDATES = 20


def print_hits(console: Console, found: SearchResponse, roots: Mapping[str, Path], language: Language) -> None:
    """Print each hit with its rank, score, place and text. `roots` are the folders of the knowledge bases, by name."""
    if not found.hits:
        console.print(say("no_hits", language))
    for rank, hit in enumerate(found.hits, 1):
        line = Text(f"{rank:>2}. ", style="bold cyan")
        line.append(f"{hit.score:.3f}  ", style="yellow")
        if len(found.generations) > 1:
            line.append(f"{hit.knowledge_base}: ", style="green")
        line.append(file_location(roots[hit.knowledge_base], hit.source, hit.start_line, hit.end_line), style="green")
        if hit.heading_path:
            line.append(f"  {printable(PATH_SEPARATOR.join(hit.heading_path))}", style="dim")
        console.print(line)
        console.print(Text("    " + snippet(hit.content)))


def print_explanation(console: Console, explanation: Explanation, language: Language) -> None:
    """Print the terms of the question, the 20 best candidates with their scores, and the time of each stage."""
    terms = "  ".join(f"{term.term} {term.idf:.1f}" for term in explanation.terms)
    console.print(f"\n{say('terms', language)}: {printable(terms)}")
    console.print(say("evidence", language, probability=explanation.evidence, weight=explanation.lexical_weight))
    console.print(say("candidates", language), style="bold")
    is_joint = len({candidate.knowledge_base for candidate in explanation.candidates}) > 1
    locations = {
        candidate.id: f"{f'{candidate.knowledge_base}: ' if is_joint else ''}{candidate.source}:{candidate.start_line}"
        for candidate in explanation.candidates
    }
    for candidate in explanation.candidates[:_MAX_CANDIDATES]:
        ranks = f"{candidate.dense_rank or '–'}/{candidate.lexical_rank or '–'}"
        scores = f"{candidate.score:6.3f} {candidate.cosine:8.3f} {candidate.bm25:7.1f} {candidate.coverage:6.2f}"
        line = Text(f"{scores} {ranks:>9}  ", style="yellow" if candidate.dropped is None else "dim")
        line.append(printable(f"{locations[candidate.id]} ({candidate.kind})"), style="green")
        if candidate.dropped:
            line.append(f"  {_why_dropped(candidate.dropped, locations, language)}", style="dim")
        console.print(line)
    stages = "  ".join(f"{stage} {milliseconds:.1f} ms" for stage, milliseconds in explanation.milliseconds.items())
    console.print(stages, style="dim")
    for warning in explanation.warnings:
        console.print(printable(warning), style="yellow")


def _why_dropped(reason: str, locations: Mapping[str, str], language: Language) -> str:
    """Translate the reason; where it names a chunk by its id, name its location instead."""
    if reason.startswith("beyond"):
        return say("dropped_rank", language)
    same_as = reason.removeprefix("the same text as ")
    return say("dropped_same", language, location=printable(locations[same_as])) if same_as in locations else reason
