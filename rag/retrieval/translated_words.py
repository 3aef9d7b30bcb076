"""How much of a question a text in the other language holds: Chinese and English, by a dictionary.

The words of a question cannot match there, and similarity alone finds a paragraph about the same things, but hardly
tells one with the answer from one without. A text holds a word of the question if it has the word itself, such as a
name or a number, or one of its translations.
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np

from rag.text.bilingual_dictionary import Translation, translate_chinese, translate_english
from rag.text.cjk import has_han
from rag.text.likeness import name_terms, stem
from rag.text.tokens import is_question_word, normalize, strip_question_words, tokenize

_RUN = re.compile(r"[\u4e00-\u9fff]+|[A-Za-z0-9]+(?:[.'+#_-]+[A-Za-z0-9]+)*[+#]*")
_FUNCTION_WORDS = frozenset(
    """
    about all also as been but down get had he her here him his if into it its many may might more most much no not off
    one only other out over per she so such than then those up used very when whether while within without
    把 被 将 从 向 往 让 给 对 会 要 想 应 该 应该 需要 到 着 过 得 地 里 中 上 下 时 后 前 就 才 也 都 还 又 再
    很 更 最 这 那 这个 那个 它们 自己 没 没有 不 由 以 其 之 而 但 或 或者 如果 个 些 种 位 名 次 为 所 等 用 做
    进行 使用
    """.split()
)
"""Besides question words; they stand in any text."""
_CHARACTER = 0.5
"""What a single Chinese character counts: it may be a part of another word."""
_LONGEST = 5
"""Characters of a Chinese word."""
_QUESTIONS_KEPT = 64
"""The search and the choice of quotes need the words of the same question."""
_LONGEST_ENGLISH = 40
_MAX_WORDS = 24
"""Of a longer question the first words say what it is about, and the dictionary is searched for each."""


@dataclass(frozen=True, slots=True)
class TranslatedWord:
    """A word of a question, or a phrase that the dictionary has, and its translations, all in lower case."""

    word: str
    translations: tuple[str, ...]

    @property
    def terms(self) -> list[str]:
        """The terms to search for: those of the word and of its translations, without characters of longer words."""
        forms = (tokenize(form) for form in (self.word, *self.translations))
        return [term for form in forms for term in form if len(form) == 1 or not (len(term) == 1 and has_han(term))]


@lru_cache(_QUESTIONS_KEPT)
def translate_question(question: str) -> tuple[TranslatedWord, ...]:
    """Return the words of a question in order, at most 24, without those that only make it a question."""
    plain = normalize(question)
    words = _from_chinese(strip_question_words(plain)) if has_han(plain) else _from_english(plain)
    return tuple({each.word: each for each in islice(words, _MAX_WORDS)}.values())


def coverage_across(words: Sequence[TranslatedWord], terms: Mapping[str, Set[str]]) -> dict[str, float]:
    """Return the share (0..1) of a question's words that each text in the other language holds.

    `terms` are those of the texts, by any names. A word that few of the texts hold counts more, by its idf among them.
    One that has no translation and stands in no text counts nothing. Empty if no word counts.
    """
    forms = [[name_terms(form) for form in (word.word, *word.translations)] for word in words]
    texts = _held(frozenset().union(*(form for each in forms for form in each)), terms.values())
    shares = [[max(_share(form, text) for form in each) for text in texts] for each in forms]
    weights = np.array([_weight(word, of_word) for word, of_word in zip(words, shares, strict=True)])
    if not weights.any():
        return {}
    held = weights @ np.array(shares) / weights.sum()
    return dict(zip(terms, held.tolist(), strict=True))


def _from_english(question: str) -> Iterator[TranslatedWord]:
    asked = _RUN.findall(question.casefold())
    stems = [stem(word) for word in asked]
    number = 0
    while number < len(asked):
        word = asked[number]
        if _says_nothing(word):
            number += 1
            continue
        known = translate_english(word) if len(word) <= _LONGEST_ENGLISH else ()
        senses = [sense for sense in known if _begins(sense, stems[number:])]
        length = max((len(sense.english) for sense in senses), default=1)
        chinese = (sense.chinese for sense in senses if len(sense.english) == length)
        yield TranslatedWord(" ".join(asked[number : number + length]), tuple(dict.fromkeys(chinese)))
        number += length


def _begins(sense: Translation, stems: list[str]) -> bool:
    return list(map(stem, sense.english)) == stems[: len(sense.english)]


def _from_chinese(question: str) -> Iterator[TranslatedWord]:
    for run in _RUN.findall(question.casefold()):
        if has_han(run):
            yield from (TranslatedWord(word, _english(word)) for word in _segment(run) if not _says_nothing(word))
        else:
            yield TranslatedWord(run, ())


def _segment(run: str) -> Iterator[str]:
    """Yield the words of a run of Chinese: from the left, the longest of the dictionary, or else a character."""
    start = 0
    while start < len(run):
        lengths = range(min(_LONGEST, len(run) - start), 1, -1)
        words = (run[start : start + length] for length in lengths)
        word = next((word for word in words if translate_chinese(word)), run[start])
        yield word
        start += len(word)


def _english(word: str) -> tuple[str, ...]:
    senses = (" ".join(part for part in sense.english if not _says_nothing(part)) for sense in translate_chinese(word))
    return tuple(dict.fromkeys(filter(None, senses)))


def _says_nothing(word: str) -> bool:
    return is_question_word(word) or word in _FUNCTION_WORDS


def _held(wanted: Set[str], texts: Collection[Set[str]]) -> list[frozenset[str]]:
    """Return the stems of each text that are wanted."""
    stems = {term: stem(term) for term in frozenset().union(*texts)}
    known = {term for term, stemmed in stems.items() if stemmed in wanted}
    return [frozenset(stems[term] for term in text & known) for text in texts]


def _share(form: frozenset[str], terms: Set[str]) -> float:
    held = sum(term in terms for term in form)
    if held and len(form) == 1:
        (term,) = form
        return _CHARACTER if len(term) == 1 and has_han(term) else 1.0
    return held / max(len(form), 1)


def _weight(word: TranslatedWord, shares: Sequence[float]) -> float:
    """Return the inverse document frequency among the texts, as Lucene's BM25 has it."""
    if not word.translations and not any(shares):
        return 0.0
    held = sum(shares)
    return math.log(1 + (len(shares) - held + 0.5) / (held + 0.5))
