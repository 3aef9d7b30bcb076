"""The noun that names what a question asks of a thing: 血型 of "X 的血型是什么", `gender` of "what is the gender of X".

A text about the thing does not tell it if it never has this word. Attributes that are told in other words, such as a
price by a number with a currency, are in attributes.py.
"""

import re

from rag.text import segmentation
from rag.text.kind_nouns import KIND_NOUNS
from rag.text.likeness import stem

_OF_A_THING = re.compile(
    r"(?:最(?P<most>[^的，,。、？?\s]{1,4})的|(?<=的))(?P<noun>[^的，,。、？?]{1,10}?)(?:分别|主要|具体|大约|大概)?"
    r"(?:(?:是|有|为|叫|在)(?:什么|多少|谁|哪|何|几|怎)|(?:如何|怎么样|怎样)\W*\Z)"
)
_ENGLISH = (
    re.compile(r"\bwhat(?:['’]s| is| are| was| were) (?:the )?(?P<noun>[a-z][a-z -]{1,30}?) of ", re.IGNORECASE),
    re.compile(
        r"\bwhat(?:['’]s| is| are| was| were) (?:the )?[^?,]{2,40}?(?:['’]s|s['’]) (?P<noun>[a-z][a-z -]{1,30}?)\W*\Z",
        re.IGNORECASE,
    ),
)
_LEAST_CHARACTERS = 2
_CLAUSE = re.compile(r"[。！？；，,：:\n|]")
_LATIN_WORDS = re.compile(r"[a-z]+")

# Nouns that a text does not need to tell what is asked: they say what kind of answer is wanted, or how much of it.
_KINDS = KIND_NOUNS | frozenset(
    """
    总量 总数 总额 总和 总金额 总共 一共 数目 个数 次数 比例 百分比 比率 水平 程度 大小 范围 含义 意思 意义 定义
    标准 默认值 格式 关系 区别 差异 依据 重点 核心 目标 任务 措施 举措 步骤 流程 过程 影响 表现 状况 状态 背景 事件
    性质 特征 优势 优点 缺点 好处 主题 例子 方面 因素 要素 组成 部分 成分 成员 对象 代表 人员 来源 出处 由来 结局
    结论 观点 看法 态度 评价 度量 地理位置 具体 直接 典型 两个 如今 术语 表达式 假设 话题 昵称 绰号 别称 认识 理解
    体系 现象 概念 理论 原则 规定 关键 性别 环境 价值 愿景 下场 性格 发生 出现
    name names type types kind kinds
    number amount term terms word words title value default part parts result results reason reasons purpose goal
    goals role way ways difference differences example examples effect effects cause causes percentage percent
    total year years date dates time day place location person people group thing things form size length order
    meaning definition main rate level last first another same other class range use point state list color colour
    nickname gender idea concept theory rule topic subject key
    """.split()
)


def asked_noun(question: str) -> str:
    """Return the noun that names what a question asks of a thing; "" if it asks otherwise, or for a kind of answer.

    >>> asked_noun("这台示波器的带宽是多少？"), asked_noun("What is the capital of Ruritania?")
    ('带宽', 'capital')
    >>> asked_noun("它的名字是什么")
    ''
    """
    matches = list(_OF_A_THING.finditer(question))
    if matches:
        words = [word for word in segmentation.segment(matches[-1]["noun"]) if len(word) >= _LEAST_CHARACTERS]
        noun = words[-1] if words else ""
        # A text about a favourite colour need not say "colour", but it must say that it is a favourite.
        return (matches[-1]["most"] or "") if noun in _KINDS else noun
    match = next((match for form in _ENGLISH if (match := form.search(question))), None)
    noun = match["noun"].lower().split()[-1] if match else ""
    return "" if noun in _KINDS else noun


def holds_noun(text: str, noun: str) -> bool:
    """Return whether a text has a noun: in any form, or in Chinese in part or spread over a clause.

    >>> holds_noun("到期的任务", "任期"), holds_noun("The two capitals", "capital"), holds_noun("到期的任务", "薪水")
    (True, True, False)
    """
    if noun.isascii():
        return stem(noun) in map(stem, _LATIN_WORDS.findall(text.lower()))
    if any(noun[start : start + 2] in text for start in range(len(noun) - 1)):
        return True
    return any(set(noun) <= set(clause) for clause in _CLAUSE.split(text))
