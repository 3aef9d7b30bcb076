"""What needs an extra that is not installed says so in one line, with the command that installs it."""

from pathlib import Path

import pytest

from tests.kit.missing_packages import environment_without
from tests.kit.processes import Workspace, assert_one_line

HEAVY = ("torch", "sentence_transformers", "transformers", "safetensors", "huggingface_hub")
# fastapi brings the rest of opentelemetry along.
TELEMETRY = ("opentelemetry.sdk", "opentelemetry.exporter", "opentelemetry.instrumentation")


@pytest.fixture
def light(workspace: Workspace, tmp_path: Path) -> Workspace:
    """The workspace where no extra is installed."""
    packages = (*HEAVY, *TELEMETRY, "pyarrow", "pypdf", "mammoth", "protego", "psycopg")
    return workspace.given(**environment_without(tmp_path / "hidden", *packages))


def test_what_needs_no_extra_works_without_them(light: Workspace) -> None:
    assert light.run("ingest").status == 0
    asked = light.run("ask", "--json", "向量数据库有哪些知名组件？").json
    assert asked["citations"]
    assert light.run("doctor").status == 0


def test_an_embedding_model_of_sentence_transformers(light: Workspace) -> None:
    configured = light.given(ZHIWEN_EMBEDDING__PROVIDER="sentence-transformers", ZHIWEN_EMBEDDING__MODEL="BAAI/bge-m3")
    expected = ("embedding.provider: sentence-transformers needs the extra", "install 'zhiwen[sentence-transformers]'")
    for command in (("ingest",), ("ask", "什么是向量数据库？")):
        assert_one_line(configured.run(*command), 1, *expected)
    checks = configured.run("doctor", "--json").json["checks"]
    (failed,) = [check for check in checks if check["ok"] is False]
    assert failed["part"] == "embedder"
    assert all(part in failed["message"] for part in expected)


def test_a_cross_encoder(light: Workspace) -> None:
    configured = light.given(ZHIWEN_RERANK__PROVIDER="cross-encoder", ZHIWEN_RERANK__MODEL="BAAI/bge-reranker-v2-m3")
    asked = configured.run("search", "什么是向量数据库？")
    assert_one_line(asked, 1, "rerank.provider: cross-encoder needs", "install 'zhiwen[sentence-transformers]'")


def test_a_backup(light: Workspace) -> None:
    for command in ("export", "import"):
        refused = light.run(command, "b.parquet")
        assert_one_line(refused, 1, f"zhiwen {command} needs the extra `backup`", "install 'zhiwen[backup]'")


def test_a_pdf_is_an_error_of_that_document(light: Workspace) -> None:
    (light.folder / "knowledge" / "a.pdf").write_bytes(b"%PDF-1.4")
    report = light.given(ZHIWEN_KNOWLEDGE__INCLUDE="*.md,*.pdf").run("ingest", "--json").json
    (failure,) = report["failures"]
    assert failure["source"] == "a.pdf"
    assert "a.pdf needs the extra `documents`, which is not installed; run: " in failure["error"]


def test_a_web_site(light: Workspace) -> None:
    refused = light.given(ZHIWEN_KNOWLEDGE__WEB_URL="http://127.0.0.1:1/").run("ingest")
    assert_one_line(refused, 1, "http://127.0.0.1:1/ needs the extra `web`", "install 'zhiwen[web]'")


def test_telemetry(light: Workspace) -> None:
    configured = light.given(ZHIWEN_SERVE__OTLP_ENDPOINT="http://127.0.0.1:9")
    assert_one_line(configured.run("serve", "--port", "0"), 2, "serve.otlp_endpoint", "install 'zhiwen[telemetry]'")
