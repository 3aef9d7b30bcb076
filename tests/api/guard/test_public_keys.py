"""Public keys: what they open, and for pages of which sites."""

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from api.guard.key_file import keys_of
from api.guard.route_rules import RULES, Rule
from api.http.app import create_app
from api.http.server_context import ServerContext
from ingest.background import IngestRunner
from rag.serve_settings import ServeSettings
from tests.kit.api_keys import key_of
from tests.kit.processes import assert_json_error
from tests.kit.server_events import streamed
from tests.kit.services import UNOPENED, changed, with_settings

SITE, OTHER = "https://docs.example.com", "https://shop.example.com"
SERVE = ServeSettings.model_validate(
    {
        "keys": f"docs:ask:{key_of('docs')} origin={SITE},shop:ask:{key_of('shop')} origin={OTHER},"
        f"desk:ask:{key_of('desk')}",
        "public_requests_per_minute": 200,
    }
)
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


def client_of(serve: ServeSettings) -> TestClient:
    services = changed(UNOPENED, settings=with_settings(UNOPENED, serve=serve))
    app = create_app(services, IngestRunner(), ServerContext(keys=keys_of(serve)))
    return TestClient(app, base_url="http://127.0.0.1")


@pytest.fixture(scope="module")
def client() -> TestClient:
    return client_of(SERVE)


def ask(client: TestClient, key: str = "docs", **headers: str) -> Response:
    """Ask with an empty question, which the answer refuses before it needs a store."""
    return client.post(
        "/widget/ask", json={"question": ""}, headers={"Authorization": f"Bearer {key_of(key)}", **headers}
    )


def test_a_page_of_the_keys_site_may_ask_and_read_the_answer(client: TestClient) -> None:
    preflight = client.options("/widget/ask", headers={**PREFLIGHT, "Origin": SITE})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == SITE
    assert preflight.headers["access-control-allow-headers"] == "Authorization, Content-Type"
    response = ask(client, Origin=SITE)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == SITE
    assert response.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in response.headers
    assert response.headers["cross-origin-resource-policy"] == "same-origin"
    assert [(event.name, event.data) for event in streamed(response)] == [("error", {"code": "question_error"})]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", OTHER, "http://docs.example.com", "null", SITE + ":8443", ""]
)
def test_a_page_of_another_site_may_not_use_the_key(client: TestClient, origin: str) -> None:
    response = ask(client, **({"Origin": origin} if origin else {}))
    message = assert_json_error(response, 403, "foreign_origin")
    assert "docs" in message
    assert response.headers.get("access-control-allow-origin") == (OTHER if origin == OTHER else None)
    if origin != OTHER:  # a site of another key
        assert client.options("/widget/ask", headers={**PREFLIGHT, "Origin": origin}).status_code != 204


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.needs], ids=lambda rule: f"{rule.method} {rule.path}")
def test_a_public_key_opens_the_widget_alone_and_its_site_may_call_nothing_else(client: TestClient, rule: Rule) -> None:
    path = rule.path.replace("{trace_id}", "00").partition("{")[0]
    headers = {"Authorization": f"Bearer {key_of('docs')}", "Origin": SITE}
    if rule.is_public:
        assert (rule.method, rule.path) == ("POST", "/widget/ask")
        return
    response = client.request(rule.method, path, headers=headers)
    assert response.status_code == 403, response.text
    assert "access-control-allow-origin" not in response.headers
    preflight = client.options(
        path, headers={**PREFLIGHT, "Access-Control-Request-Method": rule.method, "Origin": SITE}
    )
    assert "access-control-allow-origin" not in preflight.headers


def test_other_keys_ask_as_ever_and_pages_of_their_sites_are_configured_as_ever() -> None:
    client = client_of(SERVE.model_copy(update={"cors_origins": ("https://intranet.example.com",)}))
    assert ask(client, "desk").status_code == 200
    intranet = client.options("/widget/ask", headers={**PREFLIGHT, "Origin": "https://intranet.example.com"})
    assert intranet.headers["access-control-allow-origin"] == "https://intranet.example.com"
    assert client.options("/widget/ask", headers={**PREFLIGHT, "Origin": SITE}).status_code == 204
    assert client.options("/ask", headers={**PREFLIGHT, "Origin": SITE}).status_code == 400


def test_a_public_key_has_a_limit_of_its_own() -> None:
    client = client_of(SERVE.model_copy(update={"public_requests_per_minute": 2}))
    statuses = [ask(client, Origin=SITE).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    refused = ask(client, Origin=SITE)
    assert refused.headers["access-control-allow-origin"] == SITE, "else the page cannot say why"
    assert refused.headers["access-control-expose-headers"] == "Retry-After"
    assert ask(client, "shop", Origin=OTHER).status_code == 200
    assert [ask(client, "desk").status_code for _ in range(5)] == [200] * 5


def test_only_the_script_may_be_embedded_by_other_sites(client: TestClient) -> None:
    script = client.get("/widget.js")
    assert script.headers["cross-origin-resource-policy"] == "cross-origin"
    assert script.headers["content-type"].startswith("text/javascript")
    for path in ("/", "/static/ask.js", "/instance", "/widget.js/", "/widget"):
        assert client.get(path).headers["cross-origin-resource-policy"] == "same-origin"
