"""Opening the reranker that the settings name."""

import re

import pytest

from rag.errors import ConfigError, RerankerTimeout
from rag.models.rerankers.factory import open_reranker
from rag.models.rerankers.time_limit import TimeLimitedReranker
from rag.settings import RerankSettings
from tests.kit.openai_server import Call, openai_server
from tests.kit.python_process import run_python
from tests.kit.rerankers import QUESTION, TEXTS


def test_without_a_provider_there_is_no_reranker() -> None:
    assert open_reranker(RerankSettings()) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "bge"}, "rerank.model must be empty with rerank.provider: none, got 'bge'"),
        ({"provider": "cross-encoder"}, "rerank.model is required with rerank.provider: cross-encoder"),
        ({"provider": "http"}, "rerank.model is required with rerank.provider: http"),
        ({"provider": "http", "model": "m"}, "rerank.base_url is required"),
    ],
)
def test_a_missing_or_impossible_setting_is_named(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        open_reranker(RerankSettings.model_validate(settings))


def test_an_opened_reranker_is_held_to_its_deadline() -> None:
    with openai_server(Call.hang) as server:
        settings = {"provider": "http", "model": "m", "base_url": server.base_url, "timeout_seconds": 0.3}
        opened = open_reranker(RerankSettings.model_validate(settings))
        assert opened
        assert isinstance(opened, TimeLimitedReranker)
        with pytest.raises(RerankerTimeout, match=r"within 0\.3 s"):
            opened.scores(QUESTION, TEXTS)


def test_nothing_of_torch_is_loaded_before_a_cross_encoder_is_chosen() -> None:
    program = (
        "import sys; from rag.settings import RerankSettings; from rag.models.rerankers.factory import open_reranker;"
        "open_reranker(RerankSettings(provider='http', model='m', base_url='http://127.0.0.1:9'));"
        "print({'torch', 'sentence_transformers', 'transformers', 'huggingface_hub'} & set(sys.modules))"
    )
    assert run_python(program) == "set()\n"
