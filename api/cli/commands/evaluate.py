"""`zhiwen eval`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from api.cli import terminal
from api.cli.evaluating import Asking, read_questions, run_evaluation, write_drafts
from api.cli.ingesting import ensure_ingested
from api.cli.json_output import AsJson, print_json
from api.cli.junit import write_junit
from api.cli.options import KnowledgeBase, settings_of
from api.cli.views.evaluation import print_evaluation
from api.service.draft import DRAFT, MAX_DRAFTS, DraftRequest
from api.service.factory import open_service
from api.service.kept_evaluations import evaluations_folder
from api.translations import interface_language
from rag.knowledge_base_names import DEFAULT


class Generation(StrEnum):
    """What `--generation` takes."""

    PREVIOUS = "previous"


_File = Annotated[
    Path | None,
    typer.Argument(
        help="Golden questions [default: golden.yaml in the folder]; with --draft, a new file for the drafts."
    ),
]
_Judge = Annotated[bool, typer.Option("--judge", help="Let the chat model compare answers with their `reference`.")]
_Baseline = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Compare with this output of --json, not with the last good run.")
]
_Generation = Annotated[Generation | None, typer.Option(help="Compare with the generation before the live one.")]
_Junit = Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the results as JUnit XML.")]
_Draft = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=1, max=MAX_DRAFTS, help="Draft N questions from the documents instead, as YAML to correct."
    ),
]


def evaluate(  # noqa: PLR0913  (the options of the command)
    context: typer.Context,
    file: _File = None,
    judge: _Judge = False,
    baseline: _Baseline = None,
    generation: _Generation = None,
    junit: _Junit = None,
    draft: _Draft = None,
    *,
    kb: KnowledgeBase = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Ask golden questions, and compare the answers with what is expected.

    The exit status is 1 if a question fails that did not fail in the run compared with.
    """
    if baseline and generation:
        raise typer.BadParameter("compare either with --baseline or with --generation, not with both")
    settings, language = settings_of(context), interface_language()
    questions = () if draft else read_questions(settings.for_knowledge_base(kb), file)
    with open_service(settings) as service:
        ensure_ingested(service, settings, language, knowledge_bases=[kb])
        if draft:
            drafted = service.call(DRAFT, DraftRequest(count=draft, knowledge_base=kb))
            return print_json(drafted) if as_json else write_drafts(drafted, file)
        asking = Asking(service, kb, language, judge=judge)
        folder = evaluations_folder(settings, kb)
        report = run_evaluation(asking, folder, questions, baseline=baseline, previous=generation is not None)
    if junit:
        write_junit(report, junit)
    if as_json:
        print_json(report)
    else:
        print_evaluation(terminal.output(), report, language)
    raise typer.Exit(0 if report.ok else 1)
