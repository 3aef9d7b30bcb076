"""Cross-encoders from a folder or the hub: what is loaded, and what is refused."""

import re
import shutil
from pathlib import Path

import pytest

from rag.errors import RerankerUnavailable
from rag.models.rerankers.cross_encoder import CrossEncoderReranker
from tests.kit.pretrained_models import MINILM
from tests.kit.python_process import run_python
from tests.kit.rerankers import QUESTION, TEXTS


def test_a_model_folder_that_is_not_there_is_one_line_with_the_way_out() -> None:
    message = refusal(Path("/no/such/model"))
    assert message.startswith("rerank.model /no/such/model: no such folder")
    assert "rerank.provider: none" in message


def test_an_embedding_model_is_not_a_reranker() -> None:
    assert "is not a reranker (BertModel" in refusal(MINILM)


def test_a_hub_that_cannot_be_reached_is_named_with_the_way_out() -> None:
    program = (
        "from rag.models.rerankers.cross_encoder import CrossEncoderReranker\n"
        "from rag.errors import RerankerUnavailable\n"
        "try: CrossEncoderReranker(model='acme/model')\n"
        "except RerankerUnavailable as error: print(error)"
    )
    done = run_python(program, HF_ENDPOINT="http://127.0.0.1:9", HF_HUB_OFFLINE="0")
    assert re.match(r"rerank\.model acme/model is not a folder .*ConnectError.* set rerank\.provider: none.*\n$", done)


def test_a_model_in_the_cache_loads_without_the_hub(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path))
    repository = tmp_path / "models--acme--model"
    shutil.copytree(tiny_model, repository / "snapshots" / ("a" * 40))
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text("a" * 40)
    cached = CrossEncoderReranker(model="acme/model")
    assert cached.name == "cross-encoder/acme/model"
    assert cached.scores(QUESTION, TEXTS) == CrossEncoderReranker(model=str(tiny_model)).scores(QUESTION, TEXTS)


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_a_damaged_model_is_refused_by_name(file: str, tiny_model: Path, tmp_path: Path) -> None:
    for path in tiny_model.iterdir():
        content = path.read_bytes()
        (tmp_path / path.name).write_bytes(content[: len(content) // 2] if path.name == file else content)
    assert str(tmp_path) in refusal(tmp_path)


def test_loading_and_scoring_say_nothing(tiny_model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    CrossEncoderReranker(model=str(tiny_model)).scores(QUESTION, ["word " * 1000, "word"])
    assert capfd.readouterr() == ("", "")


def refusal(model: Path) -> str:
    with pytest.raises(RerankerUnavailable) as caught:
        CrossEncoderReranker(model=str(model))
    message = str(caught.value)
    assert "\n" not in message
    return message
