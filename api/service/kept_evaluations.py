"""The reports of the last evaluations, kept as files beside the index."""

import re
from collections.abc import Collection
from pathlib import Path

from api.service.evaluation_report import EvaluationReport, read_report
from rag.errors import StateUnavailable
from rag.knowledge_base_names import DEFAULT
from rag.private_files import make_private, make_private_folder, open_private
from rag.settings import Settings

MAX_KEPT = 20
"""The number of reports that are kept; if all of them are bad, the last good one is kept as well."""


def evaluations_folder(settings: Settings, knowledge_base: str = DEFAULT) -> Path:
    """Return the folder of the reports of a knowledge base: beside the file of the index, else in `.zhiwen`."""
    index = settings.store.uri
    folder = (Path(".zhiwen") if "://" in index else Path(index).parent) / "evaluations"
    return folder if knowledge_base == DEFAULT else folder / knowledge_base


def last_good_report(folder: Path, keys: Collection[str]) -> EvaluationReport | None:
    """Return the newest report that is `ok` and has any of the questions, given by key; None if there is none.

    A bad one is nothing to compare with: what is broken would count as known from then on. Raises KnowledgeError if a
    report cannot be read.
    """
    reports = (read_report(path) for path in reversed(_files(folder, "*-ok.json")))
    return next((each for each in reports if any(outcome.key in keys for outcome in each.outcomes)), None)


def keep_report(folder: Path, report: EvaluationReport) -> None:
    """Write the report to the folder, and delete the oldest ones there. Raises StateUnavailable."""
    name = f"{re.sub(r'[^0-9]', '', report.at.partition('+')[0])}-{'ok' if report.ok else 'bad'}"
    try:
        make_private_folder(folder)
        make_private(folder)
        unfinished = folder / f"{name}.part"
        with open(unfinished, "w", encoding="utf-8", opener=open_private) as file:
            file.write(report.model_dump_json())
        unfinished.replace(folder / f"{name}.json")
        files = _files(folder, "*.json")
        for path in set(files) - {*files[-MAX_KEPT:], *_files(folder, "*-ok.json")[-1:]}:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StateUnavailable(f"{folder}: the evaluation cannot be kept: {error.strerror}") from error


def _files(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern))
