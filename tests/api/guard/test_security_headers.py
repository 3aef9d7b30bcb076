"""The security headers of every response."""

import pytest

from tests.kit.processes import Server


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/health", 200),
        ("/nothing", 404),
        ("/api-docs", 200),
        ("/openapi.json", 200),
        ("/", 200),
        ("/health/live", 200),
    ],
)
def test_every_response_has_the_security_headers(server: Server, path: str, status: int) -> None:
    response = server.client.get(path)
    assert response.status_code == status
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["cross-origin-resource-policy"] == "same-origin"
    assert response.headers["cross-origin-opener-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert "strict-transport-security" not in response.headers
    assert "server" not in response.headers


def test_refusals_have_the_security_headers_too(tight: Server) -> None:
    refusals = [
        tight.client.get("/status", headers={"X-API-Key": ""}),
        tight.client.get("/status", headers={"Host": "evil.org"}),
        tight.client.post("/search", content=b" " * 300_000),
    ]
    assert [response.status_code for response in refusals] == [401, 400, 413]
    for response in refusals:
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "no-store"
