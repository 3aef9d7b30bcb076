"""The benchmark of a first ingest runs, and sees all stages and processes at work."""

from pathlib import Path

from bench.ingest import copy_files, measure, settings_for
from rag.wiring import Services
from tests.kit.corpus import Folder, document


def test_an_ingest_is_compared_with_its_bare_model(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "source")
    for number in range(8):
        folder.write(f"page{number}.md", document(f"page{number}"))
    folder.write("TOC.md", "# Contents\n")
    copy_files(folder.root, tmp_path / "work" / "docs", 6)
    with Services(settings_for(tmp_path / "work")) as services:
        figures = measure(services)
    assert (figures.documents, figures.chunks) == (6, 24)
    assert figures.ratio > 0
    assert 0 < figures.busy["embedding"] <= 1
    assert {"ingest", "milvus"} <= figures.peak_mb.keys()
