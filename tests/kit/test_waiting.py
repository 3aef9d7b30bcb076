"""Waiting ends with the first true value, or with an error that says what was seen last."""

import pytest

from tests.kit.waiting import eventually


def test_the_first_true_value_is_returned() -> None:
    values = iter([0, "", "tide"])
    assert eventually(lambda: next(values)) == "tide"


def test_the_first_value_that_fulfils_a_condition_is_returned() -> None:
    values = iter([1, 2, 3])
    assert eventually(lambda: next(values), until=lambda value: value > 1) == 2


def test_what_never_becomes_true_is_an_error_that_says_what_was_seen_last() -> None:
    with pytest.raises(AssertionError, match=r"not within 0 s: the tide; last seen: \[\]"):
        eventually(list, within_seconds=0, message="the tide")
