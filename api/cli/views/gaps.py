"""What nobody could answer, in the terminal."""

from collections.abc import Sequence

import yaml
from rich.console import Console
from rich.text import Text

from api.cli.terminal import printable, snippet
from api.service.gaps import GapOut, GapsResponse
from api.translations import say
from rag.text.language import Language
from rag.types import PATH_SEPARATOR

_MAX_OTHERS = 3


def print_gaps(console: Console, found: GapsResponse, language: Language) -> None:
    """Print a few lines for each gap: the question, how often and when, other ways to ask, the nearest section."""
    if not found.gaps:
        console.print(say("gaps_none" if found.kept else "gaps_off", language))
        return
    console.print(say("gaps_found", language, found=found.found, asked=found.asked))
    for number, gap in enumerate(found.gaps, 1):
        console.print()
        console.print(Text(f"{number}. ", style="bold cyan").append(snippet(gap.question), style="default"))
        console.print(f"   {_counts(gap, language)}", style="dim")
        for text in [text for text in gap.questions if text != gap.question][:_MAX_OTHERS]:
            console.print(f"   · {snippet(text)}")
        if gap.nearest:
            place = PATH_SEPARATOR.join((gap.nearest.source, *gap.nearest.heading_path))
            console.print(f"   {say('gap_nearest', language, place=snippet(place))}", style="green")
        if gap.answerable:
            console.print(f"   {say('gap_answerable', language)}", style="yellow")
    if len(found.gaps) < found.found:
        console.print()
        console.print(say("gaps_more", language, shown=len(found.gaps)), style="dim")


def golden_yaml(gaps: Sequence[GapOut]) -> str:
    """Return the gaps as entries for `golden.yaml`, for a person to correct."""
    entries = [gap.golden.model_dump(mode="json") for gap in gaps]
    comment = "# Questions without an answer. Name the document that is to answer each, or set `refused: true`.\n"
    return comment + yaml.safe_dump({"questions": entries}, allow_unicode=True, sort_keys=False, width=120)


def _counts(gap: GapOut, language: Language) -> str:
    problems = {"refused": gap.refused, "unverified": gap.unverified, "disliked": gap.disliked}
    parts = [say("gap_asked", language, count=gap.asked)]
    parts += [say(f"gap_{name}", language, count=count) for name, count in problems.items() if count]
    first, last = (f"{time:%Y-%m-%d}" for time in (gap.first_asked, gap.last_asked))
    parts.append(last if first == last else say("gap_between", language, first=first, last=last))
    return printable(" · ".join(parts))
