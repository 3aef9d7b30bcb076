"""Separate reasoning that a server leaves in the text from the answer, as the text streams."""

from enum import Enum, auto

from rag.chat.markdown_position import MarkdownPosition
from rag.chat.protocol import ReasoningDelta, TextDelta, TextRetracted
from rag.chat.reasoning_tags import (
    BARE_ANALYSIS,
    BARE_FINAL,
    END_TAGS,
    HEADER_TAGS,
    MESSAGE_TAG,
    OPENINGS,
    PAIRS,
    WRAPPERS,
    length_of_partial_tag,
    plain_tag,
    tag_pattern,
)

Piece = TextDelta | ReasoningDelta | TextRetracted


class _State(Enum):
    START = auto()
    """Nothing but white space has come, or what may still become a tag or an opening."""
    HELD = auto()
    """Probably reasoning whose opening tag was in the prompt: it is kept until a closing tag, or the end, decides."""
    REASONING = auto()
    HEADER = auto()
    """Inside of the header of a Harmony message."""
    ANSWER = auto()


class ReasoningFilter:
    """Splits streamed text into reasoning and answer. How the text is cut into pieces makes no difference.

    Drops the tags, and the white space around reasoning; every other character is kept. A tag marks reasoning at the
    beginning of the text, of a line or of a sentence; in code, or in the middle of a sentence, the answer talks about
    it. A closing tag that was never opened makes all text before it reasoning: if that has been given out as text
    already, TextRetracted takes it back.

    `holds`: expect such a closing tag, and give out no text before it or the end.
    """

    def __init__(self, *, holds: bool = False) -> None:
        self._holds = holds
        self._state = _State.START
        self._buffer = ""
        self._closings = frozenset[str]()
        self._header = self._held = ""
        self._drops_white_space = False
        self._wrapped = False
        self._is_fresh = True  # no answer yet since the beginning or the last reasoning
        self._may_retract = False
        self._position = MarkdownPosition()
        self._mentioned = set[str]()
        self.has_lone_closing = False
        """Whether a closing tag has come that was never opened."""

    def release(self) -> None:
        """Hold no text back: the server separates reasoning itself."""
        self._holds = False

    def feed(self, text: str) -> list[Piece]:
        """Return the pieces that are certain."""
        self._buffer += text
        return self._read(is_end=False)

    def finish(self, *, is_cut: bool = False) -> list[Piece]:
        """Return what was held back until the end of the stream; `is_cut`: it ends at the model's length limit."""
        pieces = self._read(is_end=True)
        if self._state is _State.HELD and not is_cut and self._held:
            pieces.append(TextDelta(self._held))
        return pieces

    def _read(self, *, is_end: bool) -> list[Piece]:
        pieces: list[Piece] = []
        while self._buffer:
            if self._state is _State.START and not self._decide(is_end=is_end):
                break
            tags = self._closings if self._state is _State.REASONING else _TAGS
            pattern = _PATTERNS.get(self._closings, _PATTERN) if self._state is _State.REASONING else _PATTERN
            match = pattern.search(self._buffer)
            if match is None:
                kept = 0 if is_end else length_of_partial_tag(self._buffer, tags)
                text, self._buffer = self._buffer[: len(self._buffer) - kept], self._buffer[len(self._buffer) - kept :]
                pieces += self._take(text)
                break
            pieces += self._take(self._buffer[: match.start()])
            self._buffer = self._buffer[match.end() :]
            pieces += self._pass_tag(match[0])
        return pieces

    def _decide(self, *, is_end: bool) -> bool:
        """Leave START if the beginning of the text says how; return whether it does."""
        beginning = self._buffer.lstrip()
        lower = beginning.lower()
        if (match := _PATTERN.match(beginning)) and plain_tag(match[0]) not in WRAPPERS.values():
            self._buffer = beginning
            self._state = _State.ANSWER
        elif BARE_ANALYSIS.match(beginning):
            self._state, self._closings = _State.REASONING, frozenset({BARE_FINAL})
            self._buffer = beginning.removeprefix("analysis")
        elif (
            self._holds and beginning and (is_end or length_of_partial_tag(lower, _TAGS) != len(lower))
        ) or lower.startswith(OPENINGS):
            self._state = _State.HELD
        elif is_end or not _may_begin(lower):
            self._state = _State.ANSWER
        return self._state is not _State.START

    def _take(self, text: str) -> list[Piece]:
        """Return the pieces of a text without tags."""
        if not text:
            return []
        match self._state:
            case _State.REASONING:
                return [ReasoningDelta(text)]
            case _State.HEADER:
                self._header += text
                return []
            case _State.HELD:
                self._held += text
                self._position.note(text)
                return [ReasoningDelta(text)]
            case _:
                return self._take_answer(text)

    def _take_answer(self, text: str) -> list[Piece]:
        if self._drops_white_space:
            text = text.lstrip()
            if not text:
                return []
        retracted: list[Piece] = [TextRetracted()] if self._may_retract and text.strip() else []
        if retracted:
            self._may_retract = False
            self._position = MarkdownPosition()
        self._drops_white_space = False
        self._is_fresh = self._is_fresh and not text.strip()
        self._position.note(text)
        return [*retracted, TextDelta(text)]

    def _pass_tag(self, written: str) -> list[Piece]:
        tag = plain_tag(written)
        if self._state is _State.REASONING:
            self._begin_answer()
            if tag in HEADER_TAGS:
                self._begin_header(tag)
            return []
        if self._state is _State.HEADER:
            self._pass_header_tag(tag)
            return []
        if self._state is _State.HELD:
            return self._pass_tag_of_held(tag, written)
        return self._pass_tag_of_answer(tag, written)

    def _pass_tag_of_held(self, tag: str, written: str) -> list[Piece]:
        # Reasoning may stop in the middle of code, so a tag that begins a line counts there, too.
        is_text = self._position.in_code and (tag in self._mentioned or not self._position.begins_line)
        if tag in PAIRS and self._position.in_code:
            self._mentioned.add(PAIRS[tag])
        elif tag in _CLOSINGS and not is_text:
            self.has_lone_closing, self._held, self._position = True, "", MarkdownPosition()
            self._begin_answer()
            return []
        elif tag in HEADER_TAGS and not is_text:
            self._held, self._position = "", MarkdownPosition()
            self._begin_header(tag)
            return []
        return self._take(written)

    def _pass_tag_of_answer(self, tag: str, written: str) -> list[Piece]:
        if self._position.in_code:
            return self._take_answer(written)
        if tag in PAIRS and (self._is_fresh or self._position.begins_sentence):
            self._state, self._closings = _State.REASONING, frozenset({PAIRS[tag]})
        elif tag in _CLOSINGS and tag not in self._mentioned:
            self.has_lone_closing = True
            self._may_retract = not self._is_fresh
            self._begin_answer()
        elif tag in HEADER_TAGS:
            self._begin_header(tag)
        elif tag in WRAPPERS and self._is_fresh:
            self._wrapped = self._drops_white_space = True
        elif tag in WRAPPERS.values() and self._wrapped:
            self._wrapped = False
        elif tag != MESSAGE_TAG and tag not in END_TAGS:
            self._mentioned.add(PAIRS.get(tag, ""))
            return self._take_answer(written)
        return []

    def _begin_answer(self) -> None:
        self._state = _State.ANSWER
        self._drops_white_space = self._is_fresh = True

    def _begin_header(self, tag: str) -> None:
        self._state, self._header = _State.HEADER, tag

    def _pass_header_tag(self, tag: str) -> None:
        if tag != MESSAGE_TAG:
            self._header += tag
            return
        _, channel, name = self._header.rpartition("<|channel|>")
        if not channel or name.split()[:1] == ["final"]:
            self._begin_answer()
        else:
            self._state, self._closings = _State.REASONING, _HARMONY_CLOSINGS


def _may_begin(lower: str) -> bool:
    """Return whether the beginning of a text may still become a tag or an opening of reasoning."""
    return any(opening.startswith(lower) for opening in (*OPENINGS, "analysis")) or (
        length_of_partial_tag(lower, _TAGS) == len(lower)
    )


_CLOSINGS = frozenset(PAIRS.values())
_HARMONY_CLOSINGS = HEADER_TAGS | END_TAGS
_TAGS = frozenset(
    {*PAIRS, *_CLOSINGS, *WRAPPERS, *WRAPPERS.values(), *HEADER_TAGS, *END_TAGS, MESSAGE_TAG},
)
_PATTERN = tag_pattern(_TAGS)
_PATTERNS = {
    closings: tag_pattern(closings)
    for closings in (*(frozenset({closing}) for closing in _CLOSINGS), _HARMONY_CLOSINGS, frozenset({BARE_FINAL}))
}
