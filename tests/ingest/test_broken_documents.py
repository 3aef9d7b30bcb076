"""Documents that are broken, odd or oddly named: they are reported, and no other document is affected."""

import json
import os
from pathlib import Path

import pytest

from ingest.sync import ingest
from rag.errors import KnowledgeError
from rag.types import Chunk
from tests.kit.corpus import Library

BROKEN = {
    "not UTF-8": b"# A\n\ncaf\xe9 x\n",
    "a NUL byte": b"# A\n\n\0\n",
}


def broken_chunks(library: Library) -> list[Chunk]:
    return [chunk for chunk in library.chunks() if chunk.source.removesuffix(".md") in BROKEN]


def test_broken_documents_keep_their_old_version_and_are_named(library: Library) -> None:
    for name in BROKEN:
        library.folder.write(f"{name}.md", f"# Fine\n\nnot {name} yet\n")
    library.ingest()
    before = broken_chunks(library)
    for name, content in BROKEN.items():
        library.folder.write(f"{name}.md", content)
    library.folder.edit("b.md", "baked", "baked daily")
    report = library.ingest()
    assert not report.ok
    assert sorted(failure.source.removesuffix(".md") for failure in report.failures) == sorted(BROKEN)
    assert all(failure.error and failure.source not in failure.error for failure in report.failures)
    assert (report.documents.failed, report.documents.changed) == (len(BROKEN), 1)
    assert broken_chunks(library) == before
    assert len(before) == len(BROKEN)
    assert "Bread is baked daily." in library.texts()

    library.begin_to_count()
    again = library.ingest()
    assert again.failures == report.failures
    assert (library.embedder.calls, library.writes) == (0, 0)

    for name in BROKEN:
        library.folder.write(f"{name}.md", "# Fine\n\nagain\n")
    assert library.ingest().ok
    library.assert_clean()


ODD_FRONT_MATTER = {
    "a bracket that is not closed": b"a: [",
    "an alias bomb": b"a: &a [x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]",
    "1 MB of one value": b"a: " + b"x" * 1_000_000,
    "an integer too long to write": b"a: 0x" + b"f" * 5000,
    "a tag that PyYAML stumbles over": b'a: !!int ""',
    "half a surrogate pair in the title": b'title: "\\ud800"',
    "half a surrogate pair in a value": b'a: "\\ud800"',
}


@pytest.mark.parametrize("front_matter", ODD_FRONT_MATTER.values(), ids=ODD_FRONT_MATTER.keys())
def test_odd_front_matter_takes_no_document_down(library: Library, front_matter: bytes) -> None:
    library.folder.write("a.md", b"---\n" + front_matter + b"\n---\n# A\n\ntext\n")
    library.folder.edit("b.md", "baked", "baked daily")
    report = library.ingest()
    assert report.ok
    assert {"Bread is baked daily.", "text"} <= set(library.texts())


def test_a_broken_new_document_is_named_and_not_stored(library: Library) -> None:
    library.folder.write("new.md", b"\xff\xff")
    report = library.ingest()
    assert [failure.source for failure in report.failures] == ["new.md"]
    assert report.documents.added == 0
    assert "new.md" not in library.store.snapshot().documents()


def test_a_document_that_is_too_large_is_named(library: Library) -> None:
    knowledge = library.settings.knowledge.model_copy(update={"max_file_bytes": 200})
    library.folder.write("a.md", "word " * 100)
    report = ingest(library.settings.model_copy(update={"knowledge": knowledge}), library.store, library.embedder)
    assert [(failure.source, "max_file_bytes" in failure.error) for failure in report.failures] == [("a.md", True)]


ODD_NAMES = [
    'it\'s "quoted".md',
    "back\\slash.md",
    "100%_a.md",
    "percent%d{}.md",
    "表格 🙂.md",
    "a' or 1==1 or source == 'b.md",
    '" or source != "',
    "trailing \\",
    "x" * 200,
]


def test_documents_with_odd_names_live_and_die_alone(library: Library) -> None:
    before = library.live()
    names = [name if name.endswith(".md") else f"{name}.md" for name in ODD_NAMES]
    for number, name in enumerate(names):
        library.folder.write(name, f"# Odd\n\nnumber{number}\n")
    assert library.ingest().ok
    library.assert_clean()
    for name in names:
        library.folder.edit(name, "number", "edited")
    assert library.ingest().ok
    library.assert_clean()
    for name in names:
        library.folder.delete(name)
    library.ingest(allow_mass_deletion=True)
    assert library.live() == before


@pytest.mark.parametrize("name", [b"new\nline.md", b"bell\x07.md", b"\x7f.md", b"latin\xe9.md"])
def test_a_file_with_an_impossible_name_takes_no_other_down(library: Library, name: bytes) -> None:
    path = os.fsencode(library.folder.root) + b"/" + name
    Path(os.fsdecode(path)).write_bytes(b"# Odd\n\ntext\n")
    library.folder.edit("b.md", "baked", "baked daily")
    report = library.ingest()
    assert "Bread is baked daily." in library.texts()
    assert len(report.failures) in (0, 1)
    json.dumps([failure.source for failure in report.failures]).encode()


def test_two_names_that_differ_only_in_unicode_form_do_not_make_an_ingest_restless(library: Library) -> None:
    library.folder.write("\u00e9.md", "# One\n\none\n")
    library.folder.write("e\u0301.md", "# Two\n\ntwo\n")
    try:
        library.ingest()
    except KnowledgeError:
        return
    library.begin_to_count()
    library.ingest()
    assert library.writes == 0
