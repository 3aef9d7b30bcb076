"""The answer to small talk: what the knowledge base holds, and three questions to begin with."""

from collections.abc import Iterable, Sequence

from rag.answering.notices import NOTICES
from rag.text.language import ReplyLanguage, detect_language
from rag.text.markdown_escape import escape_words

_MAX_CONTENTS = 6
_MAX_EXAMPLES = 3
_MAX_HEADING_CHARACTERS = 40


def greeting_text(language: ReplyLanguage, headings: Sequence[tuple[str, ...]]) -> str:
    """Return two lines and three questions; only the greeting if there are no documents yet.

    `headings` are the heading paths of all documents, by document and position.
    """
    notices = NOTICES[language]
    titles = _distinct(path[0] for path in headings if path)
    # A single document is described by its sections.
    contents = titles if len(titles) > 1 else _distinct(path[1] for path in headings if len(path) > 1) or titles
    innermost = _distinct(path[-1] for path in headings if len(path) > 1) or contents
    # A question that mixes two languages reads oddly.
    topics = sorted(innermost, key=lambda topic: detect_language(topic) != ("zh" if language == "zh" else "en"))
    examples = [notices.about.format(topic=escape_words(topic)) for topic in _spread(topics, _MAX_EXAMPLES)]
    separator = "、" if language in ("zh", "ja") else ", "
    greeting = notices.greeting.format(contents=separator.join(map(escape_words, contents[:_MAX_CONTENTS])) or "–")
    return "\n".join([greeting, *([notices.examples] if examples else []), *(f"- {example}" for example in examples)])


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for name in names if len(name) <= _MAX_HEADING_CHARACTERS))


def _spread(topics: Sequence[str], limit: int) -> Sequence[str]:
    """Return at most `limit` topics from all over the list."""
    step = max(1, len(topics) // limit)
    return topics[::step][:limit]
