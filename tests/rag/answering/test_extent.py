"""How much is quoted if one sentence does not say all."""

from dataclasses import replace

import pytest

from rag.answering.extent import MAX_CHARACTERS, MAX_CHINESE_CHARACTERS
from rag.answering.quote import choose_quotes
from rag.answering.quote_markdown import write_quotes
from rag.retrieval.evidence import Evidence
from rag.text.tokens import tokenize_question
from rag.types import Passage
from tests.kit.chat import passage


def answer(question: str, *passages: Passage, idf: dict[str, float] | None = None) -> str:
    weights = idf or dict.fromkeys(tokenize_question(question), 2.0)
    found = Evidence(question, "zh", passages, weights, 0.9)
    return "".join(write_quotes(choose_quotes(found).quotes, "zh"))


@pytest.mark.parametrize(
    ("question", "content", "fact"),
    [
        (
            "怎么关掉遥测？",
            "Kite 会发送遥测数据。\n\n不想发送就加一行。\n\n```yaml\ntelemetry: off\n```",
            "telemetry: off",
        ),
        ("How do I rotate the log?", "The log grows.\n\nRotate it with a command.\n\n```sh\nkitectl trim\n```", "trim"),
        ("怎样导出报表？", "报表可以导出。步骤如下：\n\n1. 打开报表\n2. 点右上角的箭头", "点右上角的箭头"),
    ],
)
def test_how_to_is_answered_with_the_commands_and_steps_of_the_section(question: str, content: str, fact: str) -> None:
    assert fact in answer(question, passage(1, content))


@pytest.mark.parametrize(
    ("question", "best", "steps"),
    [
        (
            "怎么给 Kite 换尾巴？",
            "Kite 的尾巴可以换，Kite 换尾巴要小心。",
            "用一条命令：\n\n```sh\nkitectl tail --new\n```",
        ),
        (
            "How do I change the tail of Kite?",
            "Kite lets you change the tail; to change the tail of Kite takes a minute.",
            "One command does it:\n\n```sh\nkitectl tail --new\n```",
        ),
    ],
)
def test_how_to_is_answered_with_the_steps_of_another_passage_if_its_own_has_none(
    question: str, best: str, steps: str
) -> None:
    assert "kitectl tail --new" in answer(question, passage(1, best), passage(2, steps))


@pytest.mark.parametrize(
    ("question", "content", "fact"),
    [
        (
            "Which colours of Kite can the shop print?",
            "The shop can print Kite in the colours of your choice.\n\nToday these are teal and amber.",
            "teal",
        ),
        ("Kite 支持哪些系统？", "Kite 支持的系统写在这里。\n\n目前是鸿蒙和麒麟。", "麒麟"),
    ],
)
def test_one_sentence_does_not_answer_a_question_for_all(question: str, content: str, fact: str) -> None:
    assert fact in answer(question, passage(1, content))


@pytest.mark.parametrize(
    ("question", "content", "reason"),
    [
        (
            "风筝为什么不能在雨里放？",
            "风筝不能在雨里放。\n\n湿线会导电，一年里已有两人触电。",
            "导电",
        ),
        (
            "Why does the alarm of the kiln not ring when the door is open?",
            "When the door of the kiln is open, the alarm does not ring.\n\nThe door cuts its current.",
            "cuts its current",
        ),
    ],
)
def test_a_sentence_that_only_states_the_case_does_not_say_why(question: str, content: str, reason: str) -> None:
    assert reason in answer(question, passage(1, content))


def test_a_sentence_with_the_reason_says_why() -> None:
    said = answer("风筝为什么不能在雨里放？", passage(1, "风筝不能在雨里放，因为湿线会导电。\n\n竹架要每年上油。"))
    assert "导电" in said
    assert "上油" not in said


@pytest.mark.parametrize(
    ("question", "content", "fact"),
    [
        ("Kite 要装什么版本的 Java？", "- 会用命令行\n- 装好 Java 17\n\n请确保装好合适版本的 Java 再开始。", "Java 17"),
        ("Which version of Java does Kite need?", "Kite needs a recent version of Java.\n\nJava 17 will do.", "17"),
    ],
)
def test_a_question_for_a_number_is_not_answered_without_one(question: str, content: str, fact: str) -> None:
    assert fact in answer(question, passage(1, content))


def test_a_number_may_be_a_word() -> None:
    content = "A release of Kite needs two approvals.\n\nIt is out in minutes."
    assert answer("How many approvals does a release of Kite need?", passage(1, content)).count("\n") == 0


def test_a_sentence_that_says_all_is_quoted_with_its_paragraph_if_that_is_short() -> None:
    text = "频道和用户可以设置不同的语言。频道优先于用户。"
    assert answer("频道和用户设置的语言不同听谁的？", passage(1, f"别的。\n\n{text}")) == f"{text} [1]"


def test_a_sentence_that_says_all_is_quoted_with_the_code_below_it() -> None:
    code = "```yaml\nlog:\n  colour: off\n```"
    told = answer(
        "Kite 日志的颜色在哪里设置？", passage(1, f"别的。\n\nKite 日志的颜色在这里设置。\n\n{code}\n\n```sh\nls\n```")
    )
    assert "colour: off" in told
    assert "ls" not in told


def test_a_sentence_that_says_all_is_quoted_without_the_rest_of_a_long_paragraph() -> None:
    text = f"天气不错。Kite 的作者是张三。后面还有别的{'，很长' * 100}。"
    assert answer("Kite 的作者是谁？", passage(1, text)) == "Kite 的作者是张三。 [1]"


def test_sentences_that_follow_one_another_are_a_paragraph_with_one_marker() -> None:
    text = "Kite 的漏洞很少。发现以后请写信到 a@kite.example。"
    assert answer("发现 Kite 的漏洞应该报告到哪里？", passage(1, text)) == f"{text} [1]"


def test_another_passage_that_matches_as_well_is_quoted_too() -> None:
    found = answer("怎么升级 Kite？", passage(1, "用界面升级 Kite。"), passage(2, "用命令升级 Kite。"))
    assert found == "- 用界面升级 Kite。 [1]\n- 用命令升级 Kite。 [2]"


def test_a_passage_that_matches_worse_is_not_quoted() -> None:
    assert "备份" not in answer("怎么升级 Kite？", passage(1, "升级 Kite。"), passage(2, "备份文件。", score=0.3))


@pytest.mark.parametrize(("score", "is_quoted"), [(0.9, True), (0.4, False)])
def test_a_passage_that_the_search_found_half_as_well_is_not_quoted(score: float, is_quoted: bool) -> None:
    other = passage(2, "升级 Kite 之后重启。", score=score)
    assert ("重启" in answer("怎么升级 Kite？", passage(1, "升级 Kite 要先备份。"), other)) == is_quoted


def test_how_to_without_commands_goes_on_in_the_next_best_passage() -> None:
    intro = passage(1, "Kite 可以接入 Redis。")
    below = passage(2, "需要添加参数：\n\n```\n--redis=on\n```", heading="接入 Redis", score=0.6)
    assert "--redis=on" in answer("Kite 怎么接入 Redis？", intro, below)


def test_no_more_is_quoted_than_a_reader_bears() -> None:
    paragraphs = "\n\n".join(f"升级 Kite 的第{number}段。" + "长" * 180 for number in range(30))
    assert len(answer("怎么升级 Kite？", passage(1, paragraphs))) <= MAX_CHINESE_CHARACTERS + 200


def test_of_a_text_in_latin_letters_more_is_quoted() -> None:
    question = "How do I upgrade Kite?"
    paragraphs = "\n\n".join(f"Upgrade Kite, part {number}. {'Long words. ' * 15}" for number in range(30))
    others = [passage(number, paragraphs, heading=f"Part {number}") for number in (1, 2, 3)]
    assert MAX_CHINESE_CHARACTERS < len(answer(question, *others)) <= MAX_CHARACTERS + 200


def test_steps_are_quoted_even_if_the_case_they_are_for_takes_all_room() -> None:
    case = "升级 Kite 之后提示版本不兼容" + "，这是已知的" * 80 + "。"
    steps = "这样处理：\n1. 停掉 Kite\n2. 删掉缓存" + "再等一会儿" * 20
    assert "删掉缓存" in answer("升级 Kite 之后提示版本不兼容怎么办？", passage(1, f"{case}\n\n{steps}\n\n另见官网。"))


def test_of_a_table_only_the_rows_that_match_are_quoted() -> None:
    rows = "\n".join(
        f"| KITE_{name} | {what} |" for name, what in [("PORT", "the port"), ("DIR", "files"), ("LOG", "level")]
    )
    table = f"| Name | What |\n|---|---|\n{rows}\n| KITE_SIZE | the largest upload |"
    found = answer("How do I raise the largest size of an upload?", passage(1, f"Set these:\n\n{table}"))
    assert "KITE_SIZE" in found
    assert "KITE_DIR" not in found


def test_a_passage_that_has_most_of_the_words_is_quoted_beside_the_best_one() -> None:
    idf = dict.fromkeys(("输错", "密码", "账号", "放开"), 3.0)
    states = passage(1, "输错密码会锁住账号。", score=0.9)
    steps = passage(2, "改密码后点“解锁”。", heading="账号", score=0.6)
    assert "解锁" in answer("输错密码之后账号怎样放开？", states, steps, idf=idf)


@pytest.mark.parametrize(("group", "is_quoted"), [("t", False), ("u", True)])
def test_rows_of_one_table_differ_in_what_counts(group: str, is_quoted: bool) -> None:
    idf = {"法国": 3.0, "区域": 2.0, "电话": 1.0}
    one = passage(1, "区域: 法国 › 电话: 01", kind="row", group="t", score=0.9)
    other = passage(2, "区域: 德国 › 电话: 02", kind="row", group=group, score=0.8)
    assert ("02" in answer("法国的区域电话怎么打？", one, other, idf=idf)) == is_quoted


def test_the_summary_of_a_page_does_not_come_before_its_text() -> None:
    front = passage(1, "description: What events cost and how to count them", score=0.9)
    summary = replace(front, hit=replace(front.hit, chunk=replace(front.chunk, position=0)))
    text = passage(2, "Events cost as much as views. They count towards what you pay.", heading="Events", score=0.8)
    assert answer("What do events cost?", summary, text).startswith("Events cost")


def test_a_sentence_says_not_all_if_the_passages_have_few_words_of_the_question() -> None:
    row = passage(1, "Bounce rate of the page")
    text = passage(2, "Below 40% is excellent. The rate of a blog is higher.", heading="Bounce rate", score=0.9)
    idf = {"bounce": 4.0, "rate": 3.0, "considered": 7.0, "good": 5.0}
    assert "40%" in answer("What bounce rate is considered good?", row, text, idf=idf)


def test_labels_of_pictures_are_left_out() -> None:
    assert "界面" not in answer("怎么升级 Kite？", passage(1, "升级 Kite 要先备份。\n\nKite 升级界面"))


def test_the_units_of_a_text_in_another_language_are_chosen_by_similarity() -> None:
    texts = "Backups are kept for a week.\n\nClear the cache in the settings."
    similarity = {"Backups are kept for a week.": 0.7, "Clear the cache in the settings.": 0.9}
    found = Evidence("怎么清缓存？", "zh", (passage(1, texts),), {"缓存": 2.0}, 0.9, unit_similarity=similarity)
    first = choose_quotes(found).quotes
    assert "Clear the cache" in "".join(write_quotes(first, "zh"))
