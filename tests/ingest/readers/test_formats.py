"""Every document format is declared once, and the settings, config.yaml and the guide agree with the registry."""

import importlib
import inspect
import re
from types import ModuleType

import pytest

from ingest.chunking.chunks import chunk_document
from ingest.readers.formats import FORMATS, DocumentFormat, format_of, has_known_suffix
from ingest.readers.parse import parse_document
from rag.errors import DocumentError
from rag.settings import KnowledgeSettings
from rag.settings_loader import load_settings
from tests.kit.paths import ROOT

GUIDE = ROOT / "docs" / "extending" / "document-format.md"
CONFIG = ROOT / "config.yaml"
NOT_READERS = {"read_text", "read_html_text", "read_sheets", "read_slides"}


def patterns(*, is_default: bool) -> set[str]:
    return {f"*{suffix}" for one in FORMATS if one.is_default is is_default for suffix in one.suffixes}


def test_every_suffix_is_declared_once_in_lower_case() -> None:
    suffixes = [suffix for one in FORMATS for suffix in one.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert all(re.fullmatch(r"\.[a-z0-9]+", suffix) for suffix in suffixes)


def test_every_reader_belongs_to_a_format() -> None:
    used = {one.read for one in FORMATS}
    for module in readers():
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("read_") and name not in NOT_READERS and function.__module__ == module.__name__:
                assert function in used, (
                    f"{module.__name__}.{name} is not used: add a DocumentFormat with it to FORMATS in "
                    "ingest/readers/formats.py"
                )


def readers() -> list[ModuleType]:
    folder = ROOT / "ingest" / "readers"
    return [importlib.import_module(f"ingest.readers.{path.stem}") for path in sorted(folder.glob("[a-z]*.py"))]


def test_the_default_of_knowledge_include_has_every_default_format() -> None:
    missing = patterns(is_default=True) - set(KnowledgeSettings().include)
    assert not missing, f"rag/settings.py: add {sorted(missing)} to the default of KnowledgeSettings.include"
    surplus = set(KnowledgeSettings().include) - patterns(is_default=True)
    assert not surplus, f"rag/settings.py: no default format reads {sorted(surplus)}; see ingest/readers/formats.py"


def test_config_yaml_has_every_default_format_and_its_comment_every_other() -> None:
    include = set(load_settings(CONFIG, {}).knowledge.include)
    missing = patterns(is_default=True) - include
    assert not missing, f"config.yaml: add {sorted(missing)} to knowledge.include"
    text = CONFIG.read_text(encoding="utf-8")
    comment = text[text.index("\n  include:") : text.index("\n  exclude:")]
    unmentioned = {pattern for pattern in patterns(is_default=False) if f'"{pattern}"' not in comment}
    assert not unmentioned, f"config.yaml: mention {sorted(unmentioned)} in the comment of knowledge.include"


@pytest.mark.parametrize("source", ["a.rst", "README", "notes.md.bak", "图.png", "folder.md/file"])
def test_an_unknown_suffix_is_an_error_that_names_the_file_and_the_way_out(source: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_document(source, b"text")
    message = str(caught.value)
    assert message.startswith(f"{source}: ")
    assert ".md, .markdown" in message
    assert "knowledge.include" in message
    assert "\n" not in message
    assert not has_known_suffix(source)


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.name)
def test_a_suffix_counts_in_any_case(one: DocumentFormat) -> None:
    for suffix in one.suffixes:
        assert format_of(f"docs/报告{suffix}") is format_of(f"docs/报告{suffix.upper()}") is one
        assert has_known_suffix(f"docs/报告{suffix}")


# The guide


def test_the_example_of_the_guide_reads_a_file() -> None:
    reader, declaration = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {"DocumentFormat": DocumentFormat}
    exec(reader, names)  # noqa: S102  (our own documentation)
    csv: DocumentFormat = eval(declaration, names)  # noqa: S307
    assert csv.suffixes == (".csv",)
    document = csv.read("价格.csv", '型号,价格\nA*1,"3,000"\n\n"B|2",500\n'.encode())
    rows = [chunk for chunk in chunk_document(document, count_tokens=len, max_tokens=400) if chunk.kind == "row"]
    assert [(row.content, row.start_line) for row in rows] == [
        ("型号: A*1 › 价格: 3,000", 2),
        ("型号: B|2 › 价格: 500", 4),
    ]


def test_the_guide_names_files_that_exist() -> None:
    for path in re.findall(r"`([\w/.]+/[\w.]+\.(?:py|yaml))`", GUIDE.read_text(encoding="utf-8")):
        if path != "ingest/readers/csv.py":
            assert (ROOT / path).exists(), path
