"""The gate for everything that a chat model writes: its answers and its reasoning."""

from rag.chat.prompt import DECLINED
from rag.checks.citation_markers import MarkerFilter
from rag.checks.link_filter import LinkFilter
from rag.checks.prompt_leak import PromptLeakFilter
from rag.checks.text_filter import TextFilter
from rag.retrieval.evidence import Evidence
from rag.text.invisible import InvisibleFilter
from rag.text.language import Language

_MIN_LEAK_CHARACTERS: dict[Language, int] = {"zh": 12, "en": 36}


class TextGate:
    """Passes text on without what readers must not get, however it is split.

    Removes, in this order, so that no filter can bring back what one before it removed: invisible characters, parts of
    the `instructions`, markers of passages that were not offered, images and HTML, and links that no cited passage has.

    `is_quoted`: the text is quoted from the passages with markers that are right, so other brackets, such as those in
    code, are not markers and stay.
    """

    def __init__(self, evidence: Evidence, *, instructions: str = "", is_quoted: bool = False) -> None:
        passages = {passage.number: passage.chunk.searchable_text for passage in evidence.passages}
        material = "\n".join(passages.values())
        self._filters: list[TextFilter] = [InvisibleFilter()]
        if instructions:
            known = f"{material}\n{evidence.question}"
            min_characters = _MIN_LEAK_CHARACTERS[evidence.prompt_language]
            self._filters.append(
                PromptLeakFilter(instructions, material=known, words=[DECLINED], min_characters=min_characters)
            )
        if not is_quoted:
            self._filters.append(MarkerFilter(list(passages), material=material))
        self._filters.append(LinkFilter(passages))
        self._has_ended_line = False
        self.unfinished_characters = 0
        """How much text the next piece may finish, which is what its work grows with."""

    def feed(self, text: str) -> str:
        """Return the part of everything fed so far that is certain and was not returned before."""
        self._has_ended_line |= "\n" in text
        self.unfinished_characters += len(text)
        for text_filter in self._filters:
            text = text_filter.feed(text)
        if self._has_ended_line and text:
            self.unfinished_characters, self._has_ended_line = 0, False
        return text

    def finish(self) -> str:
        """Return what was held back until the end of the stream."""
        rest = ""
        for text_filter in self._filters:
            rest = text_filter.feed(rest) + text_filter.finish()
        return rest
