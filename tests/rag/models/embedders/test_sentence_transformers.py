"""Embedders from a folder or the hub: what is loaded, what is refused, and what tells two models apart."""

import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from rag.errors import EmbedderUnavailable
from tests.kit.pretrained_models import MINILM, sentence_transformer
from tests.kit.python_process import run_python


def test_a_model_folder_that_is_not_there_is_one_line_with_the_way_out() -> None:
    message = refusal(Path("/no/such/model"))
    assert message.startswith("embedding.model /no/such/model: no such folder")
    assert "embedding.provider: builtin" in message


def test_a_hub_that_cannot_be_reached_is_named_with_the_way_out() -> None:
    assert "ConnectError" in refusal_with_hub_at("http://127.0.0.1:9")


def test_a_hub_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert "ReadTimeout" in refusal_with_hub_at(f"http://127.0.0.1:{listener.getsockname()[1]}")


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "model.safetensors").unlink(),
        lambda folder: os.truncate(own(folder / "model.safetensors"), 100_000),
        lambda folder: own(folder / "config.json").write_text("{"),
        lambda folder: (folder / "1_Pooling/config.json").unlink(),
        lambda folder: [(folder / name).unlink() for name in ("tokenizer.json", "vocab.txt")],
    ],
    ids=["no weights", "cut weights", "cut config", "no pooling", "no vocabulary"],
)
def test_a_damaged_model_is_refused_by_name(damage: Callable[[Path], object], tmp_path: Path) -> None:
    folder = copy_of_minilm(tmp_path / "model")
    damage(folder)
    assert str(folder) in refusal(folder)


def test_a_model_without_a_limit_of_tokens_is_refused(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 takes 6 s
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding  # noqa: PLC0415

    tokenizer = Tokenizer.from_file(str(MINILM / "tokenizer.json"))
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=8)]).save(str(tmp_path))
    assert "does not say how many tokens it takes" in refusal(tmp_path)


def test_a_model_in_the_cache_loads_without_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path))
    repository = tmp_path / "models--acme--model"
    fingerprints = set()
    for commit in ("a" * 40, "b" * 40):
        copy_of_minilm(repository / "snapshots" / commit)
        (repository / "refs").mkdir(exist_ok=True)
        (repository / "refs/main").write_text(commit)
        embedder = sentence_transformer("acme/model")
        assert embedder.name == "sentence-transformers/acme/model"
        fingerprints.add(embedder.fingerprint)
    assert len(fingerprints) == 2


def test_the_fingerprint_of_a_folder_is_its_content_not_its_place(tmp_path: Path) -> None:
    here, there = copy_of_minilm(tmp_path / "here"), copy_of_minilm(tmp_path / "there")
    fingerprint = sentence_transformer(here).fingerprint
    assert sentence_transformer(there).fingerprint == fingerprint
    own(there / "sentence_bert_config.json").write_text('{"max_seq_length": 128, "do_lower_case": false}')
    changed = sentence_transformer(there)
    assert changed.max_tokens == 128
    assert changed.fingerprint != fingerprint


def test_a_prompt_that_the_model_calls_passage_is_used_and_counted(tmp_path: Path) -> None:
    folder = copy_of_minilm(tmp_path / "model")
    plain = sentence_transformer(folder)
    prompts = {"prompts": {"query": "query: ", "passage": "passage: "}}
    own(folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    prompted = sentence_transformer(folder)
    assert np.array_equal(prompted.embed_documents(["lunch"]), plain.embed_documents(["passage: lunch"]))
    assert np.array_equal(prompted.embed_query("lunch"), plain.embed_query("query: lunch"))
    assert prompted.count_tokens("lunch") == plain.count_tokens("passage: lunch")


def test_loading_and_embedding_say_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    embedder = sentence_transformer(MINILM)
    embedder.count_tokens("word " * 1000)
    embedder.embed_documents(["word " * 1000, "word"])
    assert capfd.readouterr() == ("", "")


def refusal(model: Path) -> str:
    with pytest.raises(EmbedderUnavailable) as caught:
        sentence_transformer(model)
    message = str(caught.value)
    assert "\n" not in message
    return message


def refusal_with_hub_at(endpoint: str) -> str:
    program = (
        "from rag.models.embedders.sentence_transformers import SentenceTransformersEmbedder\n"
        "from rag.errors import EmbedderUnavailable\n"
        "try: SentenceTransformersEmbedder(model='acme/model')\n"
        "except EmbedderUnavailable as error: print(error)"
    )
    told = run_python(program, HF_ENDPOINT=endpoint, HF_HUB_OFFLINE="0")
    assert told.startswith("embedding.model acme/model ")
    assert told.count("\n") == 1
    assert "embedding.provider: builtin, or embedding.model: /path/to/a/downloaded/model" in told
    return told


def copy_of_minilm(folder: Path) -> Path:
    """The model as a folder of links: 90 MB that need no copying."""
    shutil.copytree(MINILM, folder, copy_function=os.symlink)
    return folder


def own(file: Path) -> Path:
    """`file` with its content copied, in the place of the link."""
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content)
    return file


def test_bfloat16_is_named_and_searches_indexes_of_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {}
    for has_bfloat16 in (False, True):
        # The processor of the test decides no more: bfloat16 is computed anywhere, if slowly.
        monkeypatch.setattr("rag.models.embedders.sentence_transformers.has_bfloat16", lambda found=has_bfloat16: found)
        made[has_bfloat16] = sentence_transformer(MINILM)
    exact, fast = made[False], made[True]
    assert (exact.engine, fast.engine) == ("torch.float32 (cpu)", "torch.bfloat16 (cpu)")
    assert (exact.equivalents, fast.equivalents) == ({fast.fingerprint}, {exact.fingerprint})
    texts = ["lunch", "An upsert replaces the row that has the same primary key. " * 4]
    one, other = exact.embed_documents(texts), fast.embed_documents(texts)
    assert not np.array_equal(one, other)
    assert (one * other).sum(axis=1).min() > 0.999
    assert np.array_equal(fast.embed_documents(texts[::-1])[::-1], other)
