"""The store on a real Milvus server: the one that the PyPI package `milvus` ships, dense vectors only."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pymilvus import MilvusClient

from ingest.backup import export_backup, import_backup
from ingest.staging import lease
from ingest.staging.lease import write_lease
from ingest.staging.rollback import roll_back
from ingest.sync import ingest
from rag.errors import StoreError, StoreLocked
from rag.models.embedders.builtin import BuiltinEmbedder
from rag.retrieval.search import retrieve
from rag.settings import Settings
from rag.settings_loader import load_settings
from rag.store import imports
from rag.store.filters import AnyOf, Equals, Filter, In, Not, Prefix, Range
from rag.store.import_folder import LocalFolder
from rag.store.records import DocumentRecord, Lease
from rag.store.snapshot import Snapshot
from rag.store.store import Store
from rag.types import Chunk
from rag.wiring import open_store
from tests.kit.corpus import Library, settings_for, write_small_corpus
from tests.kit.paths import ROOT
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from tests.kit.milvus_process import MilvusProcess

pytestmark = [
    pytest.mark.timeout(600),
    # The package's own code leaves its log files open.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def embedder() -> BuiltinEmbedder:
    return BuiltinEmbedder()


@pytest.fixture
def knowledge(tmp_path: Path) -> Path:
    folder = tmp_path / "knowledge"
    folder.mkdir()
    (folder / "layers.md").write_text(
        "# 架构\n\n| 层 | 内容 | 组件 |\n|---|---|---|\n| 第一层 | 向量数据库 | Milvus |\n| | 容器云 | Docker |\n",
        "utf-8",
    )
    (folder / "plan.md").write_text("# 路线\n\n先学数学。\n\n再学 Python。\n", "utf-8")
    return folder


@pytest.fixture
def settings(milvus_server: "MilvusProcess", knowledge: Path) -> Settings:
    return load_settings(
        environment={
            "ZHIWEN_KNOWLEDGE__PATH": str(knowledge),
            "ZHIWEN_STORE__URI": milvus_server.uri,
            "ZHIWEN_STORE__TIMEOUT_SECONDS": "60",
            "ZHIWEN_RETRIEVAL__MODE": "dense",
        }
    )


def test_another_index_is_built_at_the_next_ingest_without_embedding(
    settings: Settings, milvus_server: "MilvusProcess", embedder: BuiltinEmbedder
) -> None:
    own = {"collection": "another_index"}
    usual = settings.store.model_copy(update=own)
    hnsw = {"index": "HNSW", "index_parameters": {"M": 8, "efConstruction": 64}, "mmap": True}
    other = settings.store.model_copy(update=own | hnsw | {"search_parameters": {"ef": 400}})
    for store_settings, generation, embeds in (
        (usual, 1, True),
        (other, 2, False),
        (other, 2, False),
        (usual, 3, False),
    ):
        store = Store.open(store_settings)
        try:
            report = ingest(settings.model_copy(update={"store": store_settings}), store, embedder)
            assert (report.generation, bool(report.embedded)) == (generation, embeds)
            kind = index_of(milvus_server, f"{store.snapshot().commit.namespace}_chunks")
            assert kind == ("HNSW" if store_settings is other else "AUTOINDEX")
            found = retrieve("向量数据库", store.snapshot(), embedder, settings.retrieval)
            assert "Milvus" in found.hits[0].chunk.content
        finally:
            store.close()


def test_chunks_are_inserted_in_several_batches_at_a_time(settings: Settings) -> None:
    chunks = [Chunk(f"{number:032x}", "a.md", "A", (), "", "text", number, "g", 1, 1, "x") for number in range(1200)]
    store = Store.open(settings.store)
    try:
        namespace = store.staged_namespace("batches_g1")
        namespace.create(dimension=2, lexical=False)
        stored = namespace.insert_chunks(chunks, np.tile(np.eye(1, 2, dtype=np.float32), (1200, 1)), born=1)
        assert [each.chunk for each in stored] == chunks
        assert namespace.count_chunks(1) == 1200
    finally:
        store.close()


def index_of(server: "MilvusProcess", collection: str) -> str:
    """The kind of index of the vectors of a collection."""
    client = MilvusClient(server.uri)
    try:
        return str(client.describe_index(collection, "vector")["index_type"])
    finally:
        client.close()


def test_generations_hold_on_a_server(settings: Settings, knowledge: Path, embedder: BuiltinEmbedder) -> None:
    store = Store.open(settings.store)
    try:
        first = ingest(settings, store, embedder)
        assert (first.generation, first.documents.added, first.embedded) == (1, 2, first.chunks.added)
        before = store.snapshot()
        assert "Milvus" in retrieve("向量数据库", before, embedder, settings.retrieval).hits[0].chunk.content

        again = ingest(settings, store, embedder)
        assert (again.generation, again.embedded) == (1, 0)

        (knowledge / "plan.md").unlink()
        table = knowledge / "layers.md"
        table.write_text(table.read_text("utf-8").replace("Docker", "Kubernetes"), "utf-8")
        changed = ingest(settings, store, embedder, allow_mass_deletion=True)
        assert (changed.generation, changed.documents.removed, changed.documents.changed) == (2, 1, 1)
        contents = {chunk.content for chunk in store.snapshot().chunks()}
        assert not any("数学" in content or "Docker" in content for content in contents)
        assert any("Docker" in chunk.content for chunk in before.chunks()), "a reader keeps its generation"
        assert sources(before, Prefix("source", "plan")) == {"plan.md"}

        roll_back(store)
        contents = {chunk.content for chunk in store.snapshot().chunks()}
        assert any("Docker" in content for content in contents)
        vector = np.asarray(embedder.embed_query("先学什么"), dtype=np.float32)
        assert store.snapshot().search_vectors(vector, limit=3)[0][0].chunk.source == "plan.md"
    finally:
        store.close()


def test_filters_mean_on_a_server_what_they_mean_in_a_file(
    settings: Settings, knowledge: Path, embedder: BuiltinEmbedder
) -> None:
    plan, layers = knowledge / "plan.md", knowledge / "layers.md"
    plan.write_text(f"---\ntags: [ops, 3]\nyear: 2024\ndate: 2024-05-31\n---\n{plan.read_text('utf-8')}", "utf-8")
    layers.write_text(f"---\ntags: ops\nyear: '2024'\n---\n{layers.read_text('utf-8')}", "utf-8")
    (knowledge / "bare.md").write_text("# 无元数据\n\n一句话。\n", "utf-8")
    store = Store.open(settings.store)
    try:
        ingest(settings, store, embedder)
        live = store.snapshot()
        every = {"plan.md", "layers.md", "bare.md"}
        for search_filter, meant in [
            (Equals("tags", "ops"), {"plan.md", "layers.md"}),
            (In("tags", (3, "absent")), {"plan.md"}),
            (Equals("year", "2024"), {"layers.md"}),
            (Range("year", at_least=2024), {"plan.md"}),
            (Range("date", at_least="2024-05-31", at_most="2024-12-31"), {"plan.md"}),
            (Prefix("tags", "o"), {"layers.md"}),
            (Equals("tags", '"] == true or source != "'), set()),
            (AnyOf(tuple(Equals("year", year) for year in range(1900, 2400))), {"plan.md"}),
        ]:
            assert sources(live, search_filter) == meant
            assert sources(live, Not(search_filter)) == every - meant
    finally:
        store.close()


def test_a_writer_keeps_its_lease_while_the_server_hangs_for_a_moment(
    settings: Settings,
    milvus_server: "MilvusProcess",
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(lease, "_BEAT_SECONDS", 0.2)
    impatient = settings.model_copy(update={"store": settings.store.model_copy(update={"timeout_seconds": 2})})
    with open_store(impatient) as store, open_store(settings) as other:
        with write_lease(store) as check_lease:
            milvus_server.pause()
            try:
                eventually(lambda: "the lease was not renewed" in caplog.text, message="a renewal to fail")
            finally:
                milvus_server.resume()
            since = time.time()
            eventually(
                lambda: (held := other.notes.read_lease()) and held.beat >= since, message="a renewal to get through"
            )
            check_lease()
        assert other.notes.read_lease() is None


def sources(snapshot: Snapshot, search_filter: Filter) -> set[str]:
    return {chunk.source for chunk in snapshot.chunks(search_filter)}


def test_an_index_moves_from_a_file_to_a_server_and_back(
    settings: Settings, embedder: BuiltinEmbedder, tmp_path: Path
) -> None:
    """Counts, ids and vectors are equal after both journeys, and the same folder has nothing to ingest."""
    with open_store(with_store(settings, tmp_path / "before.db")) as before:
        ingest(with_store(settings, tmp_path / "before.db"), before, embedder)
        original = contents(before)
        export_backup(before, tmp_path / "up.parquet")
    server = settings.model_copy(update={"store": settings.store.model_copy(update={"collection": "moved"})})
    with open_store(server) as store:
        import_backup(server, store, embedder, tmp_path / "up.parquet")
        assert contents(store) == original
        assert ingest(server, store, embedder).embedded == 0
        assert store.snapshot().generation == 1
        export_backup(store, tmp_path / "down.parquet")
    after = with_store(settings, tmp_path / "after.db")
    with open_store(after) as store:
        import_backup(after, store, embedder, tmp_path / "down.parquet")
        assert contents(store) == original
        again = ingest(after, store, embedder)
        assert (again.embedded, again.generation, again.documents.unchanged) == (0, 1, len(original[0]))


def with_store(settings: Settings, database: Path) -> Settings:
    return settings.model_copy(update={"store": settings.store.model_copy(update={"uri": str(database)})})


def contents(store: Store) -> tuple[dict[str, DocumentRecord], dict[str, tuple[str, bytes]]]:
    """The manifest, and each chunk's text and vector by its id."""
    live = store.snapshot()
    documents = live.documents()
    chunks = live.chunks_with_vectors(list(documents))
    return documents, {chunk.id: (repr(chunk), vector.tobytes()) for chunk, vector in chunks}


def test_a_second_writer_on_a_server_is_refused_by_name_and_a_dead_one_is_not_waited_for(settings: Settings) -> None:
    mine, theirs = Store.open(settings.store), Store.open(settings.store)
    try:
        with write_lease(mine), pytest.raises(StoreLocked, match=r"is writing"), write_lease(theirs):
            raise AssertionError("two writers at once")
        with write_lease(theirs):
            pass  # the first has released it
        mine.notes.put_lease(Lease("elsewhere:1:abc", 0.0))
        with write_lease(theirs):
            pass
    finally:
        mine.close()
        theirs.close()


_BULK_CHILD = """
import sys
from ingest.sync import ingest
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.settings import Settings
from rag.store import imports
from rag.wiring import open_store

imports._WORTH_IT_CHUNKS = 1
settings = Settings.model_validate_json(sys.argv[1])
with open_store(settings) as store:
    ingest(settings, store, ScriptedEmbedder())
"""


class _Truncating(LocalFolder):
    def put_file(self, path: str, file: Path) -> str:
        os.truncate(file, file.stat().st_size // 2)
        return super().put_file(path, file)


def test_a_bulk_import_ends_as_an_insert_would_also_after_a_kill_and_a_failed_job(
    milvus_server: "MilvusProcess", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it does, there is no generation; and no file and no row of the others stays."""
    monkeypatch.setattr(imports, "_WORTH_IT_CHUNKS", 1)
    folder, files = write_small_corpus(tmp_path / "docs"), tmp_path / "files"
    settings = settings_for(folder.root, milvus_server.uri, collection="bulk", mode="dense", batch_size=64)
    own = {"bulk_import_url": files.as_uri(), "timeout_seconds": 60}
    settings = settings.model_copy(update={"store": settings.store.model_copy(update=own)})
    killed = subprocess.run(
        [sys.executable, "-c", _BULK_CHILD, settings.model_dump_json()],
        env=os.environ | {"ZHIWEN_FAILPOINT": "import_started", "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert list(files.rglob("*.parquet"))
    with open_store(settings) as store:
        store.notes.release_lease()  # the dead writer's
        library = Library(folder, settings, store)
        monkeypatch.setattr(store._milvus, "import_folder", _Truncating(files))
        with pytest.raises(StoreError, match=r"could not import rows into bulk_g\d_chunks \(job \d+\): .*[Pp]arquet"):
            library.ingest()
        assert (store.state(), list(files.rglob("*.parquet"))) == (None, [])

        monkeypatch.setattr(store._milvus, "import_folder", LocalFolder(files))
        report = library.ingest()
        assert list(files.rglob("*.parquet")) == []
        library.assert_clean()
        [namespace] = store.namespaces()
        assert store._milvus.count(f"{namespace}_chunks", "born > 0") == report.chunks.added
        assert library.ingest().generation == report.generation
        store.drop_namespace(namespace)
