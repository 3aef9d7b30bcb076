"""A copy of what lists its documents and gives their bytes: only changes are read, and a failure loses nothing."""

import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from ingest.sources.mirror import Mirror
from ingest.sources.protocol import Remote
from rag.errors import IngestStopped, SourceError
from tests.kit.markdown import MarkdownFile
from tests.kit.threaded_server import http_served


class Shelf:
    """A remote in memory: the version of a document is its text."""

    def __init__(self, **texts: str) -> None:
        self.texts = {name.replace("__", "/") + ".md": text for name, text in texts.items()}
        self.reads: list[str] = []
        self.fails_at = ""
        self.may_read = threading.Event()
        self.may_read.set()

    def list_documents(self) -> Iterator[tuple[str, str]]:
        yield from sorted(self.texts.items())

    def read_document(self, path: str, version: str, *, max_bytes: int) -> bytes:
        assert self.may_read.wait(60)
        if path == self.fails_at:
            raise SourceError(f"{path} is broken")
        self.reads.append(path)
        return version.encode()[:max_bytes]


def mirror(place: Path, shelf: Remote, max_bytes: int = 100) -> Mirror:
    return Mirror(shelf, place / "copy", wants=lambda path: path.endswith(".md"), max_bytes=max_bytes)


def update(source: Mirror) -> str:
    return source.update(0, lambda: None)


def copied(source: Mirror) -> dict[str, str]:
    files = [path for path in source.copy.rglob("*") if path.is_file()]
    return {path.relative_to(source.copy).as_posix(): path.read_text() for path in files}


def test_documents_are_copied_with_their_paths(tmp_path: Path) -> None:
    shelf = Shelf(a="apples", sub__b="bread")
    source = mirror(tmp_path, shelf)
    assert update(source) == source.version(lambda: None)
    assert copied(source) == shelf.texts


def test_only_what_has_another_version_is_read(tmp_path: Path) -> None:
    shelf = Shelf(a="apples", b="bread", c="cheese")
    source = mirror(tmp_path, shelf)
    before = update(source)
    shelf.reads.clear()
    assert update(source) == before
    shelf.texts["b.md"] = "bricks"
    del shelf.texts["c.md"]
    assert update(source) != before
    assert shelf.reads == ["b.md"]
    assert copied(source) == shelf.texts


def test_a_document_may_become_a_folder_and_a_folder_a_document(tmp_path: Path) -> None:
    shelf = Shelf(a="apples", b="bread")
    source = mirror(tmp_path, shelf)
    update(source)
    shelf.texts = {"a.md/b.md": "both"}
    update(source)
    assert copied(source) == shelf.texts
    shelf.texts = {"a.md": "one"}
    update(source)
    assert copied(source) == shelf.texts


@pytest.mark.parametrize("path", ["../out.md", "/etc/out.md", "a/../../out.md", "a//out.md", ".git/out.md", "a/", ""])
def test_a_path_that_leads_elsewhere_or_is_hidden_is_passed_over(tmp_path: Path, path: str) -> None:
    shelf = Shelf(a="apples")
    shelf.texts[path] = "secret"
    source = mirror(tmp_path, shelf)
    update(source)
    assert copied(source) == {"a.md": "apples"}
    assert not (tmp_path / "out.md").exists()


def test_a_document_and_a_folder_of_one_name_are_an_error_that_names_them(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.texts = {"a.md": "apples", "a.md/b.md": "bread"}
    with pytest.raises(SourceError, match=r"a\.md"):
        update(mirror(tmp_path, shelf))


def test_what_is_too_large_is_copied_as_far_as_an_ingest_needs_to_refuse_it(tmp_path: Path) -> None:
    shelf = Shelf(a="x" * 1000)
    source = mirror(tmp_path, shelf)
    update(source)
    assert copied(source) == {"a.md": "x" * 101}


def test_after_a_failure_the_copy_is_completed(tmp_path: Path) -> None:
    shelf = Shelf(a="apples", b="bread")
    source = mirror(tmp_path, shelf)
    update(source)
    earlier = dict(shelf.texts)
    shelf.texts = {"a.md": "anchors", "b.md": "bricks", "c.md": "cheese"}
    shelf.fails_at = "b.md"
    with pytest.raises(SourceError, match="is broken"):
        update(source)
    # Back to what was there before: what was read meanwhile is not taken for it.
    shelf.fails_at, shelf.texts = "", earlier
    update(source)
    assert copied(source) == earlier


def test_an_update_that_is_stopped_ends_while_a_document_is_being_read(tmp_path: Path) -> None:
    shelf = Shelf(a="apples")
    shelf.may_read.clear()
    calls = 0

    def stop() -> None:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise IngestStopped("stop")

    with pytest.raises(IngestStopped):
        mirror(tmp_path, shelf).update(0, stop)
    shelf.may_read.set()


def test_files_that_nobody_lists_are_removed(tmp_path: Path) -> None:
    shelf = Shelf(a="apples")
    source = mirror(tmp_path, shelf)
    update(source)
    (source.copy / "left").mkdir()
    (source.copy / "left" / "over.md").write_text("half")
    (source.copy / "a.md").unlink()
    update(source)
    assert copied(source) == shelf.texts
    assert not (source.copy / "left").exists()


def test_the_example_of_the_page_on_sources_copies_documents(tmp_path: Path) -> None:
    example: dict[str, Any] = {}
    exec(MarkdownFile("docs/extending/source.md").blocks("python")[0], example)  # noqa: S102
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    (shelf / "a.md").write_text("apples")
    (shelf / "list.json").write_text(json.dumps({"a.md": "1"}))

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(shelf))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http_served(Handler) as url:
        source = mirror(tmp_path, example["Shelf"](f"{url}/"))
        update(source)
        assert copied(source) == {"a.md": "apples"}
        (shelf / "list.json").unlink()
        with pytest.raises(SourceError, match="404"):
            update(source)
