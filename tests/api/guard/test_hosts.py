"""Host names and origins: which requests are meant for the service."""

from urllib.parse import urlsplit

import pytest

from api.guard.hosts import trusted_hosts
from rag.settings import ServeSettings
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
