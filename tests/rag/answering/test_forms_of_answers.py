"""Quoted answers follow the form of the question: comparisons, lists, places, exceptions, contradictions."""

from dataclasses import replace

import pytest

from rag.answering.quote import choose_quotes
from rag.answering.quote_markdown import write_quotes
from rag.answering.quoted_answer import quote_answer, write_answer
from rag.retrieval.evidence import Evidence
from rag.text.language import detect_reply_language
from rag.text.tokens import tokenize_question
from rag.types import Passage
from tests.kit.chat import passage

TEAS = [
    "名称: 红茶 › 产地: 云南 › 价格: 30 元",
    "名称: 绿茶 › 产地: 浙江 › 价格: 40 元",
    "名称: 白茶 › 产地: 福建 › 价格: 50 元",
]
STEPS = "1. 报名\n2. 体检\n3. 签合同\n4. 领工牌"


def rows(*texts: str, start: int = 1, heading: str = "茶叶") -> list[Passage]:
    return [passage(start + n, text, kind="row", group="t", heading=heading) for n, text in enumerate(texts)]


def asked(question: str, *passages: Passage, probability: float = 0.9) -> Evidence:
    idf = dict.fromkeys(tokenize_question(question), 2.0)
    return Evidence(question, detect_reply_language(question), passages, idf, probability)


def quoted(question: str, *passages: Passage) -> str:
    found = asked(question, *passages)
    return "".join(write_quotes(choose_quotes(found).quotes, found.language))


def test_a_comparison_shows_both_sides_as_a_table() -> None:
    assert quoted("红茶和白茶有什么区别？", *rows(*TEAS)) == (
        "| 名称 | 产地 | 价格 |\n|---|---|---|\n| 红茶 | 云南 | 30 元 [1] |\n| 白茶 | 福建 | 50 元 [3] |"
    )


def test_a_comparison_of_columns_shows_every_row_or_the_one_that_it_is_about() -> None:
    table = rows("Price › Mini: 10 › Maxi: 20", "Weight › Mini: 1 kg › Maxi: 2 kg", heading="Data")
    assert quoted("What is the difference between the Mini and the Maxi?", *table).count("\n| ") == 2
    assert quoted("How does Mini differ from Maxi?", *table).endswith("| Weight | 1 kg | 2 kg [2] |")
    about = quoted("What is the difference between the Mini and the Maxi in weight?", *table)
    assert about == "Weight; Mini: 1 kg; Maxi: 2 kg [2]"


def test_the_column_that_is_left_is_the_side_in_another_language() -> None:
    table = rows("重量 › Mini Pot: 1 kg › Large Kettle: 2 kg", "价格 › Mini Pot: 10 › Large Kettle: 20", heading="数据")
    assert quoted("Mini 壶和大水壶在价格上有什么区别？", *table) == "价格；Mini Pot: 10；Large Kettle: 20 [2]"


def test_the_columns_of_a_comparison_may_be_named_in_the_other_language() -> None:
    table = rows("价格 › Server: 9 › Client: 2 › Router: 5", "重量 › Server: 8 › Client: 1 › Router: 3", heading="数据")
    assert quoted("服务器和客户端有什么区别？", *table).count("\n| ") == 2


@pytest.mark.parametrize(
    ("question", "item"),
    [
        ("体检之后做什么", "3. 签合同"),
        ("签合同之前要做什么", "2. 体检"),
        ("入职的第二步是什么", "2. 体检"),
        ("入职最后一步是什么", "4. 领工牌"),
    ],
)
def test_a_place_in_a_list_is_answered_by_the_item_there(question: str, item: str) -> None:
    text = quoted(question, passage(1, STEPS, kind="list", heading="入职"))
    assert text.split(". ")[-1].split(" ")[0] == item.split(". ")[1]
    assert text.endswith("[1]")


@pytest.mark.parametrize("question", ["入职先办什么？", "入职流程该先做什么", "从哪里办起入职", "入职流程从什么开始"])
def test_what_comes_first_is_the_first_item_of_the_list_for_that(question: str) -> None:
    other = passage(2, "1. 关灯\n2. 锁门", kind="list", heading="下班前")
    steps = passage(1, STEPS, kind="list", heading="入职办理流程")
    assert quoted(question, other, steps) == "报名 [1]"


def test_what_comes_last_is_the_last_item_of_the_list_for_that() -> None:
    assert quoted("入职最后办什么", passage(1, STEPS, kind="list", heading="入职办理流程")) == "领工牌 [1]"


def test_the_first_item_of_a_list_for_something_else_is_no_answer() -> None:
    question = "What should I pack first?"
    chosen = choose_quotes(asked(question, passage(1, "1. Sign up\n2. Pay", kind="list", heading="Booking")))
    assert not chosen.is_exact
    chosen = choose_quotes(asked(question, passage(1, "1. Shoes\n2. Hats", kind="list", heading="Packing")))
    assert [span.text for quote in chosen.quotes for span in quote.spans] == ["Shoes"]


def test_a_row_that_is_in_its_table_and_a_passage_by_itself_is_quoted_once() -> None:
    written = "| 名称 | 产地 |\n|---|---|\n| 红茶 | 云南 |\n| 绿茶 | 浙江 |"
    row = passage(1, "名称: 红茶 › 产地: 云南", kind="row", group="t", heading="茶叶")
    table = passage(2, written, kind="table", group="t", heading="茶叶")
    assert quoted("红茶怎么样？", row, table).count("红茶") == 1


@pytest.mark.parametrize("question", ["How many parameters do LLMs have?", "LLM 有多少参数"])
def test_a_row_answers_for_the_short_form_of_the_name_in_its_header(question: str) -> None:
    models = rows(
        "参数量 › Embedding Model: 1 亿 › Large Language Model: 10 亿",
        "作用 › Embedding Model: 比较 › Large Language Model: 写作",
        heading="模型",
    )
    services = passage(3, "内容: LLM 服务 › 供应商: 蓝海", kind="row", group="s", heading="第三层")
    assert "10 亿" in quoted(question, *models, services)


def test_a_layer_is_found_by_its_ordinal_in_the_other_language_too() -> None:
    layers = rows("层级: 第一层 › 内容: 硬件", "层级: 第二层 › 内容: 系统", "层级: 第三层 › 内容: 应用", heading="架构")
    assert quoted("What is layer two?", *layers) == "层级: 第二层；内容: 系统 [2]"


def test_of_items_too_long_to_be_compared_the_first_is_not_taken_for_the_nearest() -> None:
    items = "- Cache: how long entries stay in memory.\n- Level: one of debug, info and warning, as you like."
    table = rows("Port › 80", "Host › localhost", start=2, heading="Network")
    found = asked("日志级别有哪些", passage(1, items, kind="list", heading="Settings"), *table)
    found = replace(found, similarity={"Port": 0.801, "Host": 0.802, "Settings": 0.79})
    assert "debug" in "".join(write_quotes(choose_quotes(found).quotes, "zh"))


@pytest.mark.parametrize(
    ("question", "kept", "left_out"),
    [
        ("除了红茶还有哪些茶", ["绿茶", "白茶"], ["红茶"]),
        ("哪些茶的产地不是浙江", ["红茶", "白茶"], ["绿茶"]),
    ],
)
def test_what_a_question_excludes_is_left_out(question: str, kept: list[str], left_out: list[str]) -> None:
    text = quoted(question, *rows(*TEAS))
    assert all(name in text for name in kept)
    assert not any(name in text for name in left_out)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("除了龙井，还能寄哪些茶到国外？", "可以寄到国外的茶有龙井、碧螺春、毛峰。"),
        ("寄茶为什么要用铁罐而不是纸袋？", "寄茶要用铁罐，因为纸袋会受潮。"),
        ("Which teas are not shipped abroad?", "Green tea and puer are never shipped abroad."),
    ],
)
def test_a_list_without_the_exception_is_no_better_than_a_sentence(question: str, text: str) -> None:
    steps = passage(2, "- 选择茶叶\n- 填写地址\n- 寄出", kind="list", heading="寄茶", score=0.6)
    assert text.removesuffix("。").removesuffix(".") in quoted(question, passage(1, text), steps)


def test_a_step_is_quoted_with_the_code_that_it_leads_in_to() -> None:
    steps = passage(1, "1. 洗净茶壶。\n2. 设定水温：\n```sh\nkettle --heat 85\n```\n3. 倒水。", heading="泡茶步骤")
    text = quoted("第二步是什么？", steps)
    assert "kettle --heat 85" in text
    assert "倒水" not in text


def test_of_a_single_row_the_excluded_part_of_a_cell_is_left_out() -> None:
    text = quoted("除了云南，还有哪里产红茶", *rows("名称: 红茶 › 产地: 云南, 福建", "名称: 绿茶 › 产地: 浙江"))
    assert "福建" in text
    assert "云南" not in text


def test_which_is_answered_by_that_column_first() -> None:
    assert quoted("红茶是哪个产地的", *rows(TEAS[0])).startswith("产地: 云南；名称: 红茶")


def dated(number: int, text: str, source: str, date: str) -> Passage:
    one = passage(number, text)
    chunk = replace(one.chunk, source=source, title=source, metadata={"date": date})
    return replace(one, hit=replace(one.hit, chunk=chunk))


def test_documents_that_contradict_each_other_are_both_shown_with_their_dates() -> None:
    old, new = (
        dated(1, "保修期为 24 个月。", "旧规", "2023-01-01"),
        dated(2, "保修期为 36 个月。", "新规", "2025-01-01"),
    )
    assert quoted("保修期多长", old, new) == (
        "各文档的说法不一致：\n\n"
        "- 保修期为 24 个月。 [1] (旧规, 2023-01-01)\n- 保修期为 36 个月。 [2] (新规, 2025-01-01)"
    )


@pytest.mark.parametrize(
    "other", ["保修期为 24 个月，自 2024 年 5 月起。", "退货期为 36 天，运费自理，另计。", "电池的寿命是 36 个月。"]
)
def test_other_statements_are_no_contradiction(other: str) -> None:
    old, new = dated(1, "保修期为 24 个月。", "旧规", "2023-01-01"), dated(2, other, "新规", "2025-01-01")
    assert "不一致" not in quoted("保修期多长", old, new)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Milvus 怎么安装？", "Milvus 是向量数据库。"),
        ("How much does Milvus cost?", "Milvus is a vector database."),
        ("Qdrant 是什么？", "Milvus 是向量数据库。"),
        ("Milvus 支持事务吗？", "Milvus 是向量数据库。"),
    ],
)
def test_quotes_without_the_name_or_the_attribute_asked_for_are_no_answer(question: str, text: str) -> None:
    # What is likelier than three in four needs no words that confirm it: test_coverage.py.
    assert quote_answer(asked(question, passage(1, text), probability=0.7), min_evidence=0.5) is None


def test_quotes_that_hold_all_that_is_asked_answer_in_spite_of_a_low_probability() -> None:
    found = asked("How much does Milvus cost?", passage(1, "A year of Milvus costs $30."), probability=0.3)
    assert quote_answer(found, min_evidence=0.5)


def test_parts_of_a_question_are_answered_by_themselves_and_what_is_missing_is_named() -> None:
    tea, phone = passage(1, "红茶每盒 30 元。"), passage(2, "红茶产于云南。")
    parts = (asked("红茶多少钱", tea, phone), asked("店里的电话是多少", phone, probability=0.1))
    whole = replace(asked("红茶多少钱？店里的电话是多少？", tea, phone), parts=parts)
    answer = quote_answer(whole, min_evidence=0.5)
    assert answer
    text = "".join(write_answer(answer, whole))
    assert text == "红茶每盒 30 元。 [1]\n\n知识库里没有找到：店里的电话是多少"


def test_what_answers_two_parts_of_a_question_is_quoted_once() -> None:
    text = "The kite flies at dawn and lands at dusk."
    parts = tuple(asked(f"When does the kite {verb}?", passage(1, text)) for verb in ("fly", "land"))
    whole = replace(parts[0], question="When does the kite fly and when does it land?", parts=parts)
    answer = quote_answer(whole, min_evidence=0.5)
    assert answer
    assert len(answer.answered) == 1
    assert not answer.missing


def test_the_name_of_what_all_documents_are_about_need_not_be_repeated() -> None:
    found = asked("Kite 支持哪些格式？", passage(1, "格式有 CSV 和 XML。"))
    assert not quote_answer(found, min_evidence=0.5)
    assert quote_answer(replace(found, idf={**found.idf, "kite": 0.5}), min_evidence=0.5)


def test_a_name_may_stand_in_the_file_name_alone() -> None:
    found = passage(1, "新建库的编码是 UTF-8。")
    chunk = replace(found.chunk, source="databases/mysql.md")
    named = replace(found, hit=replace(found.hit, chunk=chunk))
    assert quote_answer(asked("MySQL 新建库的编码是什么？", named), min_evidence=0.5)
    assert not quote_answer(asked("MySQL 新建库的编码是什么？", found), min_evidence=0.5)


def test_a_question_for_all_gets_the_list_that_is_named_so_and_not_another_with_the_words() -> None:
    named = passage(
        1, "The following plugins are bundled with the image:\n- minify\n- redirects", kind="list", score=0.6
    )
    other = passage(2, "These environments come without it:\n- the image\n- the shell", kind="list", score=0.55)
    answer = quoted("Which plugins come with the image?", named, other)
    assert "minify" in answer
    assert "redirects" in answer


def test_a_question_for_all_is_not_answered_by_the_one_item_that_has_its_words() -> None:
    answer = quoted("账号支持哪些云存储？", passage(1, "支持的账号：\n- 甲云存储\n- 乙盘\n- SFTP", kind="list"))
    assert "SFTP" in answer


def test_the_sides_of_a_comparison_are_entries_that_say_something() -> None:
    names = passage(1, "- Flat\n- Flat-Lean", kind="list", group="a")
    texts = passage(2, "- Flat: has all fields\n- Flat-Lean: has only fields with a value", kind="list", group="b")
    answer = quoted("What is the difference between Flat and Flat-Lean?", names, texts)
    assert "all fields" in answer
    assert "with a value" in answer


def test_a_tier_is_named_by_its_number_and_is_no_place_in_a_list() -> None:
    towns = passage(1, "The following towns count as tier one:\n1. Faro\n2. Evora\n3. Sines", heading="Travel")
    told = quoted("Which towns count as tier one?", towns)
    assert [town for town in ("Faro", "Evora", "Sines") if town in told] == ["Faro", "Evora", "Sines"]
