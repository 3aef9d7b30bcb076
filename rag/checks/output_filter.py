"""Filter the text that a chat model writes before a reader gets it, piece by piece."""

import re

from rag.chat.prompt import DECLINED
from rag.checks.citation_markers import MarkerFilter
from rag.checks.link_filter import LinkFilter
from rag.checks.prompt_leak import PromptLeakFilter
from rag.checks.text_filter import TextFilter
from rag.retrieval.evidence import Evidence
from rag.text.invisible import InvisibleFilter
from rag.text.language import Language

_DECORATION = re.compile(r"\A[\W_]+")
_DECLINED_IN_WORDS = DECLINED.replace("_", " ")
_MIN_LEAK_CHARACTERS: dict[Language, int] = {"zh": 12, "en": 36}


class OutputFilter:
    """Passes a model's text on without what readers must not get, however the text is split.

    Removes, in this order, so that no filter can bring back what one before it removed: invisible characters, parts of
    the `instructions`, markers of passages that were not offered, and links, images and HTML that no cited passage has.
    If the text begins by declining the question, in whatever decoration, nothing passes and `declined` is True.

    `is_quoted`: the text is quoted from the passages with markers that are right, so other brackets, such as those in
    code, are not markers and stay.
    """

    def __init__(self, evidence: Evidence, *, instructions: str = "", is_quoted: bool = False) -> None:
        passages = {passage.number: passage.chunk.searchable_text for passage in evidence.passages}
        self._invisible = InvisibleFilter()
        material = "\n".join(passages.values())
        self._filters: list[TextFilter] = [] if is_quoted else [MarkerFilter(list(passages), material=material)]
        self._filters.append(LinkFilter(passages))
        if instructions:
            material = f"{material}\n{evidence.question}"
            min_characters = _MIN_LEAK_CHARACTERS[evidence.prompt_language]
            leaks = PromptLeakFilter(instructions, material=material, words=[DECLINED], min_characters=min_characters)
            self._filters.insert(0, leaks)
        self._beginning: list[str] = []
        self._bare_beginning = ""
        self._has_begun = False
        self.declined = False

    def feed(self, text: str) -> str:
        """Return the part of everything fed so far that is certain and was not returned before."""
        text = self._invisible.feed(text)
        if self._has_begun:
            return self._pass(text)
        if self.declined:
            return ""
        self._beginning.append(text)
        self._bare_beginning = _strip_decoration(self._bare_beginning + text)
        if _may_decline(self._bare_beginning):
            self.declined = _declines(self._bare_beginning)
            return ""
        self._has_begun = True
        return self._pass("".join(self._beginning))

    def finish(self) -> str:
        """Return what was held back until the end of the stream.

        A text that ends while it may still be declining counts as declining.
        """
        if not self._has_begun:
            self.declined = True
            return ""
        rest = self._invisible.finish()
        for text_filter in self._filters:
            rest = text_filter.feed(rest) + text_filter.finish()
        return rest

    def _pass(self, text: str) -> str:
        for text_filter in self._filters:
            text = text_filter.feed(text)
        return text


def _may_decline(beginning: str) -> bool:
    return _declines(beginning) or DECLINED.startswith(beginning.upper()) or _DECLINED_IN_WORDS.startswith(beginning)


def _declines(beginning: str) -> bool:
    return beginning.upper().startswith(DECLINED) or beginning.startswith(_DECLINED_IN_WORDS)


def _strip_decoration(beginning: str) -> str:
    """Remove quotation marks, asterisks and the like from the front, and the backslashes of Markdown's escapes."""
    return _DECORATION.sub("", beginning.replace("\\", ""))
