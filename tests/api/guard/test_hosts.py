"""Host names and origins: which requests are meant for the service."""

from urllib.parse import urlsplit

import pytest
from starlette.datastructures import Headers

from api.guard.hosts import Hosts, trusted_hosts
from api.request_errors import ForeignOrigin, UntrustedHost
from rag.serve_settings import ServeSettings
from tests.kit.processes import Server, assert_json_error
from tests.kit.tight_server import QUESTION


@pytest.mark.parametrize("host", ["127.0.0.1:9", "kb.example.com", "KB.Example.com:443"])
def test_a_host_name_of_the_service_is_served(tight: Server, host: str) -> None:
    assert tight.client.get("/status", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.org", "example.com", "example.com.evil.org", "localhost", "", "[::1]:80"])
def test_another_host_name_is_refused_except_for_probes(tight: Server, host: str) -> None:
    message = assert_json_error(tight.client.get("/status", headers={"Host": host}), 400, "untrusted_host")
    assert "serve.trusted_hosts" in message
    assert tight.client.get("/health/live", headers={"Host": host}).status_code == 200


def test_on_loopback_only_its_names_are_trusted_and_elsewhere_any() -> None:
    assert set(trusted_hosts(ServeSettings())) == {"localhost", "127.0.0.1", "::1"}
    assert trusted_hosts(ServeSettings(host="0.0.0.0")) == ("*",)
    assert trusted_hosts(ServeSettings(host="0.0.0.0", trusted_hosts=("KB.example.com",))) == ("kb.example.com",)


def test_only_the_configured_sites_may_call_from_their_pages(tight: Server) -> None:
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed = tight.client.options("/ask", headers={**asking, "Origin": "https://intranet.example.com"})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://intranet.example.com"
    refused = tight.client.get("/status", headers={"Origin": "https://intranet.example.com", "X-API-Key": ""})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://intranet.example.com", "else nobody sees why"
    for headers in ({**asking, "Origin": "https://evil.org"}, {**asking, "Origin": "null"}):
        response = tight.client.options("/ask", headers=headers)
        assert response.status_code == 400
        assert "access-control-allow-origin" not in response.headers


def test_by_default_no_other_site_may_call_and_none_may_change_anything(server: Server) -> None:
    evil = {"Origin": "https://evil.org"}
    assert "access-control-allow-origin" not in server.client.get("/status", headers=evil).headers
    assert_json_error(server.client.post("/ingest", headers=evil), 403, "foreign_origin")
    assert_json_error(server.client.post("/rollback", headers={"Origin": "null"}), 403, "foreign_origin")
    assert_json_error(server.client.get("/status", headers={"Host": "rebound.evil.org"}), 400, "untrusted_host")
    own = {"Origin": server.url}
    assert server.client.post("/search", json={"question": QUESTION}, headers=own).status_code == 200
    for name in ("localhost", "[::1]"):
        assert server.client.get("/status", headers={"Host": f"{name}:{urlsplit(server.url).port}"}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["[::1]evil.example", "[::1]:80evil", "[::1", "::1]", "localhost:80:evil.example", "localhost:evil", "[localhost]"],
)
def test_a_malformed_host_is_refused_whatever_is_trusted(host: str) -> None:
    for settings in (ServeSettings(), ServeSettings(host="0.0.0.0", trusted_hosts=("*",))):
        with pytest.raises(UntrustedHost):
            Hosts(settings, checks_origin=True).check("GET", Headers({"host": host}))


LOADS = [
    {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "empty", "sec-purpose": "prefetch"},  # <link rel=prefetch>
    {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-purpose": "prefetch"},  # speculation rules
    {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "purpose": "prefetch"},
    {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    {"sec-fetch-mode": "navigate", "sec-fetch-dest": "object"},
    {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
    {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"},
    {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "origin": "https://evil.org"},
]


@pytest.mark.parametrize("load", LOADS, ids=str)
def test_a_page_of_another_site_learns_nothing_from_an_open_server(server: Server, load: dict[str, str]) -> None:
    seen = set()
    for path in ("/docs/guides/setup.md", "/docs/nothing.md", "/documents/guides/setup.md", "/status"):
        response = server.client.get(path, headers={"Sec-Fetch-Site": "cross-site", **load})
        assert_json_error(response, 403, "foreign_origin")
        seen.add((response.text, response.headers["cross-origin-resource-policy"]))
    assert len(seen) == 1


@pytest.mark.parametrize(
    "load",
    [
        {},
        {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
        {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", "origin": "app://chat"},
    ],
    ids=str,
)
def test_links_the_page_itself_programs_and_desktop_clients_are_served(server: Server, load: dict[str, str]) -> None:
    assert server.client.get("/docs/guides/setup.md", headers=load).status_code == 200


def test_a_listed_site_may_read_from_its_pages() -> None:
    hosts = Hosts(ServeSettings(cors_origins=("https://chat.example.com",)), checks_origin=True)
    load = {"host": "localhost", "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}
    hosts.check("GET", Headers({**load, "origin": "https://chat.example.com"}))
    hosts.check("OPTIONS", Headers({**load, "origin": "https://chat.example.com"}))
    with pytest.raises(ForeignOrigin):
        hosts.check("GET", Headers({**load, "origin": "https://evil.org"}))
