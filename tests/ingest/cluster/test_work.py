"""What a process of a cluster does with a file that its machine has, and with one that it does not have."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.cluster import work
from ingest.cluster.work import Work
from ingest.files.scan import scan
from ingest.staging.document_cutter import CutDocument, FileToCut
from rag.settings import Settings


@pytest.fixture
def to_do() -> Iterator[Work]:
    """The usual settings; at the end, this process is no longer one of a cluster."""
    settings = Settings()
    to_do = Work(settings.knowledge, settings.chunking, settings.embedding, "fingerprint", "pipeline")
    yield to_do
    work._cutter(to_do)._parser.close()
    work._cutter.cache_clear()


def test_a_file_that_is_not_there_as_it_was_planned_is_cut_from_its_bytes(to_do: Work, tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("# Tides\n\nThe tide turns twice a day.\n")
    (file,) = scan(tmp_path, include=["*.md"]).files
    here = work.cut(to_do, FileToCut(file))
    assert isinstance(here, CutDocument)
    assert [chunk.content for chunk in here.chunks] == ["The tide turns twice a day."]
    content = path.read_bytes()
    path.write_text("# Tides\n\nThe tide turned.\n")
    for elsewhere in (file, replace(file, root=tmp_path / "nowhere")):
        assert work.cut(to_do, FileToCut(elsewhere)) is None
        assert work.cut(to_do, FileToCut(elsewhere, content=content)) == here
