"""Whether passages hold the names that a question asks for."""

import pytest

from rag.retrieval.name_presence import ABSENT, IN_DOUBT, name_absence

ZH = ("应用: Chatbox，官网: chatboxai.app", "应用: Cherry Studio，官网: cherry-ai.com", "向量数据库: Milvus, PingCAP")
EN = ("Chatbox is at chatboxai.app.", "Cherry Studio is at cherry-ai.com.", "Milvus stores vectors.")
PROSE = ("物理学家爱因斯坦生于德国，1905 年提出狭义相对论。", "化学家拉瓦锡生于巴黎，推翻了燃素说（Phlogiston）。")


def missing(question: str, *passages: str, others: tuple[str, ...] = (), is_across: bool = False) -> float:
    return name_absence(question, passages, others=others, is_across=is_across)


@pytest.mark.parametrize(
    "question",
    [
        "Chatbox 的官网",
        "ＣＨＡＴＢＯＸ 的官网",
        "chatbox 的官网",
        "CherryStudio 的官网",
        "cherry-studio 的官网",
        "Cherri Studio 的官网",
        "chatbx 是什么",
        "milvs 属于哪一层",
        "Milvuses 有哪些",
        "RAGFlow 和 Milvus 有什么区别",
    ],
)
def test_a_name_is_found_in_any_case_joined_or_apart_and_with_a_typing_error(question: str) -> None:
    assert missing(question, *ZH) == 0.0


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Cursor 的官网", ABSENT),
        ("cursor 的官网", IN_DOUBT),
        ("年终 bonus 怎么算", IN_DOUBT),
        ("Kimi 的 api 在哪申请", ABSENT),
        ("GPT-4o 是什么", ABSENT),
        ("AI 工程分几层", 0.0),
        ("有哪些好用的 app", 0.0),
        ("官网是什么", 0.0),
    ],
)
def test_in_a_chinese_question_a_word_in_lower_case_may_be_a_name_and_an_abbreviation_is_not(
    question: str, expected: float
) -> None:
    assert missing(question, *ZH) == expected


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("RPAC 的端口是多少", "RPCA 的端口：4400"),
        ("How do I join the Gecok network?", "The Gecko network has a password."),
        ("deb12 能用吗", "系统要求：Debian 12 以上"),
        ("可以直接调用 obj.flushBuffer() 吗", "不要在循环里调用 flushBuffer"),
    ],
)
def test_a_name_is_found_with_swapped_letters_shortened_before_a_number_and_by_its_last_part(
    question: str, text: str
) -> None:
    assert missing(question, text) == 0.0


def test_a_short_word_is_not_a_misspelt_name() -> None:
    assert missing("How do I connect Slack?", "A lack of data is reported.") == ABSENT


def test_names_that_differ_in_a_number_are_not_typing_errors() -> None:
    assert missing("Llama2 是什么", "Llama3 是大模型。") == ABSENT
    assert missing("GPT-4o 是什么", "GPT-4V 是大模型。") == ABSENT


def test_a_word_in_lower_case_that_the_knowledge_uses_elsewhere_is_not_a_missing_name() -> None:
    assert missing("有哪些 code 大模型", *ZH, others=("Code Agent",)) == 0.0
    assert missing("Cursor 的官网", *ZH, others=("Cursor",)) == ABSENT


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is the website of Cursor?", ABSENT),
        ("What is the website of Chatbox?", 0.0),
        ("what is the website of cursor?", IN_DOUBT),
        ("what is the website of cherry studio?", 0.0),
        ("LangChain website", ABSENT),
        ("what is a cursor?", 0.0),
        ("Where is the office?", 0.0),
    ],
)
def test_in_an_english_question_names_have_a_capital_or_a_website(question: str, expected: float) -> None:
    assert missing(question, *EN) == expected


@pytest.mark.parametrize("question", ["What is the website of Cursor?", "what is the website of cursor?"])
def test_passages_that_write_names_in_latin_letters_may_miss_an_english_one(question: str) -> None:
    assert missing(question, *ZH, is_across=True) == IN_DOUBT
    assert missing(question.replace("ursor", "hatbox"), *ZH, is_across=True) == 0.0


def test_passages_that_write_foreign_names_in_chinese_do_not_miss_an_english_one() -> None:
    assert missing("Where was Lavoisier born?", *PROSE, is_across=True) == 0.0
    assert missing("Where was Lavoisier born?", "没有名字的一段。", is_across=True) == 0.0


def test_a_word_that_chinese_text_translates_is_not_a_missing_name() -> None:
    assert missing("Which Chinese vendors are there?", *ZH, is_across=True) == 0.0
    assert missing("Which AI vendors are there?", *ZH, is_across=True) == 0.0


def test_a_day_of_the_week_is_not_looked_for() -> None:
    assert missing("What happens to Chatbox on a Saturday?", *EN) == 0.0
    assert missing("What happens on a Saturday?", *EN) == 0.0


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Where do I raise the timeout of our IDP?", 0.0),
        ("Is there an API for the KPI of a team?", 0.0),
        ("Does it run on the Zeppelin?", ABSENT),
        ("Does it run on PowerPC?", ABSENT),
        ("Does it speak OS2?", ABSENT),
    ],
)
def test_a_short_abbreviation_of_an_english_question_may_be_spelt_out(question: str, expected: float) -> None:
    assert missing(question, "Vectors are stored in files.") == expected
