"""The noun that names what a question asks of a thing: 血型 of "X 的血型是什么", `gender` of "what is the gender of X".

Or the noun that it counts (卧室 of "有几间卧室"), or whose existence it asks for (宠物 of "是否养宠物"). A text without
this word does not tell it. Attributes that are told in other words, such as a price by a number with a currency, are in
attributes.py.
"""

import re

from rag.text import segmentation
from rag.text.kind_nouns import KIND_NOUNS
from rag.text.likeness import stem, without_brackets

_OF_A_THING = re.compile(
    r"(?:最(?P<most>[^的，,。、？?\s]{1,4})的|(?<=的))(?P<noun>[^的这那，,。、？?]{1,10}?)(?:分别|主要|具体|大约|大概)?"
    r"(?:(?P<verb>是|有|为|叫|在)(?:什么|多少|谁|哪|何|几|怎)|(?:如何|怎么样|怎样)\W*\Z)"
)
_ENGLISH = (
    re.compile(r"\bwhat(?:['’]s| is| are| was| were) (?:the )?(?P<noun>[a-z][a-z -]{1,30}?) of ", re.IGNORECASE),
    re.compile(r"\bhow many (?:[a-z-]+ ){0,2}?(?P<noun>(?!does |was |has )[a-z-]{2,}s)\b", re.IGNORECASE),
    re.compile(
        r"\bwhat(?:['’]s| is| are| was| were) (?:the )?[^?,]{2,40}?(?:['’]s|s['’]) (?P<noun>[a-z][a-z -]{1,30}?)\W*\Z",
        re.IGNORECASE,
    ),
)
_OWNER = re.compile(r"的(?P<noun>[^的，,。、]{2,8})的\Z")
_COUNTED = re.compile(
    r"(?<![是为达])(?:多少|几)(?P<classifier>[个种类次位名只条间篇项台家份张座辆本扇部件款套棵门所支枚道层幅艘架头]?)(?P<what>[^，,；;。？?]+)"
)
_YES_OR_NO = (
    re.compile(r"(?:是否|有没有|能否|可否|能不能|可不可以|会不会)(?P<what>[^，,；;。？?]+)"),
    re.compile(r"(?<![没所只含])(?:有|支持|可以|能|会)(?P<what>[^，,；;。？?]+?)吗\W*\Z"),
)
_POSSIBLE = re.compile(r"可以|可否|能|会|支持|允许|应该|要")
"""What may be done is told without a word for it: "only staff are invited" says that families may not come."""
_NAME = re.compile(r"(?<![\w./@-])[a-zA-Z]{3,}(?![\w/-]|\.\w)")
_LEAST_CHARACTERS = 2
_CLAUSE = re.compile(r"[。！？；，,：:\n|]")
_MOST = re.compile("最[长短大小高低多少快慢远近早晚]")
"""A superlative that asks for an amount and names no noun, such as 最长 in "文件名最长是多少"."""
_LATIN_WORDS = re.compile(r"[a-z]+")

# Nouns that a text does not need to tell what is asked: they say what kind of answer is wanted, or how much of it.
_KINDS = KIND_NOUNS | frozenset(
    """
    总量 总数 总额 总和 总金额 总共 一共 数目 个数 次数 比例 百分比 比率 水平 程度 大小 范围 含义 意思 意义 定义
    标准 默认值 格式 关系 区别 差异 依据 重点 核心 目标 任务 措施 举措 步骤 流程 过程 影响 表现 状况 状态 背景 事件
    性质 特征 优势 优点 缺点 好处 主题 例子 方面 因素 要素 组成 部分 成分 成员 对象 代表 人员 来源 出处 由来 结局
    结论 观点 看法 态度 评价 度量 地理位置 具体 直接 典型 两个 如今 术语 表达式 假设 话题 昵称 绰号 别称 认识 理解
    体系 现象 概念 理论 原则 规定 关键 性别 环境 价值 愿景 下场 性格 发生 出现 活动 人 资金 现金 人民币 美元
    欧元 英镑
    name names type types kind kinds
    number amount term terms word words title value default part parts result results reason reasons purpose goal
    goals role way ways difference differences example examples effect effects cause causes percentage percent
    total year years date dates time day place location person people group thing things form size length order
    meaning definition main rate level last first another same other class range use point state list color colour
    nickname gender idea concept theory rule topic subject key
    byte megabyte gigabyte dollar euro
    """.split()
)


def asked_noun(question: str) -> str:
    """Return the noun that names what a question asks of a thing; "" if it asks otherwise, or for a kind of answer.

    Of a Chinese question for yes or no, it may be several words in Latin letters.

    >>> asked_noun("这台示波器的带宽是多少？"), asked_noun("What is the capital of Ruritania?")
    ('带宽', 'capital')
    >>> asked_noun("它的名字是什么"), asked_noun("她的宠物名字是什么"), asked_noun("她有几间卧室")
    ('', '宠物', '卧室')
    """
    bare = without_brackets(question)
    return next((noun for form in _FORMS if (noun := form(bare))), "")


def _counted(question: str) -> str:
    match = _COUNTED.search(question)
    word, tag = segmentation.tag(match["what"])[0] if match else ("", "")
    is_counted = match and (_is_noun(word, tag) or (match["classifier"] and tag == "n"))
    return word if is_counted and word not in _KINDS else ""


def _of_a_thing(question: str) -> str:
    matches = list(_OF_A_THING.finditer(question))
    if not matches:
        return ""
    match = matches[-1]
    tagged = segmentation.tag(match["noun"])
    words = [(word, tag) for word, tag in tagged if len(word) >= _LEAST_CHARACTERS and not _MOST.fullmatch(word)]
    if match["verb"] == "在" and words and words[-1][1] == "v":  # where something is kept, and no noun
        return ""
    noun = words[-1][0] if words else ""
    if noun and noun not in _KINDS:
        return noun
    # A text about a favourite colour need not say "colour", but it must say that it is a favourite; and one that tells
    # the name of a pet must speak of a pet.
    owner = _OWNER.search(question[: match.start("noun")])
    before = [*(segmentation.tag(owner["noun"]) if owner else ()), *words]
    while before and before[-1][0] in _KINDS:
        before.pop()
    return match["most"] or (before[-1][0] if before and _is_noun(*before[-1]) else "")


def _of_yes_or_no(question: str) -> str:
    match = next((match for form in _YES_OR_NO if (match := form.search(question))), None)
    if not match:
        return ""
    if names := _NAME.findall(match["what"]):
        return " ".join(names).lower()
    if _POSSIBLE.search(question):
        return ""
    nouns = [word for word, tag in segmentation.tag(match["what"]) if _is_noun(word, tag) and tag != "vn"]
    return nouns[-1] if nouns and nouns[-1] not in _KINDS else ""


def _english(question: str) -> str:
    match = next((match for form in _ENGLISH if (match := form.search(question))), None)
    noun = match["noun"].lower().split()[-1] if match else ""
    return "" if noun in _KINDS or noun.removesuffix("s") in _KINDS else noun


_FORMS = (_counted, _of_a_thing, _of_yes_or_no, _english)


def _is_noun(word: str, tag: str) -> bool:
    return len(word) >= _LEAST_CHARACTERS and (tag.startswith("n") or tag == "vn")


def holds_noun(text: str, noun: str) -> bool:
    """Return whether a text has a noun: in any form, or in Chinese in part or written out in a clause.

    >>> holds_noun("任职的期限", "任期"), holds_noun("The two capitals", "capital"), holds_noun("任职的期限", "薪水")
    (True, True, False)
    """
    if noun.isascii():
        return stem(noun.lower()) in map(stem, _LATIN_WORDS.findall(text.lower()))
    pairs = (noun[start : start + 2] for start in range(len(noun) - 1))
    if any(pair in text for pair in pairs if pair == noun or pair not in _KINDS):
        return True
    return any(_in_order(noun, clause) for clause in _CLAUSE.split(text))


def _in_order(noun: str, clause: str) -> bool:
    rest = iter(clause)
    return all(character in rest for character in noun)
