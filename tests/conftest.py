"""What the tests of more than one package share."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from milvus_process import MilvusProcess


@pytest.fixture(scope="session")
def milvus_server(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[MilvusProcess]":
    """A Milvus server; tests keep to collections of their own, and leave it running."""
    pytest.importorskip("milvus", reason="the package milvus, with its server, is built for Linux on x86-64 only")
    from milvus_process import MilvusProcess  # noqa: PLC0415

    process = MilvusProcess(tmp_path_factory.mktemp("milvus"))
    try:
        yield process
    finally:
        process.stop()
