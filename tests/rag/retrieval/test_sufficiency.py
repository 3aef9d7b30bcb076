"""The probability that the hits contain the answer."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rag.models.embedders.builtin import BuiltinEmbedder
from rag.retrieval.calibration import LogisticModel, load_calibration
from rag.retrieval.name_presence import ABSENT, IN_DOUBT
from rag.retrieval.search import Retrieval, RetrieverResults
from rag.retrieval.signals import Signals, extract_signals
from rag.retrieval.sufficiency import LIKELY, Sufficiency, answer_probability
from rag.text.tokens import tokenize_question
from rag.types import Chunk, Hit
from tests.kit.paths import ROOT

BUILTIN = BuiltinEmbedder().fingerprint
UNKNOWN = "0123456789abcdef"
ZH = "Ollama 是在本地训练、部署和运维大模型的平台。"
EN = "Ollama is a platform that trains, deploys and runs large models locally."

numbers = st.floats(-1, 1)
signals = st.builds(
    Signals,
    cosine=numbers,
    lexical_lead=numbers,
    span_coverage=st.floats(0, 1),
    kind_missing=st.sampled_from([0.0, 1.0]),
    name_missing=st.sampled_from([0.0, IN_DOUBT, ABSENT]),
    is_across=st.booleans(),
    span_cosine=numbers,
    number_missing=st.sampled_from([0.0, 1.0]),
)
models = st.sampled_from(
    [
        model
        for fingerprint in (BUILTIN, UNKNOWN)
        for model in (load_calibration(fingerprint).same_language, load_calibration(fingerprint).across_languages)
    ]
)


def chunk(content: str = ZH, name: str = "1") -> Chunk:
    return Chunk(
        id=name,
        source="a.md",
        title="",
        heading_path=(),
        anchor="",
        kind="text",
        position=0,
        group=name,
        start_line=1,
        end_line=1,
        content=content,
    )


def found(question: str, *contents: str, cosine: float = 0.86, bm25: float = 1.0, embedder: str = BUILTIN) -> Retrieval:
    """A search that found these contents with nearly the same scores, the first a little better."""
    hits = tuple(
        Hit(chunk(content, str(number)), 1.0, cosine - 0.02 * bool(number), 0.5, bm25 / (number + 1))
        for number, content in enumerate(contents)
    )
    results = RetrieverResults(
        idf=dict.fromkeys(tokenize_question(question), 3.0), compare=lambda texts: [cosine] * len(texts)
    )
    return Retrieval(question, 1, embedder, hits, candidates=hits, results=results)


def of(question: str, *contents: str, embedder: str = BUILTIN) -> float:
    return answer_probability(found(question, *contents, embedder=embedder))


def test_without_hits_the_probability_is_zero() -> None:
    assert of("Ollama 是什么？") == 0.0


def test_the_built_in_embedder_has_a_calibration_of_its_own() -> None:
    """When its fingerprint changes, `python -m bench.calibrate` has to be run again."""
    assert load_calibration(BUILTIN) != load_calibration(UNKNOWN)


def test_a_calibration_records_its_data_and_its_quality() -> None:
    for path in (ROOT / "rag" / "retrieval" / "calibrations").glob("*.json"):
        fitted = json.loads(path.read_text(encoding="utf-8"))
        for part in ("same_language", "across_languages"):
            assert bool(fitted[part]["quality"]) == bool(fitted[part]["weights"]), path
            assert 0 < fitted[part]["prior"] < 1


@given(signals, models)
def test_the_result_is_a_probability(one: Signals, model: LogisticModel) -> None:
    assert 0 <= model.probability(one) <= 1


@given(signals, models, st.sampled_from(["cosine", "span_cosine", "lexical_lead", "span_coverage"]), st.floats(0, 1))
def test_a_stronger_signal_never_lowers_the_probability(
    one: Signals, model: LogisticModel, name: str, more: float
) -> None:
    assert model.probability(one) <= model.probability(replace(one, **{name: getattr(one, name) + more}))


@given(numbers, numbers)
def test_the_similarities_of_an_embedder_without_calibration_do_not_count(one: float, other: float) -> None:
    first, second = (found("Ollama 是什么？", ZH, cosine=cosine, embedder=UNKNOWN) for cosine in (one, other))
    assert answer_probability(first) == pytest.approx(answer_probability(second))


@pytest.mark.parametrize("embedder", [BUILTIN, UNKNOWN])
def test_passages_with_all_words_suffice_and_passages_without_any_do_not(embedder: str) -> None:
    assert answer_probability(found("Ollama 是什么？", ZH, "别的段落", cosine=0.91, bm25=4.0, embedder=embedder)) > 0.7
    assert answer_probability(found("明天上海会下雨吗？", ZH, ZH, cosine=0.78, bm25=0.0, embedder=embedder)) < 0.5


def test_signals_are_those_of_the_best_hit_against_the_next() -> None:
    seen = extract_signals(found("Ollama 部署", ZH, ZH, ZH, bm25=6.0))
    assert seen.cosine == 0.86
    highest = 2.2 * 3.0 * len(tokenize_question("Ollama 部署"))
    assert seen.lexical_lead == pytest.approx((6.0 - 2.5) / highest / (2.5 / highest + 0.05))
    assert seen.span_coverage == 1.0
    assert not seen.is_across


def test_the_spans_that_hold_most_are_compared_with_the_question() -> None:
    compared: list[str] = []

    def compare(texts: Sequence[str]) -> list[float]:
        compared.extend(texts)
        return [0.1 * compared.index(text) for text in texts]

    hits = found("Ollama 部署", "别的。Ollama 部署。Ollama。", "无关。部署。也无关。")
    seen = extract_signals(replace(hits, results=replace(hits.results, compare=compare)))
    assert compared[0] == "\nOllama 部署。"
    assert len(compared) == 4
    assert seen.span_cosine == pytest.approx(0.3)


@pytest.mark.parametrize(("cosine", "calls"), [(0.95, 1), (0.5, 2)])
def test_further_spans_are_compared_unless_the_best_one_is_near_enough(cosine: float, calls: int) -> None:
    compared: list[Sequence[str]] = []

    def compare(texts: Sequence[str]) -> list[float]:
        compared.append(texts)
        return [cosine] * len(texts)

    hits = found("Ollama 部署", "别的。Ollama 部署。Ollama。", "无关。部署。也无关。")
    sufficiency = Sufficiency(replace(hits, results=replace(hits.results, compare=compare)))
    assert sufficiency.reaches(0.9) == (cosine > 0.9)
    assert [len(texts) for texts in compared] == [1, 3][:calls]


def test_no_span_is_compared_if_the_nearest_passage_is_near_enough() -> None:
    def compare(texts: Sequence[str]) -> list[float]:
        raise AssertionError(texts)

    hits = found("Ollama 部署", "别的。Ollama 部署。Ollama。", cosine=0.95)
    assert Sufficiency(replace(hits, results=replace(hits.results, compare=compare))).reaches(0.5)


def test_a_caller_for_whom_less_is_enough_saves_further_comparisons() -> None:
    compared: list[Sequence[str]] = []

    def compare(texts: Sequence[str]) -> list[float]:
        compared.append(texts)
        return [0.85] * len(texts)

    hits = found("Ollama 部署", "别的。Ollama 部署。Ollama。", "无关。部署。也无关。")
    hits = replace(hits, results=replace(hits.results, compare=compare))
    probability = answer_probability(hits, enough=1.0)
    compared.clear()
    sufficiency = Sufficiency(hits)
    assert sufficiency.reaches(probability)
    assert sufficiency.known == probability
    assert [len(texts) for texts in compared] == [1]
    assert not sufficiency.reaches(1.0)
    assert [len(texts) for texts in compared] == [1, 3], "nothing is compared twice"


def test_an_estimate_decides_only_what_is_clear() -> None:
    """Compared exactly, the best span may be farther from the question than estimated."""
    compared: list[Sequence[str]] = []

    def compare(texts: Sequence[str]) -> list[float]:
        compared.append(texts)
        return [0.7] * len(texts)

    hits = found("Ollama 部署", "别的。Ollama 部署。Ollama。", cosine=0.82, bm25=0.0)
    sufficiency = Sufficiency(replace(hits, results=replace(hits.results, compare=compare)))
    estimate = sufficiency.known
    assert 0.3 < estimate < LIKELY
    assert sufficiency.reaches(estimate / (3 - 2 * estimate) - 1e-6)
    assert not compared, "a third of the odds"
    assert not sufficiency.reaches(estimate - 0.01)
    assert compared
    assert sufficiency.known < estimate


def test_spans_are_only_compared_in_one_language_and_for_an_embedder_with_a_calibration() -> None:
    def compare(texts: Sequence[str]) -> list[float]:
        raise AssertionError(texts)

    for hits in (found("Ollama 是什么？", ZH, embedder=UNKNOWN), found("Ollama 是什么？", EN)):
        assert answer_probability(replace(hits, results=replace(hits.results, compare=compare))) > 0


def test_a_cosine_counts_as_its_distance_from_those_of_unrelated_texts_of_the_language() -> None:
    calibration = load_calibration(BUILTIN)
    zh, en = calibration.unrelated["zh"], calibration.unrelated["en"]
    hits = found("Ollama 部署", "Ollama 部署。")
    near = [replace(extract_signals(hits), span_cosine=each.median + 4 * each.deviation) for each in (zh, en)]
    assert zh.median > en.median, "the embedder finds any two Chinese texts more similar than any two English ones"
    assert calibration.probability(near[0], "zh") == pytest.approx(calibration.probability(near[1], "en"))


def test_one_sentence_with_all_terms_counts_more_than_several_that_share_them() -> None:
    together = extract_signals(found("Ollama 部署", "Ollama 部署。别的。"))
    apart = extract_signals(found("Ollama 部署", "Ollama。部署。"))
    assert together.span_coverage == 1.0 > apart.span_coverage


def test_what_the_best_hit_holds_in_translation_counts_less_what_others_hold() -> None:
    hits = found("How do I restart it?", "重启它。", "停止它。", "它。")
    held = {"0": 0.75, "1": 0.5, "2": 0.1}
    of_words = replace(hits, results=replace(hits.results, translated=held))
    assert extract_signals(of_words).translated == pytest.approx(0.75 - 0.25 * 0.3)
    reranked = replace(of_words, hits=of_words.hits[::-1])
    assert extract_signals(reranked).translated == pytest.approx(0.1 - 0.9 * 0.625)
    whole = replace(hits, results=replace(hits.results, translated=dict.fromkeys(held, 1.0)))
    assert extract_signals(whole).translated == 1.0, "whatever the others hold"


def test_a_question_without_translations_counts_as_the_average() -> None:
    unknown = extract_signals(found("What is Zorblax?", "这里没有它。")).translated
    hits = found("What is Zorblax?", "这里没有它。", "没有。")
    low, high = (
        extract_signals(replace(hits, results=replace(hits.results, translated={"0": share, "1": 0.0}))).translated
        for share in (0.0, 1.0)
    )
    assert low < unknown < high


@given(signals, st.floats(0, 1), st.floats(0, 1))
def test_more_translated_words_never_lower_the_probability(one: Signals, first: float, second: float) -> None:
    low, high = sorted((first, second))
    for fingerprint in (BUILTIN, UNKNOWN):
        model = load_calibration(fingerprint).across_languages
        assert model.probability(replace(one, translated=low)) <= model.probability(replace(one, translated=high))


@pytest.mark.parametrize(
    ("question", "without", "with_kind"),
    [
        ("Ollama 是什么时候发布的？", "Ollama 是大模型平台。", "Ollama 是 2023 年发布的大模型平台。"),
        ("Ollama 哪年发布？", "Ollama 是大模型平台。", "Ollama 二〇二三发布，距今三年。"),
        ("安装要多久？", "安装很快。", "安装要 5 分钟。"),
        ("When was Ollama released?", "Ollama runs models.", "Ollama was released in July."),
        ("Since when does Ollama run models?", "Ollama runs models.", "Ollama runs models since 2023."),
        ("Tell me when the store opens", "The store opens.", "The store opens in May."),
        ("How long does it take?", "It is quick.", "It takes two weeks."),
        ("How long does it wait?", "It waits.", "`FETCH_TIMEOUT_SEC`: 60"),
        ("How long does it wait?", "It waits.", "It waits 500 ms."),
        ("Dify 多少钱？", "Dify 是平台。", "Dify 每月 59 元。"),
        ("Dify 的价格", "Dify 是平台。", "Dify 免费。"),
        ("How much does Dify cost?", "Dify is a platform.", "Dify is $59 a month."),
        ("What is the price of Dify?", "Dify is a platform.", "Dify is free."),
    ],
)
def test_a_question_for_a_time_or_a_price_needs_one_among_the_passages(
    question: str, without: str, with_kind: str
) -> None:
    assert extract_signals(found(question, without)).kind_missing == 1.0
    assert extract_signals(found(question, with_kind)).kind_missing == 0.0
    assert extract_signals(found(question, without, with_kind)).kind_missing == 0.0, "one passage is enough"


@given(signals, models)
def test_a_missing_time_or_name_leaves_one_chance_in_twenty(one: Signals, model: LogisticModel) -> None:
    one = replace(one, name_missing=0.0)
    named, missing = (model.probability(replace(one, kind_missing=value)) for value in (0.0, 1.0))
    assert model.probability(replace(one, kind_missing=0.0, name_missing=1.0)) == missing
    assume(1e-6 < missing < named < 1 - 1e-6)  # beyond, a float holds too little of the odds
    assert missing / (1 - missing) == pytest.approx(named / (1 - named) / 20, rel=0.01)


@pytest.mark.parametrize(
    "question",
    [
        "Ollama 是什么？",
        "What does whenever mean?",
        "Whence comes Ollama?",
        "What is a costume?",
        "What shape has a report when fetched by a script?",
        "When I rename a folder, are its notes kept?",
    ],
)
def test_a_question_for_neither_time_nor_price_needs_none(question: str) -> None:
    assert extract_signals(found(question, "大模型平台。")).kind_missing == 0.0


@pytest.mark.parametrize(
    ("question", "without", "with_name"),
    [
        ("Cursor 的官网是什么？", "应用: Chatbox，官网: chatboxai.app", "应用: Ｃｕｒｓｏｒ，官网: cursor.com"),
        ("RAGFlow 和 Dify 有什么区别？", "Ollama 是平台。", "Dify 是平台。"),
        ("What is the website of Cursor?", "Chatbox is at chatboxai.app.", "Cursors are at cursor.com."),
        ("GPT-4o 是什么？", "大模型很多。", "GPT-4o 是大模型。"),
    ],
)
def test_a_question_for_a_name_needs_it_among_the_passages(question: str, without: str, with_name: str) -> None:
    assert extract_signals(found(question, without)).name_missing == 1.0
    assert extract_signals(found(question, with_name)).name_missing == 0.0
    assert extract_signals(found(question, without, with_name)).name_missing == 0.0


@given(signals, models)
def test_a_name_in_doubt_costs_less_than_an_absent_one(one: Signals, model: LogisticModel) -> None:
    held, doubtful, absent = (
        model.probability(replace(one, kind_missing=0.0, name_missing=value)) for value in (0.0, IN_DOUBT, ABSENT)
    )
    assert held >= doubtful >= absent


def test_a_word_in_lower_case_is_looked_for_in_all_that_was_found() -> None:
    hits = found("cursor 的官网", "应用: Chatbox", "应用: Cursor")
    assert extract_signals(hits).name_missing == 0.0
    assert extract_signals(replace(hits, hits=hits.hits[:1])).name_missing == 0.0
    assert extract_signals(replace(hits, hits=hits.hits[:1], candidates=hits.hits[:1])).name_missing == IN_DOUBT


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("有哪些好用的 app？", "应用: Chatbox"),
        ("AI 工程分几层？", "人工智能工程分四层。"),
        ("Who founded Tencent?", "腾讯由马化腾创办。"),
        ("Where is the office?", "We are in Beijing."),
    ],
    ids=["a common word", "an abbreviation", "a name that may be transliterated", "no name"],
)
def test_a_word_that_the_passages_may_spell_otherwise_is_not_a_missing_name(question: str, text: str) -> None:
    assert extract_signals(found(question, text)).name_missing == 0.0


def test_question_and_passages_in_different_languages_are_recognised() -> None:
    assert extract_signals(found("Ollama 是什么？", EN)).is_across
    assert extract_signals(found("What is Ollama?", ZH)).is_across
    assert not extract_signals(found("Ollama 是什么？", ZH)).is_across
    assert not extract_signals(found("What is Ollama?", EN)).is_across


def test_a_chinese_passage_full_of_english_names_is_still_chinese() -> None:
    content = "组件：OpenAI（GPT）, GitHub Copilot, Replit Ghostwriter；阿里云模型定制服务"
    assert not extract_signals(found("代码大模型有哪些？", content)).is_across


def test_english_passages_with_a_chinese_name_are_still_english() -> None:
    assert not extract_signals(found("What is Ollama?", f"{EN} {EN} In Chinese it is called 平台.")).is_across


def test_a_best_hit_with_fewer_words_than_the_next_has_no_lead() -> None:
    hits = found("Ollama 部署", ZH, ZH, bm25=6.0)
    behind = replace(hits.hits[0], bm25=1.0)
    seen = extract_signals(replace(hits, hits=(behind, hits.hits[1]), candidates=(behind, hits.hits[1])))
    assert seen.lexical_lead == 0.0


@pytest.mark.parametrize(
    ("question", "text", "missing"),
    [
        ("What happened in 1969?", "登月是 1969 年。", 0.0),
        ("What happened in 1969?", "登月很久以前。", 1.0),
        ("What happened in 1969 and 1971?", "登月是 1969 年。", 1.0),
        ("What is step 2?", "第二步是学 Python。", 0.0),
        ("What happened?", "登月很久以前。", 0.0),
    ],
)
def test_a_number_of_the_question_is_in_the_passages_or_missing(question: str, text: str, missing: float) -> None:
    assert extract_signals(found(question, text)).number_missing == missing


def test_a_missing_number_counts_across_languages() -> None:
    there, missing = (
        of("What happened in 1969?", text, "登月很久以前。") for text in ("登月是 1969 年。", "登月是 1968 年。")
    )
    assert missing < there


@pytest.mark.parametrize("content", ["", "12345", "🙂"])
def test_passages_without_any_letters_give_a_probability(content: str) -> None:
    assert 0 <= of("Ollama 是什么？", content) <= 1
    assert 0 <= of("What is Ollama?", content) <= 1


def test_across_languages_a_few_words_near_to_the_question_do_not_answer_it() -> None:
    salary, leave = (
        "The salary of the harbour pilot is paid on the 25th.",
        "Every employee has 25 days of leave a year.",
    )
    seen = extract_signals(found("红烧肉怎么做？", "tags: hr", salary, leave, cosine=0.86))
    assert (seen.cosine, seen.best_margin) == (0.84, 0.0)
    seen = extract_signals(found("What is the tag?", "tags: hr", salary, leave, cosine=0.86))
    assert seen.cosine == 0.86
