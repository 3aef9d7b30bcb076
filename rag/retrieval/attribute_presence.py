"""Whether passages have the property that a Chinese question asks for: 学历 in "张某的学历是什么？".

The last noun of a question, apart from nouns that only say what kind of answer is wanted, is mostly that property. Its
absence is a doubt, not a proof: a passage may say 本科毕业 instead.
"""

from collections.abc import Sequence

from rag.text import segmentation
from rag.text.absent_nouns import NOUN_TAGS, find_absent_nouns
from rag.text.cjk import has_han

_LEAST_CHARACTERS = 2
_KINDS_OF_ANSWER = frozenset(
    """
    时间 时候 多长时间 年份 日期 何时 何年 哪年 地方 地点 何地 哪国 哪国人 人物 人员 什么人 谁 哪位 哪家 哪个 数量 名字
    名称 别名 别称 意思 内容 情况 方面 概述 总结 简述 具体 原因 目的 作用 方法 方式 措施 过程 结果 影响 问题
    特点 区别 差异
    """.split()
)


def is_attribute_absent(question: str, passages: Sequence[str]) -> bool:
    """Return whether at least two characters of the property that a Chinese question asks for are in no passage."""
    if not has_han(question):
        return False
    nouns = [word for word, tag in segmentation.tag(question) if tag.startswith(NOUN_TAGS) and _may_be_property(word)]
    if not nouns:
        return False
    return any(noun.text == nouns[-1] for noun in find_absent_nouns(question, "\n".join(passages)))


def _may_be_property(word: str) -> bool:
    return len(word) >= _LEAST_CHARACTERS and word not in _KINDS_OF_ANSWER
