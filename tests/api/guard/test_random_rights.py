"""Random filters, keys and documents: each surface shows what a plain model in Python says that it may show.

The suite tries a few dozen cases; `make rights` tries 2,000.
"""

import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.guard.keys import Group, Key, digest_of
from api.schemas.filter import FilterIn
from rag.rights import UNLIMITED, Grant, Rights
from rag.store.filters import All, AnyOf, Equals, Filter, In, Not, Prefix, Range
from rag.types import MetadataValue, Scalar
from tests.kit.api_keys import key_of
from tests.kit.filter_model import holds
from tests.kit.keyed_app import KeyedApp, keyed_app

CASES = int(os.environ.get("ZHIWEN_RIGHTS_CASES", "30"))
CORPORA = max(1, CASES // 100)
DOCUMENTS = 20
RANDOM, FREE = key_of("random"), key_of("free")
BASES = ("default", "other")
FOLDERS = ("", "public/", "public/old/", "hr/", "it/")
TEXTS = ("public", "hr", "it", "2024", "true")
NUMBERS = (1, 2024, 2024.0, 2025, 0.5)


@dataclass(frozen=True, slots=True)
class Document:
    """A document with a word that no other has."""

    base: str
    source: str
    word: str
    metadata: dict[str, MetadataValue]

    @property
    def title(self) -> str:
        return f"Shelf {self.word}"

    @property
    def text(self) -> str:
        lines = "".join(f"{key}: {yaml(value)}\n" for key, value in self.metadata.items())
        front_matter = f"---\n{lines}---\n\n" if lines else ""
        return f"{front_matter}# {self.title}\n\nThe harbour keeps {self.word} here.\n"


def yaml(value: MetadataValue) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(yaml, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def corpus(seed: int) -> list[Document]:
    chance = random.Random(seed)  # noqa: S311  (the same documents each time)

    def scalar() -> Scalar:
        return chance.choice([*TEXTS, *NUMBERS, True, False])

    def value() -> MetadataValue:
        return [scalar() for _ in range(chance.randrange(4))] if chance.random() < 0.4 else scalar()

    return [
        Document(
            base,
            f"{chance.choice(FOLDERS)}{number:02}.md",
            f"zq{base[0]}{number:02}x",
            {key: value() for key in ("tags", "year", "draft") if chance.random() < 0.7},
        )
        for base in BASES
        for number in range(DOCUMENTS)
    ]


# The model


def value_of(document: Document, field: str) -> MetadataValue:
    own = {"source": document.source, "title": document.title}
    return own[field] if field in own else document.metadata.get(field)


def meets(search_filter: Filter | None, document: Document) -> bool:
    return search_filter is None or holds(search_filter, partial(value_of, document))


def may_see(rights: Rights, document: Document) -> bool:
    return any(
        (grant.knowledge_bases is None or document.base in grant.knowledge_bases) and meets(grant.within, document)
        for grant in rights.grants
    )


# Strategies

SCALARS = st.sampled_from([*TEXTS, *NUMBERS, True, False])
KEYS = st.sampled_from(["tags", "year", "draft", "missing"])
STARTS = st.sampled_from([*FOLDERS[1:], "p", "0", "it/1", "Shelf zqd", "2"])
LEAVES = (
    st.builds(Equals, KEYS, SCALARS)
    | st.builds(In, KEYS, st.lists(SCALARS, min_size=1, max_size=3).map(tuple))
    | st.builds(Prefix, st.sampled_from(["source", "title", "tags"]), STARTS)
    | st.builds(Range, KEYS, st.sampled_from(NUMBERS), st.none() | st.sampled_from(NUMBERS))
    | st.builds(Range, st.sampled_from(["source", "year"]), st.none(), st.sampled_from(["hr/9", "it/", "2024"]))
)
FILTERS: st.SearchStrategy[Filter] = st.recursive(
    LEAVES,
    lambda parts: (
        st.builds(Not, parts)
        | st.builds(All, st.lists(parts, min_size=1, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(parts, min_size=1, max_size=3).map(tuple))
    ),
    max_leaves=5,
)
GRANTS = st.builds(Grant, st.none() | st.sets(st.sampled_from(BASES), min_size=1).map(frozenset), st.none() | FILTERS)
RIGHTS = st.lists(GRANTS, min_size=1, max_size=3).map(lambda grants: Rights(tuple(grants)))


class ChangingKeys:
    """Keys of which one has other rights in each case."""

    is_open = awaits_first = False

    def __init__(self) -> None:
        self.rights = UNLIMITED

    def find(self, key: str) -> Key | None:
        rights = {RANDOM: self.rights, FREE: UNLIMITED}
        return Key(key[-6:], frozenset({"ask"}), digest_of(key), rights[key]) if key in rights else None

    def find_group(self, name: str) -> Group | None:
        return None


@dataclass(frozen=True, slots=True)
class Shelves:
    """An application over a corpus."""

    app: KeyedApp
    keys: ChangingKeys
    documents: Sequence[Document]


@pytest.fixture(scope="module", params=range(CORPORA))
def shelves(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelves]:
    place: Path = tmp_path_factory.mktemp("shelves")
    documents, keys = corpus(request.param), ChangingKeys()
    texts = {base: {each.source: each.text for each in documents if each.base == base} for base in BASES}
    with keyed_app(place, texts, keys) as app:
        yield Shelves(app, keys, documents)


QUESTIONS = st.sampled_from(
    ["What does the harbour keep?", "Where is zqd03x?", "Who keeps zqo07x in Lisbon?", "Hello!", "港口有什么？"]
)


@given(
    rights=RIGHTS,
    asked=st.none() | FILTERS,
    question=QUESTIONS,
    base=st.sampled_from(BASES),
    number=st.integers(0, 2 * DOCUMENTS - 1),
)
@settings(
    max_examples=CASES // CORPORA,
    deadline=None,
    derandomize=CORPORA == 1,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_every_surface_shows_what_the_model_says(
    shelves: Shelves, rights: Rights, asked: Filter | None, question: str, base: str, number: int
) -> None:
    shelves.keys.rights = rights
    allowed = [name for name in BASES if any(name in (grant.knowledge_bases or BASES) for grant in rights.grants)]
    visible = [each for each in shelves.documents if may_see(rights, each)]
    check_lists(shelves.app, allowed, visible)
    check_document(shelves.app, shelves.documents[number], is_visible=shelves.documents[number] in visible)
    check_search(shelves.app, base, question, asked, visible if base in allowed else None)
    hidden = [each.word for each in shelves.documents if each not in visible and each.word not in question]
    free = [grant.knowledge_bases or BASES for grant in rights.grants if grant.within is None]
    sees_all = all(any(name in names for names in free) for name in BASES)
    check_answers(shelves.app, question, hidden, is_limited=not sees_all)


def check_lists(app: KeyedApp, allowed: Sequence[str], visible: Sequence[Document]) -> None:
    counts = {name: sum(each.base == name for each in visible) for name in allowed}
    listed = app.json(RANDOM, "GET", "/knowledge-bases")["knowledge_bases"]
    assert {each["name"]: each["documents"] for each in listed} == counts
    chunks = {name: chunks_of(app, name) for name in allowed}
    sizes = {name: sum(chunks[name][each.source] for each in visible if each.base == name) for name in allowed}
    assert {each["name"]: each["chunks"] for each in listed} == sizes
    assert app.json(RANDOM, "GET", "/health")["documents"] == next(iter(counts.values()), 0)
    for name in BASES:
        response = app.send(RANDOM, "GET", f"/documents?knowledge_base={name}")
        found = app.send(RANDOM, "GET", f"/grep?text=harbour&limit=200&knowledge_base={name}")
        assert (response.status_code, found.status_code) == ((200, 200) if name in allowed else (404, 404))
        if name in allowed:
            expected = sorted(each.source for each in visible if each.base == name)
            assert [each["source"] for each in response.json()["documents"]] == expected
            assert sorted(each["source"] for each in found.json()["lines"]) == expected
            assert found.json()["found"] == len(expected)


def chunks_of(app: KeyedApp, name: str) -> dict[str, int]:
    """The chunks of each document, as a key without limits sees them: its text, and perhaps its front matter."""
    documents = app.json(FREE, "GET", f"/documents?knowledge_base={name}")["documents"]
    return {each["source"]: each["chunks"] for each in documents}


def check_document(app: KeyedApp, document: Document, *, is_visible: bool) -> None:
    source, base = quote(document.source), f"knowledge_base={document.base}"
    status = 200 if is_visible else 404
    for path in (f"/documents/{source}?{base}", f"/text?id={source}&{base}", f"/lines?source={source}&{base}"):
        response = app.send(RANDOM, "GET", path)
        assert response.status_code == status, path
        assert (document.word in response.text) == is_visible


def check_search(
    app: KeyedApp, base: str, question: str, asked: Filter | None, visible: Sequence[Document] | None
) -> None:
    body: dict[str, object] = {"question": question, "knowledge_base": base, "top_k": 50, "explain": True}
    if asked:
        body["filter"] = as_json(asked)
    response = app.send(RANDOM, "POST", "/search", body)
    assert response.status_code == (404 if visible is None else 200), response.text
    if visible is not None:
        expected = {each.source for each in visible if each.base == base and meets(asked, each)}
        assert {hit["source"] for hit in response.json()["hits"]} == expected
        assert {each["source"] for each in response.json()["trace"]["candidates"]} == expected


def check_answers(app: KeyedApp, question: str, hidden: Sequence[str], *, is_limited: bool) -> None:
    everything = {"question": question, "knowledge_base": "all"}
    of_all = app.json(FREE, "POST", "/ask", everything)["trace_id"]  # and so in every cache
    answer = app.send(RANDOM, "POST", "/ask", everything)
    responses = [
        answer,
        app.send(RANDOM, "POST", "/page/ask", everything),
        app.send(RANDOM, "GET", "/page/suggestions?language=en&knowledge_base=all"),
        app.send(RANDOM, "POST", "/retrieval", {"knowledge_id": "other", "query": question}),
        app.send(
            RANDOM,
            "POST",
            "/v1/chat/completions",
            {"model": "zhiwen/all", "messages": [{"role": "user", "content": question}]},
        ),
        app.tool(RANDOM, "search", query=question, knowledge_base="all"),
    ]
    if answer.status_code == 200:
        responses.append(app.send(RANDOM, "GET", f"/traces/{answer.json()['trace_id']}"))
        assert responses[-1].status_code == 200
    for response in responses:
        assert response.status_code in (200, 404), response.text
        assert not [word for word in hidden if word in response.text], response.text
    assert app.send(RANDOM, "GET", f"/traces/{of_all}").status_code == (404 if is_limited else 200)


def as_json(search_filter: Filter) -> object:
    """Return a filter as a request has it."""
    match search_filter:
        case Equals(field, value):
            return {"field": field, "equals": value}
        case In(field, values):
            return {"field": field, "in": list(values)}
        case Prefix(field, value):
            return {"field": field, "prefix": value}
        case Range(field, at_least, at_most):
            bounds = {"at_least": at_least, "at_most": at_most}
            return {"field": field} | {name: bound for name, bound in bounds.items() if bound is not None}
        case All(of) | AnyOf(of):
            return {"all" if isinstance(search_filter, All) else "any": [as_json(each) for each in of]}
        case Not(of):
            return {"not": as_json(of)}


def test_the_json_of_a_filter_is_that_filter() -> None:
    first, second = All((Equals("tags", True), Not(Prefix("source", "hr/")))), AnyOf((In("a", (1,)), Range("a", 1)))
    for each in (first, second):
        assert repr(FilterIn.model_validate(as_json(each)).to_filter()) == repr(each)
