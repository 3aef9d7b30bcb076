"""Text → terms for full-text search, by one pure function for documents and questions.

A run of Chinese, Japanese or Korean gives its characters and its pairs of characters. A Latin word or an identifier
such as `tidb_mem_quota_query` gives itself and its parts. Full-width forms, case and Traditional characters are
normalized.

bench/README.md, "Terms", says why characters and pairs, and why no words of a dictionary.

>>> tokenize("向量库 Text_Splitter")
['向', '量', '库', '向量', '量库', 'text_splitter', 'text', 'splitter']
>>> tokenize_question("什么是 Milvus？")
['milvus']
"""

import operator
import re
import unicodedata
from functools import cache

import opencc

from rag.text import segmentation
from rag.text.cjk import CJK
from rag.text.short_texts import remember_short
from rag.text.surrogates import replace_surrogates

WORD = re.compile(rf"[^\W_{CJK}]+(?:[._\-/:@+#]+[^\W_{CJK}]+)*[+#]*")
"""A word of any other script, a number or an identifier, in normalized text."""
_TOKEN = re.compile(rf"(?P<cjk>[{CJK}]+)|{WORD.pattern}")
LATIN_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[._+#-]+[A-Za-z0-9]+)*[+#]*")
_LETTER = re.compile(rf"[^\W\d_{CJK}]")
_PART = re.compile(r"[^\W_]+")
_CAMEL_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_MAX_TERM_CHARACTERS = 64

# They make a sentence a question and say nothing about its subject.
_QUESTION_WORDS = frozenset(
    """
    什么 啥 哪 哪些 哪个 哪里 哪儿 哪种 哪几个 哪几种 哪家 哪位 哪款 哪类 哪项 哪边
    怎么 怎样 怎么样 怎么办 如何 何时 时候 多少 几 几个 几种 为什么 为何 为啥 谁
    是 是不是 是否 有 有没有 都有 包含 包括 请 请问 告诉 介绍 一下 能 能不能 可以
    吗 呢 吧 啊 呀 的 了 和 与 及 在 我 你 它 一个
    a an and any are at be by can could s did do does for from give has have how i in is it list me my of on or please
    say says should show some tell that the their there these they this to us was we were what when where which who
    whom whose why will with would you your
    """.split()
)


def tokenize(text: str) -> list[str]:
    """Return the terms of a text, in order and with repetitions; none contains white space."""
    terms: list[str] = []
    for match in _TOKEN.finditer(normalize(text)):
        terms += _cjk_terms(match[0]) if match.lastgroup == "cjk" else word_terms(match[0])
    return terms


def normalize(text: str) -> str:
    """Return the text with ordinary forms of full-width characters and Simplified forms of Traditional ones."""
    if text.isascii():
        return text
    simplified: str = _to_simplified().convert(unicodedata.normalize("NFKC", replace_surrogates(text)))
    return simplified


@cache
def _to_simplified() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


def tokenize_question(question: str) -> list[str]:
    """Return the distinct terms of a question in order, without question words unless it has no others."""
    return list(dict.fromkeys(tokenize(strip_question_words(question))) or dict.fromkeys(tokenize(question)))


def strip_question_words(question: str) -> str:
    """Return a question, normalized, without the words that only make it a question."""
    words = segmentation.segment(normalize(question))
    neighbours = zip(["", *words], words, [*words[1:], ""], strict=False)
    return "".join(" " if _is_question_word(*each) else each[1] for each in neighbours)


def is_question_word(word: str) -> bool:
    """Return whether a word only makes a sentence a question, in any case."""
    return word.casefold() in _QUESTION_WORDS


def _is_question_word(before: str, word: str, after: str) -> bool:
    """Return whether `word` is a question word by itself: the dictionary cuts `IÀ` into `I` and `À`."""
    is_part = _LETTER.fullmatch(word[0]) and (_LETTER.fullmatch(before[-1:]) or _LETTER.fullmatch(after[:1]))
    return is_question_word(word) and not is_part


def _cjk_terms(run: str) -> list[str]:
    return [*run, *map(operator.add, run, run[1:])]


@remember_short(texts=1 << 14, characters=_MAX_TERM_CHARACTERS)
def word_terms(word: str) -> tuple[str, ...]:
    """Return the terms of what `WORD` matches: itself, and its parts if there are several."""
    whole = word.casefold()
    parts = [part.casefold() for chunk in _PART.findall(word) for part in _CAMEL_HUMP.split(chunk)]
    terms = [whole, *parts] if len(parts) > 1 else [whole]
    return tuple(term[:_MAX_TERM_CHARACTERS] for term in terms)
