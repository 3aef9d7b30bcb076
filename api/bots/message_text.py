"""An answer as the text of messages: Markdown with its sources, in pieces that a platform takes."""

import re

from api.service.ask import AskResponse
from api.translations import say
from rag.text.language import detect_language
from rag.text.markers import strip_markers

_MAX_PIECES = 5
_CUT = "…"
# Platforms read `<at id=all>`, `<@all>` and `<font …>` wherever they stand, and know no way to escape them.
_TAG = re.compile(r"<(?=[A-Za-z/@!])")
_BRACKETS = str.maketrans("[]<\n", "［］＜ ")


def message_text(question: str, answer: AskResponse) -> str:
    """Return an answer with its unverified sentences and its sources. The addresses of its citations are absolute."""
    language = detect_language(question)
    lines = [_TAG.sub("＜", answer.answer)]
    if answer.unverified:
        sentences = (_TAG.sub("＜", strip_markers(sentence)) for sentence in answer.unverified)
        lines += ["", f"{say('unverified', language)}:", *(f"- {sentence}" for sentence in sentences)]
    if answer.citations:
        lines += ["", f"{say('sources', language)}:"]
    for citation in answer.citations:
        lines.append(f"[{citation.number}] [{citation.heading.translate(_BRACKETS)}]({citation.url})")
    return "\n".join(lines)


def split_message(text: str, max_bytes: int) -> list[str]:
    """Return the text in at most five pieces of at most `max_bytes` in UTF-8, cut between lines where that is possible.

    A text that does not fit is cut off, and ends with `…`.
    """
    pieces = [""]
    for line in text.split("\n"):
        joined = f"{pieces[-1]}\n{line}" if pieces[-1] else line
        if _fits(joined, max_bytes):
            pieces[-1] = joined
            continue
        pieces += _cut(line, max_bytes)
    pieces = [piece for piece in pieces if piece.strip()]
    if len(pieces) > _MAX_PIECES:
        last = _cut(pieces[_MAX_PIECES - 1], max_bytes - len(_CUT.encode()))[0]
        pieces[_MAX_PIECES - 1 :] = [last + _CUT]
    return pieces


def _cut(line: str, max_bytes: int) -> list[str]:
    pieces = []
    while not _fits(line, max_bytes):
        begin = line.encode()[:max_bytes].decode(errors="ignore")
        pieces.append(begin)
        line = line[len(begin) :]
    return [*pieces, line]


def _fits(text: str, max_bytes: int) -> bool:
    return len(text.encode()) <= max_bytes
