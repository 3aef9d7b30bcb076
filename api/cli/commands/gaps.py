"""`zhiwen gaps`."""

from typing import Annotated

import typer

from api.cli import terminal
from api.cli.json_output import AsJson, print_json
from api.cli.options import KnowledgeBase, settings_of
from api.cli.views.gaps import golden_yaml, print_gaps
from api.cli.views.stale_documents import print_stale
from api.service.factory import open_service
from api.service.gap_csv import gaps_as_csv
from api.service.gaps import GAPS, MAX_GAPS, GapsRequest, GapsResponse
from api.service.stale_documents import STALE, StaleRequest
from api.translations import interface_language, say
from rag.knowledge_base_names import DEFAULT

_Limit = Annotated[int, typer.Option(min=1, max=MAX_GAPS, help="The number of gaps.")]
_Days = Annotated[
    int | None,
    typer.Option(
        min=1, max=3650, help="Only questions of the last days; with --stale, documents older than that [365]."
    ),
]
_Csv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
_Golden = Annotated[bool, typer.Option("--golden", help="Print golden questions, as YAML to correct.")]
_Stale = Annotated[bool, typer.Option("--stale", help="List old documents instead, by how many answers rest on them.")]
_Draft = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Print the frame of the paragraph that gap N misses, as Markdown."),
]


def gaps(  # noqa: PLR0913  (the options of the command)
    context: typer.Context,
    limit: _Limit = 20,
    days: _Days = None,
    as_csv: _Csv = False,
    golden: _Golden = False,
    draft: _Draft = None,
    stale: _Stale = False,
    *,
    kb: KnowledgeBase = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """List what nobody could answer, grouped by what was asked for.

    Questions are kept only if `traces.keep_questions` is on.
    """
    if as_csv + golden + as_json + (draft is not None) > 1:
        raise typer.BadParameter("choose one of --csv, --golden, --draft and --json")
    if stale and (as_csv or golden or draft):
        raise typer.BadParameter("--stale lists documents; it goes with --days, --limit and --json")
    settings = settings_of(context)
    settings.for_knowledge_base(kb)  # raises an error if there is no such knowledge base
    with open_service(settings) as service:
        if stale:
            old = service.call(STALE, StaleRequest(older_than_days=days or 365, limit=limit, knowledge_base=kb))
            return print_json(old) if as_json else print_stale(terminal.output(), old, interface_language())
        found = service.call(GAPS, GapsRequest(limit=limit, days=days, knowledge_base=kb))
    if as_json:
        print_json(found)
    elif as_csv:
        _print_as_it_is(gaps_as_csv(found.gaps))
    elif golden:
        _print_as_it_is(golden_yaml(found.gaps))
    elif draft is not None:
        _print_as_it_is(_drafted(found, draft))
    else:
        print_gaps(terminal.output(), found, interface_language())
    return None


def _drafted(found: GapsResponse, number: int) -> str:
    if number > len(found.gaps):
        raise typer.BadParameter(say("gap_unknown", interface_language(), number=number, shown=len(found.gaps)))
    return found.gaps[number - 1].draft


def _print_as_it_is(text: str) -> None:
    terminal.output().out(terminal.printable(text), end="", highlight=False)
