"""An address is one of a site only if a request for it reaches that host and port."""

import pytest

from rag.web_address import on_site, page_address

SITE = "https://docs.example.com"


@pytest.mark.parametrize(
    "url",
    [
        "https://docs.example.com.evil.test/",
        "https://docs.example.com@evil.test/",
        "https://evil.test\\@docs.example.com/",
        "https://docs.example.com\\.evil.test/",
        "https://docs.example.com:8443/",
        "http://docs.example.com:443/",
        "//evil.test/a",
        "ht\ntps://evil.test/",
        "https://docs.example.com.:443/",
        "ftp://docs.example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://[::1/",
        f"https://docs.example.com/{'a' * 3000}",
    ],
)
def test_what_leads_elsewhere_is_not_on_the_site(url: str) -> None:
    assert not on_site(page_address(url, f"{SITE}/guide/"), SITE)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("", f"{SITE}/guide/"),
        ("\\\\evil.test/a", f"{SITE}/guide/%5C%5Cevil.test/a"),
        ("https:///evil.test", f"{SITE}/evil.test"),
        ("?a=b&c", f"{SITE}/guide/?a=b&c"),
        ("../a b", f"{SITE}/a%20b"),
        ("/%e9%83%a8", f"{SITE}/%E9%83%A8"),
        ("/部署", f"{SITE}/%E9%83%A8%E7%BD%B2"),
        ("http://docs.example.com/a", f"{SITE}/a"),
    ],
)
def test_one_page_has_one_address(url: str, address: str) -> None:
    assert on_site(page_address(url, f"{SITE}/guide/"), SITE) == address
