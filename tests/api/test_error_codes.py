"""The tree of errors, and the code and status of each."""

import inspect
import re
from types import ModuleType

import pytest

from api import request_errors
from api.error_codes import STATUS, error_code, error_from_code, exit_code, http_status
from rag import errors
from rag.errors import ZhiwenError


def classes_in(module: ModuleType) -> list[type[ZhiwenError]]:
    """The errors that the module defines."""
    found = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, ZhiwenError)]
    return [kind for kind in found if kind.__module__ == module.__name__]


CLASSES = [*classes_in(errors), *classes_in(request_errors)]
_BRANCH = re.compile(r"^    (?P<bars>(?:│   |    )*)[├└]── (?P<name>\w+)$", re.MULTILINE)


def drawn_parents(module: ModuleType) -> dict[str, str]:
    """Child → parent, as the docstring of the module draws them."""
    assert module.__doc__
    parents: dict[str, str] = {}
    line_of_descent = ["ZhiwenError"]
    for branch in _BRANCH.finditer(module.__doc__):
        depth = len(branch["bars"]) // 4 + 1
        del line_of_descent[depth:]
        parents[branch["name"]] = line_of_descent[-1]
        line_of_descent.append(branch["name"])
    return parents


@pytest.mark.parametrize("module", [errors, request_errors], ids=lambda module: str(module.__name__))
def test_the_drawn_tree_names_exactly_the_classes_that_exist_under_their_parents(module: ModuleType) -> None:
    assert re.search(r"^    ZhiwenError$", module.__doc__ or "", re.MULTILINE)
    below_the_root = [kind for kind in classes_in(module) if kind is not ZhiwenError]
    assert drawn_parents(module) == {kind.__name__: kind.__base__.__name__ for kind in below_the_root if kind.__base__}


def test_every_class_has_a_docstring_of_its_own() -> None:
    assert [kind for kind in CLASSES if not vars(kind).get("__doc__")] == []


def test_every_class_below_the_root_has_its_own_status() -> None:
    assert set(STATUS) == set(CLASSES) - {ZhiwenError}


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: str(kind.__name__))
def test_a_status_is_an_error_and_a_code_is_one_word_in_snake_case(kind: type[ZhiwenError]) -> None:
    assert 400 <= http_status(kind("x")) < 600
    assert re.fullmatch(r"[a-z]+(?:_[a-z]+)*", error_code(kind("x")))


def test_renamed_classes_keep_their_public_codes() -> None:
    assert errors.ChatInvalidResponse.code == "chat_garbled"
    assert errors.ChatAuthenticationError.code == "chat_denied"
    assert errors.ChatCircuitOpen.code == "chat_resting"


def test_codes_are_unique() -> None:
    assert len({error_code(kind("x")) for kind in CLASSES}) == len(CLASSES)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: str(kind.__name__))
def test_an_error_that_went_over_the_wire_is_the_error_that_it_was(kind: type[ZhiwenError]) -> None:
    original = kind("the thing, the value, the way out")
    rebuilt = error_from_code(error_code(original), str(original))
    assert type(rebuilt) is kind
    assert str(rebuilt) == str(original)
    assert exit_code(rebuilt) == exit_code(original)


def test_an_unknown_code_is_an_error_without_a_kind() -> None:
    assert type(error_from_code("method_not_allowed", "x")) is ZhiwenError


def test_a_class_that_the_table_does_not_know_gets_the_status_of_its_parent() -> None:
    class Brittle(errors.ChatTimeout):
        pass

    assert http_status(Brittle("x")) == STATUS[errors.ChatTimeout]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.ConfigError("x"), 2),
        (errors.QuestionError("x"), 2),
        (errors.QuestionTooLong("x"), 2),
        (errors.FilterError("x"), 2),
        (errors.KnowledgeError("x"), 2),
        (errors.DocumentNotFound("x"), 1),
        (errors.GoldenQuestionsLost("x"), 1),
        (errors.StoreLocked("x"), 1),
        (errors.StoreUnavailable("x"), 1),
        (errors.ChatBroken("x"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_exit_status_2_is_for_wrong_input_settings_or_folder_else_it_is_1(error: ZhiwenError, status: int) -> None:
    assert exit_code(error) == status


def test_errors_of_the_caller_are_4xx_and_failures_behind_the_api_are_5xx() -> None:
    caused = (
        errors.QuestionError,
        errors.TraceNotFound,
        errors.TextNotFound,
        errors.FilterError,
        request_errors.RequestRefused,
        errors.KnowledgeError,
        errors.BackupError,
    )
    callers = (*caused, errors.StoreLocked, errors.NoEarlierGeneration)
    for kind, status in STATUS.items():
        assert (400 <= status < 500) == issubclass(kind, callers), kind
