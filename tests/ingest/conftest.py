import pytest

from rag.embedders.builtin import BuiltinEmbedder


@pytest.fixture(scope="session")
def builtin() -> BuiltinEmbedder:
    return BuiltinEmbedder()
