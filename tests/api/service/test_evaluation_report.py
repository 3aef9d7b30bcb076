"""Evaluations compared with earlier ones, and the reports that are kept."""

from pathlib import Path

import pytest

from api.service.evaluation import EvaluationResponse, FailureOut, OutcomeOut
from api.service.evaluation_report import EvaluationReport, make_report, read_report
from api.service.kept_evaluations import MAX_KEPT, evaluations_folder, keep_report, last_good_report
from rag.errors import KnowledgeError, StateUnavailable
from rag.settings import Settings, StoreSettings

AT = "2026-11-29T10:00:00.000+00:00"


def outcome(key: str, *, passed: bool) -> OutcomeOut:
    return OutcomeOut(
        key=key,
        question=f"{key}?",
        passed=passed,
        failures=[] if passed else [FailureOut(check="answer", detail="fact")],
        answer=f"{key} {passed}",
        refused=False,
        reason=None,
        sources=["a.md"],
        passages=["a.md"],
        model="extractive",
    )


def response(generation: int = 1, **outcomes: bool) -> EvaluationResponse:
    return EvaluationResponse(
        generation=generation, outcomes=[outcome(key, passed=passed) for key, passed in outcomes.items()]
    )


def report(at: str = AT, earlier: EvaluationReport | None = None, **outcomes: bool) -> EvaluationReport:
    return make_report(response(**outcomes), at, earlier, "last")


def test_without_a_baseline_every_failure_is_new() -> None:
    found = report(a=True, b=False)
    assert (found.ok, found.passed, found.failed, found.baseline) == (False, 1, 1, None)
    assert (found.flipped, found.new_failures, found.mended) == ([], ["b?"], [])
    assert report(a=True).ok


def test_flips_new_failures_and_mended_questions_are_told_apart() -> None:
    earlier = report(kept=True, lost=True, known=False, mended=False)
    found = make_report(response(2, kept=True, lost=False, known=False, mended=True, new=False), AT, earlier, "last")
    assert [(flip.question, flip.before, flip.after) for flip in found.flipped] == [
        ("lost?", "lost True", "lost False")
    ]
    assert [failure.check for failure in found.flipped[0].failures] == ["answer"]
    assert (found.new_failures, found.mended, found.ok) == (["new?"], ["mended?"], False)
    assert found.baseline is not None
    assert (found.baseline.name, found.baseline.generation, found.baseline.models) == ("last", 1, ["extractive"])


def test_a_failure_that_is_known_is_no_regression() -> None:
    assert report(earlier=report(known=False), known=False).ok


def test_a_report_comes_back_from_its_file(tmp_path: Path) -> None:
    kept = report(a=True)
    keep_report(tmp_path / "evaluations", kept)
    (file,) = (tmp_path / "evaluations").iterdir()
    assert read_report(file) == kept


def test_the_baseline_is_the_last_good_report_with_any_of_the_questions(tmp_path: Path) -> None:
    assert last_good_report(tmp_path, {"a"}) is None
    for hour, outcomes in enumerate([{"a": True, "b": True}, {"a": True, "b": False}, {"c": True}], 10):
        keep_report(tmp_path, report(AT.replace("T10", f"T{hour}"), **outcomes))
    found = last_good_report(tmp_path, {"a"})
    assert found is not None
    assert found.at == AT


def test_only_the_last_reports_are_kept_and_the_last_good_one(tmp_path: Path) -> None:
    for number in range(MAX_KEPT + 5):
        keep_report(tmp_path, report(AT.replace(":00:00", f":00:{number:02}"), a=number == 0))
    files = sorted(path.name for path in tmp_path.iterdir())
    assert len(files) == MAX_KEPT + 1
    assert [name for name in files if name.endswith("-ok.json")] == ["20261129100000000-ok.json"]


def test_reports_are_beside_the_index(tmp_path: Path) -> None:
    def folder(uri: str) -> Path:
        return evaluations_folder(Settings(store=StoreSettings(uri=uri)))

    assert folder(str(tmp_path / "m.db")) == tmp_path / "evaluations"
    assert folder("http://milvus:19530") == Path(".zhiwen/evaluations")


def test_another_file_is_no_report(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(KnowledgeError, match=r"x\.json is not a report of `zhiwen eval --json`"):
        read_report(tmp_path / "x.json")
    with pytest.raises(KnowledgeError, match=r"y\.json cannot be read"):
        read_report(tmp_path / "y.json")


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "evaluations").write_text("a file")
    with pytest.raises(StateUnavailable, match="cannot be kept"):
        keep_report(tmp_path / "evaluations", report(a=True))
