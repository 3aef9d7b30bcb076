"""The report of an evaluation, and how it differs from another one."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from api.service.evaluation import EvaluationResponse, FailureOut, OutcomeOut
from rag.errors import KnowledgeError

LAST_RUN = "last"
PREVIOUS = "previous"
"""The names of two baselines: the last good run, and the generation before. Others are called by their file."""

_MAX_BYTES = 64 * 1024 * 1024


class BaselineOut(BaseModel):
    """What an evaluation was compared with: an earlier run, a file, or the generation before."""

    name: str
    at: str
    generation: int
    models: list[str]


class FlipOut(BaseModel):
    """A question that fails now and passed in the baseline, with both answers."""

    question: str
    failures: list[FailureOut]
    before: str
    after: str


class EvaluationReport(BaseModel):
    """How golden questions were answered at a time, in UTC as ISO 8601.

    `flipped` passed in the baseline and fail now, `new_failures` fail now and are not in the baseline, `mended` are the
    other way round from `flipped`. `ok` is true if there are no flipped ones and no new failures: without a baseline,
    if all questions passed.
    """

    at: str
    generation: int
    models: list[str]
    passed: int
    failed: int
    ok: bool
    baseline: BaselineOut | None = None
    flipped: list[FlipOut] = []
    new_failures: list[str] = []
    mended: list[str] = []
    outcomes: list[OutcomeOut] = Field(min_length=1)


def make_report(
    response: EvaluationResponse, at: str, baseline: EvaluationReport | None = None, name: str = ""
) -> EvaluationReport:
    """Return the report of an evaluation, compared with the report `baseline`, which is called `name`.

    Questions are the same if nothing in them has changed, what is expected included.
    """
    before = {outcome.key: outcome for outcome in baseline.outcomes} if baseline else {}
    now = response.outcomes
    failed = [outcome for outcome in now if not outcome.passed]
    flipped = [_flip(outcome, before[outcome.key]) for outcome in failed if _passed(before.get(outcome.key))]
    new_failures = [outcome.question for outcome in failed if outcome.key not in before]
    return EvaluationReport(
        at=at,
        generation=response.generation,
        models=_models(now),
        passed=len(now) - len(failed),
        failed=len(failed),
        ok=not (flipped or new_failures),
        baseline=_baseline(baseline, name) if baseline else None,
        flipped=flipped,
        new_failures=new_failures,
        mended=[each.question for each in now if each.passed and each.key in before and not before[each.key].passed],
        outcomes=now,
    )


def read_report(path: Path) -> EvaluationReport:
    """Return a report that `zhiwen eval --json` printed or that was kept. Raises KnowledgeError for any other file."""
    try:
        with path.open("rb") as file:
            return EvaluationReport.model_validate_json(file.read(_MAX_BYTES))
    except OSError as error:
        raise KnowledgeError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise KnowledgeError(
            f"{path} is not a report of `zhiwen eval --json`; name another one, or delete it"
        ) from error


def _flip(now: OutcomeOut, before: OutcomeOut) -> FlipOut:
    return FlipOut(question=now.question, failures=now.failures, before=before.answer, after=now.answer)


def _passed(outcome: OutcomeOut | None) -> bool:
    return outcome is not None and outcome.passed


def _models(outcomes: Sequence[OutcomeOut]) -> list[str]:
    return list(dict.fromkeys(outcome.model for outcome in outcomes if outcome.model))


def _baseline(report: EvaluationReport, name: str) -> BaselineOut:
    return BaselineOut(name=name, at=report.at, generation=report.generation, models=report.models)
