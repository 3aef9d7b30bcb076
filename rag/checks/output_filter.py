"""The text that a chat model writes → what the reader gets of it, piece by piece."""

import re
from typing import Protocol

from rag.chat.prompt import DECLINED
from rag.checks.citations import MarkerFilter
from rag.checks.links import LinkFilter
from rag.checks.prompt_leak import PromptLeakFilter
from rag.retrieval.evidence import Evidence
from rag.text.invisible import InvisibleFilter
from rag.text.language import Language

_DECORATION = re.compile(r"\A[\W_]+")
_SPELT_OUT = DECLINED.replace("_", " ")
_LEAK_CHARACTERS: dict[Language, int] = {"zh": 12, "en": 36}


class _TextFilter(Protocol):
    def feed(self, text: str) -> str: ...

    def finish(self) -> str: ...


class OutputFilter:
    """Pass a text on without what must not reach a reader, however the text was split.

    Invisible characters, parts of the `instructions`, markers of passages that were not offered, and links, images and
    HTML that no cited passage holds are removed, in this order, so that none of them can arise from what a later filter
    leaves. A text that begins by declining gives nothing, however it is decorated, and sets `declined`.
    """

    def __init__(self, evidence: Evidence, *, instructions: str = "") -> None:
        passages = {passage.number: passage.chunk.searchable_text for passage in evidence.passages}
        self._visible = InvisibleFilter()
        self._filters: tuple[_TextFilter, ...] = (
            PromptLeakFilter(
                instructions,
                material="\n".join([*passages.values(), evidence.question]),
                words=[DECLINED],
                shortest_run=_LEAK_CHARACTERS[evidence.language],
            ),
            MarkerFilter(list(passages)),
            LinkFilter(passages),
        )
        self._opening: list[str] = []
        self._said = ""
        self._begun = False
        self.declined = False

    def feed(self, text: str) -> str:
        text = self._visible.feed(text)
        if self._begun:
            return self._pass(text)
        if self.declined:
            return ""
        self._opening.append(text)
        self._said = _bare(self._said + text)
        if _may_decline(self._said):
            self.declined = _declines(self._said)
            return ""
        self._begun = True
        return self._pass("".join(self._opening))

    def finish(self) -> str:
        """The rest; nothing if the text has not got beyond what may be the beginning of declining."""
        if not self._begun:
            self.declined = True
            return ""
        rest = self._visible.finish()
        for each in self._filters:
            rest = each.feed(rest) + each.finish()
        return rest

    def _pass(self, text: str) -> str:
        for each in self._filters:
            text = each.feed(text)
        return text


def _may_decline(said: str) -> bool:
    return _declines(said) or DECLINED.startswith(said.upper()) or _SPELT_OUT.startswith(said)


def _declines(said: str) -> bool:
    return said.upper().startswith(DECLINED) or said.startswith(_SPELT_OUT)


def _bare(opening: str) -> str:
    """Without quotes, asterisks and the like before it, and without the backslashes that Markdown wants."""
    return _DECORATION.sub("", opening.replace("\\", ""))
