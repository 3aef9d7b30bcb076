"""A key that is bound to a filter gets the same responses as if the other documents did not exist, on every route."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import httpx2
import pytest

from rag.rights import Grant, Rights
from rag.store.filters import Equals
from rag.store.records import State
from tests.kit.api_keys import key_of
from tests.kit.keyed_app import KeyedApp, keyed_app, lasting
from tests.kit.mcp_requests import mcp_call, mcp_tool
from tests.kit.waiting import eventually

SOME, ALL, BOSS, PROXY, DESK = (key_of(name) for name in ("some", "all", "boss", "proxy", "desk"))
KEYS = ",".join(
    (
        f"some:ask?tags=public:{SOME}",
        f"all:ask:{ALL}",
        f"boss:admin:{BOSS}",
        f"desk:ask@default:{DESK}",
        f"proxy:ask:{PROXY}",
        "staff:ask?tags=public:group",
        "payroll:ask?tags=hr:group",
        "writers:ingest@other:group",
    )
)
STAFF = {"X-Forwarded-Groups": "staff, unknown"}
PNG = b"\x89PNG\r\n\x1a\n"
PUBLIC = {
    "README.md": "---\ntags: [public]\n---\n\n# Harbour\n\nThe harbour pilot boards at buoy seven. See "
    "[pay](hr/pay.md), [[pay]].\n\n![map](map.png)\n\n## Lamps\n\nThe lamp of the harbour burns oil.\n",
    "lamp.md": "---\ntags: public\n---\n\n# Lamp\n\n| Part | Price |\n|---|---|\n| Wick | 4 |\n| Glass | 9 |\n",
    "map.png": PNG + b"a map",
}
SECRET = {
    "hr/pay.md": "---\ntags: [hr]\n---\n\n# Payroll\n\nThe cormorant salary of the harbour pilot is 98765 crowns.\n\n"
    "## Zanzibar ledger\n\n![pay](pay.png)\n\n| Grade | Bonus |\n|---|---|\n| Zanzibar clerk | 4711 |\n",
    "hr/pay.png": PNG + b"cormorant picture",
    "untagged.md": "# Quarantine\n\nThe quarantine harbour is at pier 5150.\n",
    "golden.yaml": "questions:\n  - question: What is the cormorant salary?\n    source: hr/pay.md\n",
}
SECRETS = ("98765", "4711", "Payroll", "Zanzibar clerk", "Zanzibar ledger", "cormorant picture", "uarantine", "5150")
"""What only hidden documents hold, and no request."""
HARBOUR, SALARY = "Where does the harbour pilot board?", "How many crowns is the cormorant salary?"
NOWHERE = "What is the cormorant of Lisbon?"


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedApp]:
    texts = {"default": PUBLIC | SECRET, "other": PUBLIC | SECRET}
    with keyed_app(tmp_path_factory.mktemp("full"), texts, KEYS, proxy_key="proxy") as app:
        yield app


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedApp]:
    """The same without the documents that the key may not see."""
    texts = {"default": PUBLIC, "other": PUBLIC}
    with keyed_app(tmp_path_factory.mktemp("twin"), texts, KEYS, proxy_key="proxy") as app:
        yield app


def completion(typed: str) -> dict[str, object]:
    template = {"type": "ref/resource", "uri": "zhiwen://documents/{+source}"}
    return {"ref": template, "argument": {"name": "source", "value": typed}}


def chat(question: str, model: str = "zhiwen") -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": question}]}


def asked(question: str) -> list[dict[str, object]]:
    everywhere = {"field": "tags", "in": ["hr", "public"]}
    return [
        {"question": question},
        {"question": question, "knowledge_base": "all"},
        {"question": question, "filter": {"any": [everywhere, {"not": everywhere}]}},
        {"question": question, "filter": {"field": "tags", "equals": "hr"}},
        {"question": question, "history": [{"role": "user", "content": SALARY}]},
    ]


QUESTIONS = (SALARY, HARBOUR, "Hello!", NOWHERE)
SOURCES = ("README.md", "lamp.md", "hr/pay.md", "untagged.md", "nothing.md")
REQUESTS: dict[tuple[str, str], list[tuple[str, Any]]] = {
    ("POST", "/ask"): [("/ask", body) for question in QUESTIONS for body in asked(question)]
    + [("/ask", {"question": SALARY, "stream": True})],
    ("POST", "/page/ask"): [("/page/ask", body) for question in QUESTIONS[:2] for body in asked(question)],
    ("POST", "/widget/ask"): [("/widget/ask", {"question": question}) for question in QUESTIONS[:3]],
    ("POST", "/search"): [
        ("/search", body | {"explain": True, "top_k": 50}) for question in QUESTIONS for body in asked(question)[:4]
    ],
    ("POST", "/v1/chat/completions"): [
        ("/v1/chat/completions", chat(question, model))
        for question in QUESTIONS[:2]
        for model in ("zhiwen", "zhiwen/other", "zhiwen/all")
    ],
    ("POST", "/chat/completions"): [("/chat/completions", chat(SALARY))],
    ("POST", "/retrieval"): [
        ("/retrieval", {"knowledge_id": "other", "query": question, "retrieval_setting": {"top_k": 20}})
        for question in QUESTIONS[:2]
    ],
    ("POST", "/mcp"): [
        ("/mcp", mcp_tool(name, **arguments))
        for name, arguments in (
            *(("search", {"query": question, "knowledge_base": "all"}) for question in QUESTIONS[:2]),
            *(("ask", {"question": question}) for question in QUESTIONS[:2]),
            *(("fetch", {"id": source}) for source in SOURCES),
            *(("read_lines", {"source": source}) for source in SOURCES),
            *(("grep", {"text": text, "knowledge_base": "other"}) for text in ("harbour", "cormorant", "*")),
            ("list_documents", {}),
            ("list_knowledge_bases", {}),
        )
    ]
    + [
        ("/mcp", mcp_call(method, **params))
        for method, params in (
            ("resources/list", {}),
            *(("resources/read", {"uri": f"zhiwen://documents/{source}"}) for source in SOURCES),
            *(("completion/complete", completion(typed)) for typed in ("", "pay", "m")),
        )
    ],
    ("GET", "/documents"): [("/documents", None), ("/documents?knowledge_base=other", None)],
    ("GET", "/documents/{source:path}"): [(f"/documents/{source}", None) for source in SOURCES],
    ("GET", "/docs/{source:path}"): [(f"/docs/{source}", None) for source in SOURCES],
    ("GET", "/pictures/{path:path}"): [
        (f"/pictures/{address}", None)
        for address in (
            *("map.png", "pay.png", "hr/pay.png", "pay.png?in=hr", "pay.png?in=hr&shown_by=hr/pay.md", "none.png"),
            *("pay.png?in=hr&shown_by=README.md", "map.png?shown_by=README.md", "hr/pay.png?shown_by=README.md"),
        )
    ],
    ("GET", "/text"): [(f"/text?id={source}", None) for source in SOURCES],
    ("GET", "/lines"): [(f"/lines?source={source}", None) for source in SOURCES],
    ("GET", "/grep"): [(f"/grep?text={text}", None) for text in ("harbour", "cormorant", "5150", "tags")],
    ("GET", "/page/suggestions"): [
        (f"/page/suggestions?language={language}&knowledge_base={name}", None)
        for language in ("en", "zh")
        for name in ("default", "other", "all")
    ],
    ("GET", "/status"): [("/status", None)],
    ("GET", "/health"): [("/health", None)],
    ("GET", "/knowledge-bases"): [("/knowledge-bases", None)],
    ("GET", "/ingest"): [("/ingest", None)],
    ("POST", "/hooks/git/{name}"): [("/hooks/git/other", {"ref": "refs/heads/main"}), ("/hooks/git/nothing", {})],
    ("POST", "/ingest"): [("/ingest", {})],
    ("POST", "/ingest/preview"): [("/ingest/preview", {})],
    ("POST", "/rollback"): [("/rollback", {})],
    ("POST", "/evaluation"): [("/evaluation", {"questions": [{"question": SALARY, "source": "hr/pay.md"}]})],
    ("POST", "/evaluation/draft"): [("/evaluation/draft", {"count": 3})],
    ("GET", "/gaps/stale"): [("/gaps/stale?older_than_days=1", None)],
    ("GET", "/metrics"): [("/metrics", None)],
    ("GET", "/v1/models"): [("/v1/models", None)],
    ("GET", "/models"): [("/models", None)],
    ("GET", "/v1/models/{name:path}"): [("/v1/models/zhiwen/other", None)],
    ("GET", "/models/{name:path}"): [("/models/zhiwen/nothing", None)],
}
"""Requests of each route that could show something of a document."""
WITH_A_TRACE = {("GET", "/traces/{trace_id}"), ("POST", "/feedback")}
WRITTEN_LATER = {("GET", "/gaps"), ("GET", "/page/gaps.csv")}
NO_DOCUMENTS = {
    ("GET", path)
    for path in (
        *("/", "/knowledge", "/unanswered", "/widget.js", "/static/{path:path}", "/openapi.json", "/instance"),
        *("/api-docs", "/api-docs/assets/{path:path}", "/api-docs/oauth2-redirect", "/health/live", "/health/ready"),
    )
}
"""Routes that need no key and are the same for everybody."""
ELSEWHERE = WITH_A_TRACE | WRITTEN_LATER | NO_DOCUMENTS


def test_every_route_of_the_application_has_requests_here(full: KeyedApp) -> None:
    routes = set(full.routes())
    assert routes - REQUESTS.keys() - ELSEWHERE == set(), "add requests of these routes to this test"
    assert (REQUESTS.keys() | ELSEWHERE) - routes == set(), "these routes are gone"


@pytest.mark.parametrize("route", REQUESTS, ids=" ".join)
def test_a_route_answers_as_if_hidden_documents_did_not_exist(
    full: KeyedApp, twin: KeyedApp, route: tuple[str, str]
) -> None:
    method = route[0]
    for path, body in REQUESTS[route]:
        full.send(ALL, method, path, body)  # first, so that what it gets is in every cache
        found = full.send(SOME, method, path, body)
        case = f"{path} {body}"
        assert not [secret for secret in SECRETS if secret in lasting(found)], case
        assert lasting(found) == lasting(twin.send(SOME, method, path, body)), case
    path, body = REQUESTS[route][0]
    as_member = full.send(PROXY, method, path, body, STAFF)
    assert lasting(as_member) == lasting(twin.send(PROXY, method, path, body, STAFF))


def test_a_key_without_a_filter_sees_what_the_test_above_looks_for(full: KeyedApp) -> None:
    texts = {
        route: " ".join(full.send(ALL, route[0], path, body).text for path, body in REQUESTS[route])
        for route in REQUESTS
    }
    shown = {path for (_, path), text in texts.items() if any(secret in text for secret in SECRETS)}
    assert shown >= {
        *(
            "/ask",
            "/page/ask",
            "/widget/ask",
            "/search",
            "/v1/chat/completions",
            "/chat/completions",
            "/retrieval",
            "/mcp",
        ),
        *("/documents", "/documents/{source:path}", "/pictures/{path:path}", "/text", "/lines", "/grep"),
    }


def test_a_trace_is_shown_to_those_alone_who_may_see_what_it_rests_on(full: KeyedApp) -> None:
    def trace(key: str, body: dict[str, object]) -> str:
        return str(full.json(key, "POST", "/ask", body)["trace_id"])

    hidden = [trace(ALL, {"question": SALARY}), trace(ALL, {"question": HARBOUR, "knowledge_base": "all"})]
    own = trace(SOME, {"question": SALARY})
    unknown = lasting(full.send(SOME, "GET", f"/traces/{'0' * 32}"))
    for each in hidden:
        assert lasting(full.send(SOME, "GET", f"/traces/{each}")) == unknown
        assert full.send(SOME, "POST", "/feedback", {"trace_id": each, "rating": "up"}).status_code == 404
        assert full.send(ALL, "GET", f"/traces/{each}").status_code == 200
    shown = full.send(SOME, "GET", f"/traces/{own}")
    assert shown.status_code == 200
    assert not [secret for secret in SECRETS if secret in lasting(shown)]
    assert full.send(SOME, "POST", "/feedback", {"trace_id": own, "rating": "up"}).status_code == 201
    assert full.send(ALL, "GET", f"/traces/{own}").status_code == 200
    payroll = {"X-Forwarded-Groups": "payroll"}
    assert full.send(PROXY, "GET", f"/traces/{own}", headers=STAFF).status_code == 200
    assert full.send(PROXY, "GET", f"/traces/{own}", headers=payroll).status_code == 404


def test_gaps_are_those_of_the_caller_and_lead_to_documents_that_it_may_see(full: KeyedApp, twin: KeyedApp) -> None:
    for app in (full, twin):
        for key in (ALL, SOME):
            app.json(key, "POST", "/ask", {"question": NOWHERE})

    def gaps(app: KeyedApp, path: str) -> str:
        return lasting(app.send(SOME, "GET", path))

    for path in ("/gaps", "/page/gaps.csv"):
        eventually(lambda path=path: gaps(full, path), until=lambda text: NOWHERE in text, message="it is written")
        eventually(lambda path=path: gaps(twin, path), until=lambda text: NOWHERE in text, message="it is written")
        assert not [secret for secret in SECRETS if secret in gaps(full, path)]
    nearest = [each["nearest"] for each in full.json(SOME, "GET", "/gaps")["gaps"]]
    assert {place["source"] for place in nearest if place} <= {"README.md", "lamp.md"}


@pytest.mark.parametrize("name", ["default", "other"])
def test_a_document_shows_its_pictures_and_links_to_what_may_be_seen(full: KeyedApp, name: str) -> None:
    html = full.json(SOME, "GET", f"/documents/README.md?knowledge_base={name}")["html"]
    [address] = re.findall(r'<img[^>]* src="([^"]+)"', html)
    shown = full.send(SOME, "GET", unescape(address))
    assert (shown.status_code, shown.content) == (200, PUBLIC["map.png"])
    assert "pay.md" not in html
    assert "pay.md" in full.json(ALL, "GET", f"/documents/README.md?knowledge_base={name}")["html"]


@pytest.mark.parametrize(
    "send",
    [
        lambda app, name: app.tool(DESK, "fetch", id=f"{name}:README.md"),
        lambda app, name: app.tool(DESK, "read_lines", source="README.md", knowledge_base=name),
        lambda app, name: app.send(
            DESK, "POST", "/mcp", mcp_call("resources/read", uri=f"zhiwen://documents/{name}:a.md")
        ),
        lambda app, name: app.send(DESK, "POST", "/v1/chat/completions", chat(HARBOUR, f"zhiwen/{name}")),
        lambda app, name: app.send(DESK, "GET", f"/v1/models/zhiwen/{name}"),
        lambda app, name: app.send(DESK, "POST", "/retrieval", {"knowledge_id": name, "query": HARBOUR}),
        lambda app, name: app.send(DESK, "POST", "/ask", {"question": HARBOUR, "knowledge_base": name}),
        lambda app, name: app.send(DESK, "GET", f"/documents/README.md?knowledge_base={name}"),
        lambda app, name: app.send(DESK, "GET", f"/pictures/map.png?knowledge_base={name}"),
        lambda app, name: app.send(DESK, "GET", f"/gaps?knowledge_base={name}"),
        lambda app, name: app.send(DESK, "POST", f"/hooks/git/{name}", {}),
    ],
)
def test_a_hidden_knowledge_base_is_like_one_that_does_not_exist(
    full: KeyedApp, send: Callable[[KeyedApp, str], httpx2.Response]
) -> None:
    hidden, unknown = (lasting(send(full, name)).replace(name, "NAME") for name in ("other", "nope"))
    assert hidden == unknown


def test_a_person_may_see_what_all_their_groups_may_see_together(full: KeyedApp) -> None:
    def sources(groups: str) -> set[str]:
        response = full.send(PROXY, "GET", "/documents", headers={"X-Forwarded-Groups": groups})
        return {each["source"] for each in response.json()["documents"]}

    assert sources("staff") == {"README.md", "lamp.md"}
    assert sources("payroll") == {"hr/pay.md"}
    assert sources("payroll,staff") == {"README.md", "lamp.md", "hr/pay.md"}


def test_a_person_ingests_only_what_their_groups_may_see_all_of(full: KeyedApp) -> None:
    writer = {"X-Forwarded-Groups": "staff,writers"}
    for path in ("/ingest", "/ingest/preview"):
        refused = full.send(PROXY, "POST", path, {}, writer)
        assert refused.status_code == 403
        assert "may not ingest" in refused.text
    preview = full.send(PROXY, "POST", "/ingest/preview", {"knowledge_base": "other"}, writer)
    assert preview.json()["unchanged"] == 4
    with pytest.raises(TypeError):
        full.services.limited(Rights((Grant(None, Equals("tags", "x")),))).of("other").store.publish(State(2, 2, ()))


@pytest.mark.parametrize("headers", [{}, {"X-Forwarded-Groups": ""}, {"X-Forwarded-Groups": "nobody, some, boss"}])
def test_a_person_in_no_known_group_sees_nothing(full: KeyedApp, headers: dict[str, str]) -> None:
    response = full.send(PROXY, "GET", "/documents", headers=headers)
    assert response.status_code == 403
    assert "none of your groups may use this service" in response.text


def test_other_keys_cannot_name_a_group(full: KeyedApp) -> None:
    listed = full.send(SOME, "GET", "/documents", headers={"X-Forwarded-Groups": "payroll"}).json()["documents"]
    assert {each["source"] for each in listed} == {"README.md", "lamp.md"}
