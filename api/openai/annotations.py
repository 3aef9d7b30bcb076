"""An answer as text and annotations of a chat completion: its citations in both, for clients drop one or the other."""

import re

from api.messages import say
from api.openai.schemas import Annotation, UrlCitation
from api.public_urls import absolute
from rag.text.language import Language
from rag.types import PATH_SEPARATOR, Answer, Citation

_MARKDOWN = re.compile(r"([\\`*_\[\]<>|&~$])")


def annotations(answer: Answer, base: str) -> list[Annotation]:
    """One for each citation, at the first of its markers in the answer's text."""
    found = []
    for citation in answer.citations:
        marker = f"[{citation.number}]"
        start = answer.text.index(marker)
        place = UrlCitation(
            start_index=start, end_index=start + len(marker), url=absolute(citation.url, base), title=_title(citation)
        )
        found.append(Annotation(type="url_citation", url_citation=place))
    return found


def closing(answer: Answer, base: str, language: Language, *, with_links: bool) -> str:
    """What stands under the answer's text, in Markdown: the sentences not to be trusted, and links to the passages."""
    parts = []
    if answer.unverified:
        parts.append(_listed("unverified", language, [" ".join(sentence.split()) for sentence in answer.unverified]))
    if with_links and answer.citations:
        parts.append(_listed("sources", language, [_link(citation, base) for citation in answer.citations]))
    return "".join(parts)


def without_closing(text: str) -> str:
    """An earlier answer as the client sends it back, without what `closing` had put under it."""
    headings = "|".join(
        re.escape(_heading(key, language)) for key in ("unverified", "sources") for language in ("zh", "en")
    )
    return re.split(rf"\n\n(?:{headings})\n\n- ", text, maxsplit=1)[0]


def _listed(key: str, language: Language, items: list[str]) -> str:
    return f"\n\n{_heading(key, language)}\n\n" + "\n".join(f"- {item}" for item in items)


def _heading(key: str, language: str) -> str:
    return f"**{say(key, 'zh' if language == 'zh' else 'en')}**"


def _link(citation: Citation, base: str) -> str:
    title = _MARKDOWN.sub(r"\\\1", _title(citation))
    return f"[{citation.number}] [{title}]({absolute(citation.url, base)})"


def _title(citation: Citation) -> str:
    return PATH_SEPARATOR.join((citation.source, *citation.heading_path))
