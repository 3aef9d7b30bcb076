"""Dify's comparison operators on values from front matter."""

from typing import get_args

import pytest

from api.dify.operator_evaluation import NEGATIONS, Operand, comparison
from api.dify.schemas import Operator
from rag.errors import FilterError
from rag.types import MetadataValue

TAGS: MetadataValue = ["hr", "travel", 2024]

CASES: list[tuple[Operator, MetadataValue, Operand, bool]] = [
    ("contains", "remote work", "work", True),
    ("contains", "remote work", "Work", False),
    ("contains", TAGS, "trav", True),
    ("contains", None, "x", False),
    ("contains", 2024, "02", True),
    ("contains", "50% off_now", "%", True),
    ("start with", "remote work", "remote", True),
    ("start with", "remote work", "work", False),
    ("end with", "remote work", "work", True),
    ("end with", TAGS, "r", True),
    ("end with", TAGS, "x", False),
    ("is", "hr", "hr", True),
    ("is", TAGS, "hr", True),
    ("is", 3, "3", True),
    ("is", 3.0, 3, True),
    ("is", "3", 3.0, True),
    ("is", True, "true", True),
    ("is", True, True, True),
    ("is", True, 1, False),
    ("is", 1, True, False),
    ("is", None, "", False),
    ("in", "hr", ["it", "hr"], True),
    ("in", "hr", "it, hr", True),
    ("in", 3, "1,2,3", True),
    ("in", "hr", [], False),
    ("in", None, ["hr"], False),
    ("not empty", "x", None, True),
    ("not empty", 0, None, True),
    ("not empty", False, None, True),
    ("not empty", "", None, False),
    ("not empty", " ", None, False),
    ("not empty", None, None, False),
    ("not empty", [], None, False),
    ("not empty", ["", None], None, False),
    ("=", 3, 3, True),
    ("=", 3, "3.0", True),
    ("=", "3", 3, True),
    ("=", "three", 3, False),
    ("=", True, 1, False),
    (">", 3, 2, True),
    (">", 3, 3, False),
    (">", None, 3, False),
    (">", TAGS, 2000, True),
    ("<", 2.5, "3", True),
    ("<", "x", 3, False),
    ("≥", 3, 3, True),
    ("≤", 3, 2, False),
    ("before", "2024-05-30", "2024-05-31", True),
    ("before", "2024-05-31", "2024-05-31", False),
    ("before", "2024-05-31T08:00:00", "2024-05-31", False),
    ("before", "2024-05-31T08:00:00", "2024-05-31T09:00:00+00:00", True),
    ("before", "2024-05-31T08:00:00+08:00", "2024-05-31T01:00:00", True),
    ("before", "2024/05/30", "2024-05-31", True),
    ("before", "some day", "2024-05-31", False),
    ("before", None, "2024-05-31", False),
    ("after", "2024-06-01", "2024-05-31", True),
    ("after", "2024-05-31T08:00:00", "2024-05-31", False),
    ("after", "2024-06-01", 1717113600, True),  # 2024-05-31 00:00 UTC
    ("after", "2024-05-30", "1717113600", False),
    ("after", "2024-06-01", 1717113600000, True),
]


@pytest.mark.parametrize(("operator", "value", "wanted", "expected"), CASES)
def test_an_operator_holds_as_documented_and_its_negation_exactly_where_it_does_not(
    operator: Operator, value: MetadataValue, wanted: Operand, expected: bool
) -> None:
    assert comparison(operator, wanted)(value) is expected
    for negation, negated in NEGATIONS.items():
        if negated == operator:
            assert comparison(negation, wanted)(value) is not expected


def test_every_operator_is_compared_above() -> None:
    compared = {operator for operator, *_ in CASES}
    assert compared | {negation for negation, operator in NEGATIONS.items() if operator in compared} == set(
        get_args(Operator)
    )


@pytest.mark.parametrize(
    ("operator", "wanted", "named"),
    [
        (">", "many", "number"),
        ("=", None, "one value"),
        ("contains", ["a", "b"], "one value"),
        ("is not", None, "one value"),
        ("in", None, "list"),
        ("before", "soon", "date"),
        ("after", True, "date"),
        ("before", "1e400", "date"),
    ],
)
def test_a_value_that_cannot_be_compared_is_an_error_for_every_document(
    operator: Operator, wanted: Operand, named: str
) -> None:
    for value in (None, "x", 3):
        with pytest.raises(FilterError, match=named):
            comparison(operator, wanted)(value)


class CountedText(str):
    """A text that counts how often it is read."""

    reads = 0

    def __str__(self) -> str:
        CountedText.reads += 1
        return "".join(self)


@pytest.mark.parametrize("operator", get_args(Operator))
def test_a_value_is_read_as_often_whether_it_is_compared_with_one_or_with_two_hundred(operator: Operator) -> None:
    is_list = operator in ("in", "not in")
    reads = []
    for count in (1, 200):
        operand: Operand = [f"none {number}" for number in range(count)] if is_list else "2024"
        compare = comparison(operator, operand)
        CountedText.reads = 0
        for _ in range(50):
            compare([CountedText("some value")] * 8)
        reads.append(CountedText.reads)
    assert reads[0] == reads[1] <= 50 * 8 * 2
