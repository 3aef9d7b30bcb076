"""The Python code of the project, parsed, for tests about its shape and its imports."""

import ast
from dataclasses import dataclass
from functools import cache

from tests.kit.paths import ROOT


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A Python file: its path below the root of the repository, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def module(self) -> str:
        """The name that imports it, for example `rag.store.rows`."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def parse_source(path: str, text: str) -> SourceFile:
    """The source file with this path and text, whether or not it exists."""
    return SourceFile(path, text, ast.parse(text))


@cache
def source_files(*packages: str) -> tuple[SourceFile, ...]:
    """All Python files of the packages, in the order of their paths."""
    paths = sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))
    return tuple(parse_source(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in paths)
