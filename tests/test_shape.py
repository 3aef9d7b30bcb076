"""Modules and functions are short, and everything public has a docstring.

A function begins with its `def`: decorators do not count. "Public" is every class, function and method whose name has
no leading underscore, outside of private classes and of functions. It needs a docstring that says what it promises,
unless it is

- a property: its class and its name explain it;
- a method that overrides a method of a base class;
- a method of a class that implements a Protocol of ours, if the Protocol documents it. A class implements a Protocol if
  it has all its methods.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter

import pytest

from tests.kit.source_code import SourceFile, parse_source, source_files

MAX_MODULE_LINES = 250
MAX_FUNCTION_LINES = 45
SHORT_PACKAGES = ("api", "bench", "ingest", "rag")
DOCUMENTED_PACKAGES = ("api", "ingest", "rag")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Definition:
    """A public class or function, and the class that it is a method of."""

    name: str
    node: Function | ast.ClassDef
    owner: ast.ClassDef | None


@dataclass(frozen=True, slots=True)
class ProtocolMethods:
    """The methods of a Protocol of ours."""

    all: frozenset[str]
    documented: frozenset[str]


def test_no_module_is_longer_than_250_lines() -> None:
    problems = list(long_modules(source_files(*SHORT_PACKAGES)))
    assert not problems, report(problems, "Move one of the ideas of the module to a module of its own.")


def test_no_function_is_longer_than_45_lines() -> None:
    problems = list(long_functions(source_files(*SHORT_PACKAGES)))
    assert not problems, report(problems, "Move steps of the function to private functions below it.")


def test_everything_public_has_a_docstring() -> None:
    problems = list(undocumented(source_files(*DOCUMENTED_PACKAGES)))
    way_out = "Say what goes in and comes out, with units and errors. If only this module uses it, begin it with `_`."
    assert not problems, report(problems, way_out)


def test_a_long_module_is_found() -> None:
    def found(lines: int) -> list[str]:
        return list(long_modules([parse_source("rag/x.py", "pass\n" * lines)]))

    assert found(MAX_MODULE_LINES) == []
    assert found(MAX_MODULE_LINES + 1) == ["rag/x.py: 251 lines, at most 250"]


@pytest.mark.parametrize("prefix", ["", "async "])
def test_a_long_function_is_found_and_its_decorators_do_not_count(prefix: str) -> None:
    def found(lines: int) -> list[str]:
        text = f"\n@decorator(\n    1,\n)\n{prefix}def f():\n" + "    pass\n" * (lines - 1)
        return list(long_functions([parse_source("rag/x.py", text)]))

    assert found(MAX_FUNCTION_LINES) == []
    assert found(MAX_FUNCTION_LINES + 1) == ["rag/x.py:5: f has 46 lines, at most 45"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("def f(): pass", ["f"]),
        ('def f(): "Promise."', []),
        ("def _f():\n    def g(): pass", []),
        ("class A:\n    def __init__(self): pass\n    def m(self): pass\n    def _n(self): pass", ["A", "A.m"]),
        ("class _A:\n    def m(self): pass", []),
        ("if True:\n    class A:\n        class B: pass", ["A", "A.B"]),
        ('class A:\n    "Promise."\n    @property\n    def p(self): pass\n    @p.setter\n    def p(self, x): pass', []),
        ('class A:\n    "Promise."\n    @classmethod\n    async def m(cls): pass', ["A.m"]),
    ],
)
def test_public_definitions_without_a_docstring_are_found(text: str, names: list[str]) -> None:
    found = list(undocumented([parse_source("rag/errors.py", text)]))
    assert [problem.split()[1] for problem in found] == names


def test_an_implementation_of_a_protocol_is_documented_by_the_protocol() -> None:
    protocol = 'class P(Protocol):\n    "P."\n    def a(self):\n        "A."\n    def b(self):\n        "B."\n'
    complete = 'class C:\n    "C."\n    def a(self): pass\n    def b(self): pass\n    def c(self): pass\n'
    partial = 'class D:\n    "D."\n    def a(self): pass\n'
    found = list(undocumented([parse_source("rag/x.py", protocol + complete + partial)]))
    assert [problem.split()[1] for problem in found] == ["C.c", "D.a"]


def test_an_override_is_documented_by_its_base_class() -> None:
    (file,) = (file for file in source_files("rag") if file.path == "rag/errors.py")
    method = ast.parse("def with_traceback(self, traceback): pass").body[0]
    other = ast.parse("def without_traceback(self): pass").body[0]
    assert isinstance(method, ast.FunctionDef)
    assert isinstance(other, ast.FunctionDef)
    owner = next(node for node in file.tree.body if isinstance(node, ast.ClassDef) and node.bases)
    assert is_override(file, Definition(f"{owner.name}.with_traceback", method, owner))
    assert not is_override(file, Definition(f"{owner.name}.without_traceback", other, owner))


def report(problems: Sequence[str], way_out: str) -> str:
    """The problems, one a line, and what to do about them."""
    return "\n".join(["", *problems, way_out])


def long_modules(files: Sequence[SourceFile]) -> Iterator[str]:
    """One line for each file that is too long."""
    for file in files:
        lines = len(file.text.splitlines())
        if lines > MAX_MODULE_LINES:
            yield f"{file.path}: {lines} lines, at most {MAX_MODULE_LINES}"


def long_functions(files: Sequence[SourceFile]) -> Iterator[str]:
    """One line for each function that is too long."""
    for file in files:
        for node in ast.walk(file.tree):
            if isinstance(node, Function):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    yield f"{file.path}:{node.lineno}: {node.name} has {lines} lines, at most {MAX_FUNCTION_LINES}"


def undocumented(files: Sequence[SourceFile]) -> Iterator[str]:
    """One line for each public definition that lacks a docstring and needs one."""
    protocols = [methods for file in files for methods in protocols_of(file)]
    for file in files:
        for definition in public_definitions(file.tree):
            if ast.get_docstring(definition.node) or is_property(definition.node):
                continue
            if implements_protocol(definition, protocols) or is_override(file, definition):
                continue
            yield f"{file.path}:{definition.node.lineno}: {definition.name} has no docstring"


def public_definitions(node: ast.AST, *, prefix: str = "", owner: ast.ClassDef | None = None) -> Iterator[Definition]:
    """The public classes, functions and methods below a node, those of a class after the class."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If | ast.Try):
            yield from public_definitions(child, prefix=prefix, owner=owner)
        elif isinstance(child, Function | ast.ClassDef) and not child.name.startswith("_"):
            yield Definition(prefix + child.name, child, owner)
            if isinstance(child, ast.ClassDef):
                yield from public_definitions(child, prefix=f"{prefix}{child.name}.", owner=child)


def is_property(node: Function | ast.ClassDef) -> bool:
    """Whether a definition is a property, a cached property or a setter."""
    return any(
        ast.unparse(decorator).endswith(("property", ".setter", ".deleter")) for decorator in node.decorator_list
    )


def protocols_of(file: SourceFile) -> Iterator[ProtocolMethods]:
    """The methods of each Protocol that a file defines."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).startswith("Protocol") for base in node.bases):
            methods = methods_of(node)
            documented = frozenset(name for name, method in methods.items() if ast.get_docstring(method))
            yield ProtocolMethods(frozenset(methods), documented)


def implements_protocol(definition: Definition, protocols: Sequence[ProtocolMethods]) -> bool:
    """Whether a method belongs to a Protocol that documents it and that its class implements."""
    if definition.owner is None:
        return False
    name, methods = definition.node.name, methods_of(definition.owner).keys()
    return any(name in protocol.documented and protocol.all <= methods for protocol in protocols)


def methods_of(node: ast.ClassDef) -> dict[str, Function]:
    """The methods of a class by name, without properties."""
    return {child.name: child for child in node.body if isinstance(child, Function) and not is_property(child)}


def is_override(file: SourceFile, definition: Definition) -> bool:
    """Whether a base class of the method's class has the method too. Imports the module if there are base classes."""
    if definition.owner is None or not definition.owner.bases:
        return False
    class_name, _, method = definition.name.rpartition(".")
    bases = getattr(attrgetter(class_name)(import_module(file.module)), "__mro__", ())[1:]
    return any(method in vars(base) for base in bases)
