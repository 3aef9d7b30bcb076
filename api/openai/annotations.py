"""The citations of an answer as annotations and as a footer of links, because clients show only one or the other."""

import re

from api.openai.schemas import Annotation, UrlCitation
from api.public_urls import absolute
from api.translations import say
from rag.text.language import Language
from rag.text.markdown_escape import escape_markdown, escape_words
from rag.text.markers import find_markers, strip_markers
from rag.types import PATH_SEPARATOR, Answer, Citation


def annotations(answer: Answer, base: str) -> list[Annotation]:
    """Return one annotation for each citation, at its first marker in the text. `base` begins all links."""
    found = []
    first = {marker.number: marker for marker in reversed(list(find_markers(answer.text)))}
    for citation in answer.citations:
        marker = f"[{citation.number}]"
        start = first[citation.number].start if citation.number in first else answer.text.index(marker)
        url_citation = UrlCitation(
            start_index=start,
            end_index=start + len(marker),
            url=absolute(citation.url, base),
            title=_title(citation, answer),
        )
        found.append(Annotation(type="url_citation", url_citation=url_citation))
    return found


def footer(answer: Answer, base: str, language: Language, *, with_links: bool) -> str:
    """Return the Markdown below the text: the unverified sentences and, if wanted, links to the cited passages."""
    lists = []
    if answer.unverified:
        # Alone, a sentence could be other Markdown than it was in the answer.
        lists.append(
            _list("unverified", language, [escape_words(strip_markers(sentence)) for sentence in answer.unverified])
        )
    if with_links and answer.citations:
        lists.append(_list("sources", language, [_link(citation, answer, base) for citation in answer.citations]))
    return "".join(lists)


def without_footer(text: str) -> str:
    """Remove the footer from an earlier answer that the client sends back."""
    headings = "|".join(
        re.escape(_heading(key, language)) for key in ("unverified", "sources") for language in ("zh", "en")
    )
    return re.split(rf"\n\n(?:{headings})\n\n- ", text, maxsplit=1)[0]


def _list(key: str, language: Language, items: list[str]) -> str:
    return f"\n\n{_heading(key, language)}\n\n" + "\n".join(f"- {item}" for item in items)


def _heading(key: str, language: str) -> str:
    return f"**{say(key, 'zh' if language == 'zh' else 'en')}**"


def _link(citation: Citation, answer: Answer, base: str) -> str:
    return f"[{citation.number}] [{escape_markdown(_title(citation, answer))}]({absolute(citation.url, base)})"


def _title(citation: Citation, answer: Answer) -> str:
    where = (citation.knowledge_base,) if len(answer.generations) > 1 else ()
    return PATH_SEPARATOR.join((*where, citation.source, *citation.heading_path))
