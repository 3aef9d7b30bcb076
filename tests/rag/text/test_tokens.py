"""Text becomes terms by one pure function, the same for documents and for questions."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.tokens import tokenize, tokenize_question

ANY_TEXT = st.text(max_size=80)
WITH_LONE_SURROGATES = st.text(alphabet=[*"什么aB_ ", "\ud800", "\udfff"], max_size=12)
MIXED_TEXT = st.text(alphabet=list("什么是的向量数据库 TiDB_v7.5-/+#@:ａＢ\u3000\n🙂カか한ﷺ㍿İßﬁ"), max_size=40)


def test_full_width_forms_and_case_are_normalized() -> None:
    assert tokenize("Ｏｌｌａｍａ ｖ７．５") == tokenize("ollama V7.5") == ["ollama", "v7.5", "v7", "5"]
    assert tokenize("STRASSE") == tokenize("straße")


def test_an_identifier_gives_itself_and_its_parts() -> None:
    assert tokenize("tidb_mem_quota_query") == ["tidb_mem_quota_query", "tidb", "mem", "quota", "query"]
    assert tokenize("text-embedding-ada-002") == ["text-embedding-ada-002", "text", "embedding", "ada", "002"]
    assert tokenize("rag.chat.factory") == ["rag.chat.factory", "rag", "chat", "factory"]


def test_camel_case_gives_its_humps() -> None:
    assert tokenize("OpenAIChat") == ["openaichat", "open", "ai", "chat"]
    assert tokenize("getHTTPResponse2Code") == ["gethttpresponse2code", "get", "http", "response2", "code"]
    assert tokenize("Ollama") == ["ollama"]
    assert tokenize("HTTP") == ["http"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v7.5.0", {"v7.5.0", "v7", "5", "0"}),
        ("--allow-mass-deletion", {"allow-mass-deletion", "allow", "mass", "deletion"}),
        ("ERROR 1105 (HY000)", {"error", "1105", "hy000"}),
        ("错误码 8028", {"错误", "误码", "8028"}),
        ("错误码8028：", {"错误", "误码", "8028"}),
        ("https://www.trae.cn/", {"https://www.trae.cn", "https", "www", "trae", "cn"}),
        ("C++ 和 C#", {"c++", "c#"}),
        ("用C++写的", {"c++"}),
        ("node.js", {"node.js", "node", "js"}),
        ("user@example.com", {"user@example.com", "user", "example", "com"}),
        ("@@tidb_snapshot", {"tidb_snapshot", "tidb", "snapshot"}),
        ("1,048,576", {"1", "048", "576"}),
    ],
)
def test_identifiers_that_people_look_up_are_terms(text: str, expected: set[str]) -> None:
    assert expected <= set(tokenize(text))


def test_punctuation_at_the_end_is_not_part_of_a_word() -> None:
    assert tokenize("It is Ollama.") == ["it", "is", "ollama"]
    assert tokenize("(Ollama), [Coze]: Milvus;") == ["ollama", "coze", "milvus"]


def test_chinese_gives_its_characters_and_their_pairs() -> None:
    assert tokenize("数据库") == ["数", "据", "库", "数据", "据库"]


def test_traditional_characters_become_simplified_ones() -> None:
    assert tokenize("資料庫與雲端") == tokenize("资料库与云端")
    assert tokenize_question("請問 Dify 的官網是什麼？") == tokenize_question("请问 Dify 的官网是什么？")


def test_a_single_chinese_character_is_a_term() -> None:
    assert tokenize("库") == ["库"]
    assert tokenize("A 库 B") == ["a", "库", "b"]


def test_chinese_and_latin_written_without_a_space_are_told_apart() -> None:
    assert tokenize("用Ollama部署") == ["用", "ollama", "部", "署", "部署"]


def test_bigrams_do_not_reach_across_punctuation() -> None:
    assert "据向" not in tokenize("数据，向量")


def test_japanese_and_korean_give_bigrams() -> None:
    assert {"データ", "ベー", "ース"} & set(tokenize("データベース")) >= {"ベー", "ース"}
    assert {"데이", "이터"} <= set(tokenize("데이터"))
    assert tokenize("ﾃﾞｰﾀ") == tokenize("データ"), "half-width katakana are normalized"


def test_rare_chinese_characters_beyond_the_basic_plane_count() -> None:
    assert tokenize("𠮷野家") == ["𠮷", "野", "家", "𠮷野", "野家"]


@pytest.mark.parametrize("text", ["", "   ", "🙂🎉", "—…！？", "___", "\u200b", "\0"])
def test_a_text_without_words_has_no_terms(text: str) -> None:
    assert tokenize(text) == []


def test_emoji_separate_words_and_are_not_terms() -> None:
    assert tokenize("Ollama🙂部署") == ["ollama", "部", "署", "部署"]


def test_a_very_long_word_is_cut_off_in_documents_and_questions_alike() -> None:
    word = "x" * 1000
    assert tokenize(word) == tokenize_question(word) == ["x" * 64]


@given(ANY_TEXT | MIXED_TEXT | WITH_LONE_SURROGATES)
def test_no_term_is_empty_or_too_long_or_contains_white_space(text: str) -> None:
    for term in tokenize(text):
        assert term
        assert term.split() == [term]
        assert len(term) <= 64


@given(ANY_TEXT | MIXED_TEXT)
def test_a_text_and_its_compatibility_form_have_the_same_terms(text: str) -> None:
    normalized = unicodedata.normalize("NFKC", text)
    assert tokenize(normalized) == tokenize(text)
    assert tokenize_question(normalized) == tokenize_question(text)


@given(ANY_TEXT | MIXED_TEXT)
def test_question_terms_are_distinct_and_empty_only_for_a_text_without_terms(text: str) -> None:
    found = tokenize_question(text)
    assert len(found) == len(set(found))
    assert bool(found) == bool(tokenize(text))


@given(st.lists(st.sampled_from(["Ollama", "向量", "数据库", "v7.5.0", "C++", "🙂"]), max_size=6))
def test_texts_side_by_side_have_the_terms_of_each(words: list[str]) -> None:
    assert tokenize(" ".join(words)) == [term for word in words for term in tokenize(word)]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("什么是硅基流动？", tokenize("硅基流动")),
        ("请问 Dify 的官网是什么？", ["dify", "官", "网", "官网"]),
        ("Ollama 怎么安装", ["ollama", "安", "装", "安装"]),
        ("What is the official website of PyCharm?", ["official", "website", "pycharm", "py", "charm"]),
        ("Could you please show me Milvus", ["milvus"]),
        ("WHAT IS MILVUS", ["milvus"]),
    ],
)
def test_question_words_are_dropped(question: str, expected: list[str]) -> None:
    assert tokenize_question(question) == expected


@pytest.mark.parametrize(
    ("question", "identifier"),
    [
        ("What does is_extractive do?", "is_extractive"),
        ("tidb_is_master 是什么？", "tidb_is_master"),
        ("what is on-call", "on-call"),
        ("How do I use --show-all?", "show-all"),
        ("怎么用 do_while", "do_while"),
        ("What is c.is.d", "c.is.d"),
    ],
)
def test_a_question_word_inside_an_identifier_stays(question: str, identifier: str) -> None:
    assert identifier in tokenize_question(question)


@pytest.mark.parametrize("question", ["什么", "为什么？", "What is it?", "How do you do", "有哪些", "谁"])
def test_a_question_of_question_words_alone_keeps_all_its_terms(question: str) -> None:
    assert tokenize_question(question) == list(dict.fromkeys(tokenize(question)))
    assert tokenize_question(question)
