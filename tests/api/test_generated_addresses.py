"""Generated documents and outputs of models: whatever a client shows, no address but those of cited passages.

Each output goes through everything that a client can see: plain and streamed answers, reasoning, refusals, greetings,
link lists, the page, OpenAI, Dify and MCP. By default a few dozen outputs; `make addresses` tries 10,000.
"""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it.common.normalize_url import normalizeLinkText

from api.dify.routes import _record
from api.mcp.tools import _as_text, _ask_result
from api.openai.completions import AnswerStyle, answer_chunks, answer_completion
from api.page.answer_events import page_events
from api.service.ask import AskResponse
from ingest.chunking.chunks import chunk_document
from ingest.readers.parse import parse_document
from rag.answering.answer import AnswerEvent, PassagesFound
from rag.answering.answer_trace import build_trace
from rag.answering.compose import compose
from rag.answering.draft import Composition
from rag.answering.gathering import Gathered
from rag.answering.greeting import greeting_text
from rag.answering.quoted_answer import quote_answer
from rag.answering.rewriting import StandaloneQuestion
from rag.chat.protocol import ChatPiece, ReasoningDelta, TextDelta
from rag.chat.scripted import ScriptedChat
from rag.checks.answer_verification import verify_answer
from rag.checks.citation_markers import cited_numbers
from rag.retrieval.evidence import Evidence
from rag.retrieval.search import Retrieval
from rag.types import PATH_SEPARATOR, Answer, Hit, Passage
from tests.kit.hostile_addresses import (
    CANARY,
    LEADS_AWAY,
    PASSAGE,
    PLACEHOLDER,
    hostile_answers,
    hostile_places,
    rendered,
)

OUTPUTS = int(os.environ.get("ZHIWEN_ADDRESSES", "40"))
BASE = "https://kb.example.org"
QUESTION = "What is Milvus?"
BEACON = "beacon"
"""What documents have in their hostile addresses, where models have the canary."""
OWN = (f"{BASE}/docs/", "/docs/", "#")


@dataclass(frozen=True, slots=True)
class Surface:
    """What one kind of client gets as Markdown, and the passages that its text cites."""

    name: str
    markdown: str
    cited: frozenset[int]


def passages_of(document: str) -> list[Passage]:
    parsed = parse_document("guide.md", document.encode())
    chunks = chunk_document(parsed, count_tokens=len, max_tokens=400)[:4]
    return [Passage(number, Hit(chunk, 1.0, 0.9, 0.5)) for number, chunk in enumerate(chunks, 1)]


async def answered(passages: Sequence[Passage], pieces: Sequence[ChatPiece]) -> list[AnswerEvent]:
    """The events of an answer that a model writes in these pieces."""
    evidence = Evidence(QUESTION, "en", tuple(passages), {"milvus": 2.0}, 0.9)
    hits = tuple(passage.hit for passage in passages)
    found = Gathered(Retrieval(QUESTION, 1, "", hits=hits), evidence, seconds={})
    events: list[AnswerEvent] = [PassagesFound(tuple(passages))]
    composing = compose(
        found,
        ScriptedChat(pieces),
        min_evidence=0,
        max_answer_tokens=400,
        verify=lambda text, texts: verify_answer(text, texts, lambda term: 1.0),
        quote=lambda evidence: quote_answer(evidence, min_evidence=0),
    )
    async for event in composing:
        if isinstance(event, Composition):
            standalone = StandaloneQuestion(QUESTION)
            events.append(build_trace(QUESTION, standalone, found.retrieval, evidence, event, {}).answer)
        else:
            events.append(event)
    return events


async def replayed(events: Sequence[AnswerEvent]) -> AsyncGenerator[AnswerEvent, None]:
    for event in events:
        yield event


def frames(data: bytes) -> dict[str, object]:
    """The JSON of a server-sent event; {} if it has none."""
    lines = [line.removeprefix("data: ") for line in data.decode().splitlines() if line.startswith("data: ")]
    found = json.loads("\n".join(lines)) if lines and lines != ["[DONE]"] else {}
    assert isinstance(found, dict)
    return found


async def surfaces(events: Sequence[AnswerEvent]) -> tuple[list[Surface], str]:
    """All texts that clients get as Markdown, and the HTML of the page."""
    answer = next(event for event in events if isinstance(event, Answer))
    streamed = "".join(event.text for event in events if isinstance(event, TextDelta))
    reasoning = "".join(event.text for event in events if isinstance(event, ReasoningDelta))
    style = AnswerStyle(QUESTION, BASE, with_links=True)
    completion = (await answer_completion(replayed(events), style)).choices[0].message
    chunks = [frames(data) async for data in answer_chunks(replayed(events), style, with_usage=False)]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk.get("choices", [])]  # type: ignore[attr-defined]
    page = [frames(data) async for data in page_events(events[0], replayed(events[1:]), "en")]
    response = AskResponse.of(answer)
    texts = {
        "ask": answer.text,
        "ask, streamed": streamed,
        "reasoning": reasoning,
        "openai": completion.content,
        "openai reasoning": completion.reasoning_content or "",
        "openai, streamed": "".join(delta.get("content") or "" for delta in deltas),
        "openai reasoning, streamed": "".join(delta.get("reasoning_content") or "" for delta in deltas),
        "mcp": _as_text(QUESTION, _ask_result(response)),
        "page reasoning": "".join(str(data["text"]) for data in page if "text" in data),
        **{f"unverified {number}": text for number, text in enumerate(answer.unverified)},
    }
    titles = [one.url_citation.title for one in completion.annotations or ()]
    assert titles == [PATH_SEPARATOR.join((one.source, *one.heading_path)) for one in answer.citations], "no Markdown"
    cited = frozenset(citation.number for citation in answer.citations)
    found = [Surface(name, text, cited | frozenset(cited_numbers(text))) for name, text in texts.items()]
    blocks: dict[int, str] = {}
    finals: list[str] = []
    for data in page:
        html = data.get("html")
        if isinstance(html, list) and "start" in data:
            start = data["start"]
            assert isinstance(start, int)
            blocks |= {start + offset: block for offset, block in enumerate(html)}
        elif isinstance(html, list):
            finals += html
    return found, "".join([*blocks.values(), *finals])


class Destinations(HTMLParser):
    """The addresses to which HTML leads or from which it loads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("img", "script", "iframe", "object", "style", "link")
        self.found += [value or "" for name, value in attrs if name in ("href", "src", "action", "data", "poster")]


def destinations(markdown: str) -> Iterator[str]:
    """The addresses to which a client's rendering leads. Fails if it would load something or has HTML."""
    for token in rendered(markdown):
        assert token.type != "image", markdown
        if token.type.startswith("html"):
            assert PLACEHOLDER.fullmatch(token.content.strip()), markdown
        if token.type == "link_open":
            yield str(token.attrs["href"])


def check(address: str, passages: Sequence[Passage], cited: frozenset[int], shown: str) -> None:
    """An address stands to the letter in a cited passage, but for the scheme that a client puts before a bare one.

    Clients decode what is encoded, in the passage as in the answer, and encode the host.
    """
    if address.startswith(OWN) or not LEADS_AWAY.match(address):
        return
    assert CANARY not in unquote(address), shown
    written = [passage.chunk.searchable_text for passage in passages if passage.number in cited]
    texts = [*written, *map(unescape, written), *map(unquote, written)]
    bare = address.removeprefix("http://").removeprefix("mailto:")
    forms = (address, bare, unquote(address), unquote(bare), normalizeLinkText(address))
    assert any(form in text for form in forms for text in texts), (address, shown)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Documents whose headings and texts are hostile, beside addresses that an answer may have."""
    parts = []
    for number in range(draw(st.integers(1, 3))):
        heading = " ".join(draw(hostile_places(BEACON)).split())
        text = draw(st.sampled_from([PASSAGE, "Nothing to see.", "Milvus is a database: https://uncited.test/p"]))
        parts.append(f"## Section {number} {heading}\n\nMilvus stores vectors. {text} {draw(hostile_places(BEACON))}\n")
    return "# Guide\n\n" + "\n".join(parts)


@st.composite
def outputs(draw: st.DrawFn) -> list[ChatPiece]:
    """What a model writes: a statement that is supported or none, hostile text, and reasoning, split anywhere."""
    said = draw(st.sampled_from(["Milvus stores vectors [1].", "Milvus stores vectors.", "Boats sail [2].", ""]))
    hostile = draw(st.lists(hostile_answers(), min_size=1, max_size=3))
    text = draw(st.sampled_from(["\n\n", "\n", " "])).join([said, *hostile])
    thought = draw(st.one_of(st.just(""), hostile_answers()))
    size = draw(st.sampled_from([1, 7, 1000]))
    pieces: list[ChatPiece] = [ReasoningDelta(thought[at : at + size]) for at in range(0, len(thought), size)]
    return pieces + [TextDelta(text[at : at + size]) for at in range(0, len(text), size)]


@settings(max_examples=OUTPUTS, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents(), outputs())
def test_no_surface_leads_anywhere_but_to_what_stands_in_a_cited_passage(
    document: str, pieces: list[ChatPiece]
) -> None:
    passages = passages_of(document)
    found, html = asyncio.run(play(passages, pieces))
    for surface in found:
        for address in destinations(surface.markdown):
            check(address, passages, surface.cited, f"{surface.name}: {surface.markdown}")
    every = frozenset().union(*(surface.cited for surface in found))
    for address in Destinations(html).found:
        check(address, passages, every, html)
    for passage in passages:
        assert _record(passage.hit, "").content == passage.chunk.content, "Dify gets passages as they are"


async def play(passages: Sequence[Passage], pieces: Sequence[ChatPiece]) -> tuple[list[Surface], str]:
    return await surfaces(await answered(passages, pieces))


@settings(max_examples=OUTPUTS, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents())
def test_refusals_and_greetings_lead_nowhere(document: str) -> None:
    passages = passages_of(document)
    found, html = asyncio.run(play(passages, [TextDelta("NOT_IN_PASSAGES")]))
    headings = [(passage.chunk.context, passage.chunk.title) for passage in passages]
    texts = [*(surface.markdown for surface in found), greeting_text("en", headings), greeting_text("zh", headings)]
    for text in texts:
        assert not [address for address in destinations(text) if not address.startswith(OWN)], text
    assert all(address.startswith(OWN) for address in Destinations(html).found), html
