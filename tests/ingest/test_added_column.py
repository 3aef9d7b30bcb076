"""A column that is added to the table of columns breaks neither old indexes nor old backups.

These tests do what docs/extending/filterable-column.md says, in a copy of the source: they add the column of its
example, and another one. There the tests of old indexes must pass again, and so must those of `added_columns.py`.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.backup import import_backup
from rag.errors import BackupError, StoreError
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.store.columns import SCHEMA_VERSION
from rag.wiring import open_store
from tests.kit.corpus import settings_for
from tests.kit.paths import ROOT

COPIED = ("ingest", "rag", "tests/kit", "tests/fixtures/old_indexes")
TESTS = ("tests/ingest/test_old_indexes.py", "tests/ingest/added_columns.py")

GUIDE = ROOT / "docs" / "extending" / "filterable-column.md"
OWNER_ATTRIBUTE, COLUMNS = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
OWNER_COLUMN = COLUMNS.removeprefix("CHUNK_COLUMNS = (\n    ...,\n").removesuffix(")\n")
NOTE_ATTRIBUTE = '    note: str = "none"\n'
NOTE_COLUMN = f"""    Column("note", "text", 64, attribute="note", since={SCHEMA_VERSION + 1}, default="none"),\n"""


def test_the_guide_shows_the_next_version_of_the_schema() -> None:
    assert f"since={SCHEMA_VERSION + 1}," in OWNER_COLUMN, f"{GUIDE}: `since` must be {SCHEMA_VERSION + 1}"


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs the tests in the copy. The folder then has an index and a backup that hold the new columns."""
    source, results = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("newer")
    for name in COPIED:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (*TESTS, "pyproject.toml", "tests/__init__.py"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    insert_before(
        "    metadata: Mapping[str, MetadataValue] = field(",
        OWNER_ATTRIBUTE + NOTE_ATTRIBUTE,
        source / "rag" / "types.py",
    )
    insert_before('    Column("text_hash", ', OWNER_COLUMN + NOTE_COLUMN, source / "rag" / "store" / "columns.py")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider", *TESTS],
        cwd=source,
        env={**os.environ, "PYTHONPATH": str(source), "NEWER": str(results)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return results


def insert_before(line: str, inserted: str, path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count(f"\n{line}") == 1, (
        f"{path.name} has changed: this test looks for a line that begins with {line!r}"
    )
    path.write_text(text.replace(f"\n{line}", f"\n{inserted}{line}"), "utf-8")


def test_old_indexes_and_backups_are_read_with_the_defaults_and_filled_by_the_next_ingest(newer: Path) -> None:
    """That is what the tests in the copy say; here, that they left what the next tests need."""
    assert sorted(path.name for path in newer.iterdir()) == ["newer.db", "newer.parquet"]


def test_an_index_with_more_columns_says_that_a_newer_version_wrote_it(newer: Path, tmp_path: Path) -> None:
    database = shutil.copyfile(newer / "newer.db", tmp_path / "m.db")
    with (
        open_store(settings_for(tmp_path, database)) as store,
        pytest.raises(StoreError, match="the index was written by a newer zhiwen; upgrade"),
    ):
        store.snapshot()


def test_a_backup_with_more_columns_says_that_a_newer_version_wrote_it(newer: Path, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, tmp_path / "m.db")
    with (
        open_store(settings) as store,
        pytest.raises(BackupError, match=rf"newer zhiwen \(schema {SCHEMA_VERSION + 1}\); upgrade"),
    ):
        import_backup(settings, store, ScriptedEmbedder(), newer / "newer.parquet")
