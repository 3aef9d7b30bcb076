"""Opening the embedder that the settings name."""

import re

import pytest

from rag.errors import ConfigError
from rag.models.embedders.factory import open_embedder
from rag.settings import EmbeddingSettings
from tests.kit.python_process import run_python


def test_no_vendor_library_is_loaded_before_it_is_chosen() -> None:
    program = (
        "import sys; from rag.settings import EmbeddingSettings;"
        "from rag.models.embedders.factory import open_embedder;"
        "open_embedder(EmbeddingSettings()).embed_query('x');"
        "print({'torch', 'sentence_transformers', 'openai', 'huggingface_hub'} & set(sys.modules))"
    )
    assert run_python(program) == "set()\n"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "BAAI/bge-m3"}, "embedding.model must be empty with embedding.provider: builtin, got 'BAAI/bge-m3'"),
        ({"provider": "sentence-transformers"}, "embedding.model is required"),
        ({"provider": "openai"}, "embedding.model is required with embedding.provider: openai"),
        ({"provider": "openai", "model": "m"}, "embedding.base_url is required"),
    ],
)
def test_a_missing_or_impossible_setting_is_named(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        open_embedder(EmbeddingSettings.model_validate(settings))
