"""`zhiwen export` and `zhiwen import` as commands."""

from pathlib import Path

import pyarrow.parquet as pq

from tests.kit.processes import Workspace, assert_one_line


def test_an_index_moves_to_another_file_and_answers_there(workspace: Workspace, tmp_path: Path) -> None:
    status = workspace.run("status", "--json").json
    exported = workspace.run("export", "b.parquet", "--json")
    assert (exported.status, exported.err) == (0, "")
    counts = {key: exported.json[key] for key in ("generation", "documents", "chunks", "embedder")}
    assert counts == {key: status[key] for key in counts}
    assert exported.json["bytes"] == (tmp_path / "b.parquet").stat().st_size
    assert pq.read_metadata(tmp_path / "b.parquet").num_rows == status["documents"]

    moved = workspace.given(ZHIWEN_STORE__URI=str(tmp_path / "other.db"))
    imported = moved.run("import", "b.parquet")
    assert imported.status == 0, imported
    assert imported.out.startswith(f"Imported as generation 1: {status['documents']} documents, {status['chunks']} ")
    again = moved.run("ingest", "--json").json
    assert (again["generation"], again["embedded"], again["documents"]["unchanged"]) == (1, 0, status["documents"])
    asked = moved.run("search", "--json", "向量数据库有哪些知名组件？").json
    assert "Milvus" in asked["hits"][0]["content"]


def test_a_failed_export_or_import_is_one_line(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("not a backup")
    assert_one_line(workspace.run("import", "text.parquet"), 1, "text.parquet is truncated or not a zhiwen backup")
    assert_one_line(workspace.run("export", "nowhere/b.parquet"), 1, "nowhere/b.parquet cannot be written")
    refused = workspace.run("import", "missing.parquet", "--json")
    assert (refused.status, refused.json["error"]["code"]) == (1, "backup_error")


def test_a_running_server_is_named_that_has_the_file_open(workspace: Workspace) -> None:
    with workspace.serving() as server:
        for command in ("export", "import"):
            refused = workspace.run(command, "b.parquet")
            assert_one_line(refused, 1, server.url, str(server.process.pid), "stop the server")
