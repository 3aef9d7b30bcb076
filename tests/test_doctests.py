"""The examples in the docstrings of `rag` and `ingest` give what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

from tests.kit.paths import ROOT

SEAMS = ("rag.models.embedders.protocol", "rag.models.rerankers.protocol")


def modules_with_examples() -> list[str]:
    """Only these are imported, so that no optional library is needed."""
    files = [path for package in ("ingest", "rag") for path in sorted((ROOT / package).rglob("*.py"))]
    return [_name(path) for path in files if ">>> " in path.read_text(encoding="utf-8")]


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("module", modules_with_examples())
def test_examples_give_what_they_say(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0, f"{module}: an example that doctest does not find"
    assert result.failed == 0, capsys.readouterr().out


@pytest.mark.parametrize("module", SEAMS)
def test_a_seam_has_an_example(module: str) -> None:
    assert module in modules_with_examples(), f"{module}: add an example to the docstring of its Protocol"
