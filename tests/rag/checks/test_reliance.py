"""How far an answer can be relied on."""

import pytest

from rag.checks.answer_verification import CheckedStatement, Verification
from rag.checks.reliance import rate_answer
from rag.checks.verification import Verdict


def cited(text: str) -> CheckedStatement:
    return CheckedStatement(text, (1,), Verdict())


def ours(text: str) -> CheckedStatement:
    return CheckedStatement(text, (1,), Verdict(), attributed=True)


def doubted(text: str) -> CheckedStatement:
    return CheckedStatement(text, (), Verdict("uncited"))


LONG = "It weighs two kilograms and runs for eight hours."
WRONG = "It was built in 1987 by a company that makes nothing else."
UNCHECKED = CheckedStatement(WRONG, (1,), Verdict("unchecked"))


def rated(*checked: CheckedStatement, is_cut: bool = False, loops: bool = False) -> str:
    return rate_answer(Verification(checked), is_cut=is_cut, loops=loops)


@pytest.mark.parametrize(
    "checked", [[cited(LONG)], [cited(LONG), doubted("It is blue.")], [cited(LONG), ours("Steel")]]
)
def test_an_answer_that_cites_its_sources_stands_alone(checked: list[CheckedStatement]) -> None:
    assert rated(*checked) == "sound"


@pytest.mark.parametrize(
    "checked", [[cited("It is red."), doubted(WRONG)], [cited(LONG), doubted(WRONG), doubted("Its motor is blue.")]]
)
def test_an_answer_of_which_half_is_unverified_is_doubtful(checked: list[CheckedStatement]) -> None:
    assert rated(*checked) == "doubtful"


def test_what_is_said_twice_counts_once() -> None:
    assert rated(cited(LONG), *[doubted("It is blue.")] * 20) == "sound"
    assert rated(cited(LONG), doubted("It is blue."), doubted("It is blue"), doubted("- It is blue.")) == "sound"
    assert rated(*[cited("It is red.")] * 20, doubted(WRONG)) == "doubtful"


@pytest.mark.parametrize("checked", [[ours(LONG)], [ours(LONG), ours("Steel"), doubted("It is blue.")]])
def test_an_answer_whose_sources_are_all_ours_is_doubtful(checked: list[CheckedStatement]) -> None:
    assert rated(*checked) == "doubtful"


@pytest.mark.parametrize("checked", [[], [doubted(WRONG)], [doubted(WRONG), UNCHECKED]])
def test_an_answer_of_which_nothing_is_supported_strays(checked: list[CheckedStatement]) -> None:
    assert rated(*checked) == "strayed"


def test_a_loop_strays_unless_the_model_cited_a_passage_rightly() -> None:
    assert rated(ours(LONG), loops=True) == "strayed"
    assert rated(cited(LONG), loops=True) == "doubtful"


def test_a_piece_that_was_cut_proves_nothing() -> None:
    assert rated(doubted(WRONG), ours("It is"), is_cut=True) == "strayed"
    assert rated(doubted(WRONG), ours("It is")) == "doubtful"
    assert rated(cited(LONG), ours("It is"), is_cut=True) == "sound"


def test_what_was_not_checked_counts_neither_way() -> None:
    assert rated(cited(LONG), UNCHECKED) == "sound"
