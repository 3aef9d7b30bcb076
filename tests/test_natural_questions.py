"""Natural questions, answered without a chat model: how many answers a picky reader accepts."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from shutil import copy2

import pytest

from rag.wiring import Services
from tests.kit.natural_questions import FOLDERS, Judged, ingest_folder, judge_all, read_questions, settings_of
from tests.kit.shared_folder import shared_folder


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Judged]]:
    found: list[Judged] = []
    with ExitStack() as stack:
        for name in FOLDERS:
            made = shared_folder(
                tmp_path_factory, f"natural-{name}", lambda at, name=name: ingest_folder(name, at / "m.db")
            )
            database = copy2(made / "m.db", tmp_path_factory.mktemp(name))
            services = stack.enter_context(Services(settings_of(name, Path(database))))
            found += judge_all(services, read_questions(name))
    yield found


def test_there_are_enough_questions_of_all_kinds_in_both_languages() -> None:
    questions = [question for name in FOLDERS for question in read_questions(name)]
    own = [question for name in ("handbook", "manual") for question in read_questions(name)]
    assert len(questions) >= 150
    assert abs(len(own) / len(questions) - 0.5) < 0.05
    assert {question.question.isascii() for question in questions} == {True, False}


def test_nine_of_ten_answers_are_acceptable(judged: list[Judged]) -> None:
    _print_shares(judged)
    assert _share(judged) >= 0.90, _faults(judged)


def test_small_talk_is_recognised(judged: list[Judged]) -> None:
    talk = [each for each in judged if each.asked.reason == "small_talk"]
    assert _share(talk) >= 0.95, _faults(talk)


def test_what_the_documents_do_not_say_is_refused(judged: list[Judged]) -> None:
    outside = [each for each in judged if each.asked.reason == "refused"]
    assert _share(outside) >= 0.95, _faults(outside)


def test_hardly_any_question_is_wrongly_refused(judged: list[Judged]) -> None:
    inside = [each for each in judged if not each.asked.reason]
    refused = [each for each in inside if each.answer.refused or each.answer.reason]
    assert len(refused) / len(inside) <= 0.02, _faults(refused)


def _print_shares(judged: list[Judged]) -> None:
    kinds = dict.fromkeys(each.asked.kind for each in judged)
    for kind in (*kinds, None):
        of_kind = [each for each in judged if kind in (None, each.asked.kind)]
        aside = [each for each in of_kind if each.asked.is_aside]
        print(f"{kind or 'all'}: {_count(of_kind)}, of those set aside {_count(aside)}")


def _count(judged: list[Judged]) -> str:
    return f"{sum(not each.fault for each in judged)} of {len(judged)}"


def _share(judged: list[Judged]) -> float:
    return sum(not each.fault for each in judged) / len(judged)


def _faults(judged: Iterable[Judged]) -> str:
    return "\n".join(f"{each.asked.question}: {each.fault}" for each in judged if each.fault)
