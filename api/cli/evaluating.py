"""Run an evaluation for `zhiwen eval`: ask, compare, keep."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from api.cli import terminal
from api.cli.views.evaluation import evaluation_progress
from api.service.draft import DraftResponse
from api.service.evaluation import AT_ONCE, EVALUATE, EvaluationRequest, EvaluationResponse, WhichGeneration
from api.service.evaluation_report import LAST_RUN, PREVIOUS, EvaluationReport, make_report, read_report
from api.service.kept_evaluations import keep_report, last_good_report
from api.service.protocol import Service
from ingest.files.scan import GOLDEN_FILE
from ingest.golden.questions import GoldenQuestion, load_golden, read_golden
from rag.errors import KnowledgeError, StoreError
from rag.private_files import open_private
from rag.settings import Settings
from rag.text.language import Language


def read_questions(settings: Settings, file: Path | None) -> Sequence[GoldenQuestion]:
    """Return the questions of a file, by default those of the folder. Raises KnowledgeError if there are none."""
    questions = read_golden(file) if file else load_golden(settings.knowledge.path)
    if not questions:
        path = file or settings.knowledge.path / GOLDEN_FILE
        raise KnowledgeError(f"{path}: there are no golden questions yet; `zhiwen eval --draft 20` drafts some")
    return questions


@dataclass(frozen=True, slots=True)
class Asking:
    """Where golden questions are asked, and how; `language` is that of the progress bar."""

    service: Service
    knowledge_base: str
    language: Language
    judge: bool


def run_evaluation(
    asking: Asking, folder: Path, questions: Sequence[GoldenQuestion], *, baseline: Path | None, previous: bool
) -> EvaluationReport:
    """Ask the live generation, compare the outcome, and keep the report in the folder.

    It is compared with a report in the file `baseline`, with the generation before if `previous`, and else with the
    last good report that has any of the questions. Raises KnowledgeError for a bad baseline, StateUnavailable, and what
    the service raises.
    """
    keys = {entry.key for entry in questions}
    earlier = read_report(baseline) if baseline else last_good_report(folder, keys)
    name = str(baseline) if baseline else LAST_RUN
    if previous:
        earlier, name = make_report(_ask(asking, questions, "previous"), _now()), PREVIOUS
    report = make_report(_ask(asking, questions, "live"), _now(), earlier, name)
    keep_report(folder, report)
    return report


def write_drafts(drafted: DraftResponse, file: Path | None) -> None:
    """Write drafted questions as YAML to a new file, or to standard output. Raises KnowledgeError."""
    by = drafted.model or "rules"
    entries = [entry.model_dump(mode="json") for entry in drafted.questions]
    text = f"# Drafted from generation {drafted.generation} by {by}. Correct the questions before you keep them.\n"
    text += yaml.safe_dump({"questions": entries}, allow_unicode=True, sort_keys=False, width=120)
    if file is None:
        terminal.output().out(terminal.printable(text), end="", highlight=False)
        return
    try:
        with open(file, "x", encoding="utf-8", opener=open_private) as opened:
            opened.write(text)
    except FileExistsError as error:
        raise KnowledgeError(f"{file} exists, and may have been corrected; name another file") from error
    except OSError as error:
        raise KnowledgeError(f"{file} cannot be written: {error.strerror}") from error


def _ask(asking: Asking, questions: Sequence[GoldenQuestion], generation: WhichGeneration) -> EvaluationResponse:
    """Ask a few questions at a time. Raises StoreError if another generation goes live meanwhile."""
    responses: list[EvaluationResponse] = []
    with evaluation_progress(terminal.messages(), len(questions), asking.language) as advance:
        for start in range(0, len(questions), AT_ONCE):
            some = list(questions[start : start + AT_ONCE])
            request = EvaluationRequest(
                questions=some, generation=generation, judge=asking.judge, knowledge_base=asking.knowledge_base
            )
            responses.append(asking.service.call(EVALUATE, request))
            advance(len(some))
    if len({response.generation for response in responses}) > 1:
        raise StoreError("another generation went live while the questions were asked; run again")
    outcomes = [outcome for response in responses for outcome in response.outcomes]
    return EvaluationResponse(generation=responses[0].generation, outcomes=outcomes)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
