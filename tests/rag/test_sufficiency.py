"""How likely it is that what was found holds the answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.sufficiency import probability
from rag.vocabulary import Chunk, Hit

BUILTIN = "builtin/multilingual-e5-small"
UNKNOWN = "openai/some-model"
ZH = "Ollama 是在本地训练、部署和运维大模型的平台。"
EN = "Ollama is a platform that trains, deploys and runs large models locally."

coverages = st.floats(0, 1)
margins = st.floats(-2, 2)
embedders = st.sampled_from([BUILTIN, UNKNOWN])
questions = st.sampled_from(["Ollama 是什么？", "What is Ollama?", "Ollama 是哪一年发布的？", "How much is Ollama?"])


def hit(content: str = ZH, *, coverage: float = 0.5) -> Hit:
    chunk = Chunk(
        id="1",
        source="a.md",
        title="",
        heading_path=(),
        anchor="",
        kind="text",
        position=0,
        group="1",
        start_line=1,
        end_line=1,
        content=content,
    )
    return Hit(chunk, 1.0, 0.9, coverage)


def of(question: str, *hits: Hit, margin: float = 0.02, embedder: str = BUILTIN) -> float:
    return probability(question, hits, margin=margin, embedder=embedder)


@given(questions, margins, embedders)
def test_without_hits_there_is_no_evidence_at_all(question: str, margin: float, embedder: str) -> None:
    assert of(question, margin=margin, embedder=embedder) == 0.0


@given(questions, st.sampled_from([ZH, EN, ""]), coverages, margins, embedders)
def test_it_is_a_probability(question: str, content: str, coverage: float, margin: float, embedder: str) -> None:
    assert 0 <= of(question, hit(content, coverage=coverage), margin=margin, embedder=embedder) <= 1


@given(questions, st.sampled_from([ZH, EN]), coverages, coverages, margins, embedders)
def test_more_coverage_is_never_less_likely(
    question: str, content: str, one: float, other: float, margin: float, embedder: str
) -> None:
    low, high = (
        of(question, hit(content, coverage=coverage), margin=margin, embedder=embedder)
        for coverage in sorted((one, other))
    )
    assert low <= high


@given(questions, st.sampled_from([ZH, EN]), coverages, margins, margins)
def test_a_wider_margin_is_never_less_likely(
    question: str, content: str, coverage: float, one: float, other: float
) -> None:
    low, high = (of(question, hit(content, coverage=coverage), margin=margin) for margin in sorted((one, other)))
    assert low <= high


@given(questions, coverages, margins, margins)
def test_the_margin_of_an_embedder_that_was_not_fitted_counts_nothing(
    question: str, coverage: float, one: float, other: float
) -> None:
    first = of(question, hit(coverage=coverage), margin=one, embedder=UNKNOWN)
    assert first == of(question, hit(coverage=coverage), margin=other, embedder=UNKNOWN)


@pytest.mark.parametrize("embedder", [BUILTIN, UNKNOWN])
def test_full_coverage_suffices_and_none_does_not(embedder: str) -> None:
    assert of("Ollama 是什么？", hit(coverage=1.0), embedder=embedder) > 0.9
    assert of("明天上海会下雨吗？", hit(coverage=0.0), margin=0.0, embedder=embedder) < 0.5


@pytest.mark.parametrize(
    ("question", "without", "with_kind"),
    [
        ("Ollama 是什么时候发布的？", "Ollama 是大模型平台。", "Ollama 是 2023 年发布的大模型平台。"),
        ("Ollama 哪年发布？", "Ollama 是大模型平台。", "Ollama 二〇二三发布，距今三年。"),
        ("安装要多久？", "安装很快。", "安装要 5 分钟。"),
        ("When was Ollama released?", "Ollama runs models.", "Ollama was released in July."),
        ("How long does it take?", "It is quick.", "It takes two weeks."),
        ("Dify 多少钱？", "Dify 是平台。", "Dify 每月 59 元。"),
        ("Dify 的价格", "Dify 是平台。", "Dify 免费。"),
        ("How much does Dify cost?", "Dify is a platform.", "Dify is $59 a month."),
        ("What is the price of Dify?", "Dify is a platform.", "Dify is free."),
    ],
)
@pytest.mark.parametrize("embedder", [BUILTIN, UNKNOWN])
def test_a_question_for_a_time_or_a_price_needs_one_among_the_passages(
    question: str, without: str, with_kind: str, embedder: str
) -> None:
    missing = of(question, hit(without), embedder=embedder)
    assert missing < of(question, hit(with_kind), embedder=embedder)
    assert missing < of(question, hit(without), hit(with_kind), embedder=embedder), "any of the passages will do"


def test_a_question_for_neither_time_nor_price_needs_none() -> None:
    assert of("Ollama 是什么？", hit("Ollama 是大模型平台。")) == of(
        "Ollama 是什么？", hit("Ollama 是 2023 年的平台。")
    )


def test_words_that_only_contain_a_time_word_ask_for_no_time() -> None:
    for question in ("What does whenever mean?", "Whence comes Ollama?", "What is a costume?"):
        assert of(question, hit(EN)) == of("What does Ollama mean?", hit(EN))


def test_across_languages_the_words_say_little_and_the_margin_decides() -> None:
    for question, content in (("Ollama 是什么？", EN), ("What is Ollama?", ZH)):
        without_words = of(question, hit(content, coverage=0.0), margin=0.05)
        assert without_words > 0.8
        assert of(question, hit(content, coverage=1.0), margin=0.05) - without_words < 0.2
        assert of(question, hit(content, coverage=0.0), margin=0.0) < without_words


def test_in_one_language_the_words_decide() -> None:
    for question, content in (("Ollama 是什么？", ZH), ("What is Ollama?", EN)):
        assert of(question, hit(content, coverage=0.0), margin=0.0) < 0.1
        assert of(question, hit(content, coverage=1.0), margin=0.0) > 0.9


def test_a_chinese_passage_full_of_english_names_is_still_chinese() -> None:
    content = "组件：OpenAI（GPT）, GitHub Copilot, Replit Ghostwriter；阿里云模型定制服务"
    assert of("代码大模型有哪些？", hit(content, coverage=0.0), margin=0.0) < 0.1


def test_english_passages_with_a_chinese_name_are_still_english() -> None:
    content = f"{EN} {EN} In Chinese it is called 平台."
    assert of("What is Ollama?", hit(content, coverage=0.0), margin=0.0) < 0.1


def test_passages_without_any_letters_are_no_crash() -> None:
    for content in ("", "12345", "🙂"):
        assert 0 <= of("Ollama 是什么？", hit(content)) <= 1
        assert 0 <= of("What is Ollama?", hit(content)) <= 1
