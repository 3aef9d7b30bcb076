"""Which proxy of the environment an endpoint is reached through, if any."""

import pytest

from rag.errors import ConfigError
from rag.models.http_route import find_route

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("environment", "address", "proxy"),
    [
        ({}, "https://api.example.com/v1", ""),
        ({"HTTPS_PROXY": "http://10.1.1.1:7890"}, "https://api.example.com/v1", "http://10.1.1.1:7890"),
        ({"HTTPS_PROXY": "10.1.1.1:7890"}, "https://api.example.com/v1", "http://10.1.1.1:7890"),
        ({"https_proxy": ' "http://10.1.1.1:7890" '}, "https://api.example.com/v1", "http://10.1.1.1:7890"),
        ({"ALL_PROXY": "http://10.1.1.1:7890"}, "https://api.example.com/v1", "http://10.1.1.1:7890"),
        ({"HTTP_PROXY": "http://10.1.1.1:7890"}, "https://api.example.com/v1", ""),
        ({"ALL_PROXY": "http://10.1.1.1:7890"}, "http://127.0.0.1:11434/v1", ""),
        ({"ALL_PROXY": "socks5://10.1.1.1:7891"}, "http://localhost:11434/v1", ""),
        ({"ALL_PROXY": "http://10.1.1.1:7890"}, "http://[::1]:11434/v1", ""),
        ({"ALL_PROXY": "http://10.1.1.1:7890", "NO_PROXY": "example.com"}, "https://api.example.com/v1", ""),
        ({"ALL_PROXY": "http://10.1.1.1:7890", "NO_PROXY": "10.0.0.0/8"}, "http://10.0.0.5:8000/v1", ""),
        ({"ALL_PROXY": "http://10.1.1.1:7890", "NO_PROXY": "*"}, "https://api.example.com/v1", ""),
    ],
)
def test_the_environment_decides_and_loopback_is_always_reached_directly(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], address: str, proxy: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert find_route(address).proxy == proxy


def test_the_proxy_is_named_with_its_variable_and_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@10.1.1.1:7890")  # pragma: allowlist secret
    hint = find_route("https://api.example.com/v1").hint
    assert hint == " through the proxy http://10.1.1.1:7890 (HTTPS_PROXY)"


@pytest.mark.parametrize("proxy", ["socks4://10.1.1.1:1", "ftp://10.1.1.1:1", "quic://10.1.1.1:1"])
def test_a_proxy_of_another_kind_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(ConfigError, match=r"^ALL_PROXY: .*must begin with http:// or socks5://$") as caught:
        find_route("https://api.example.com/v1")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("proxy", ["socks5://10.1.1.1:7891", "socks5h://10.1.1.1:7891", "socks://10.1.1.1:7891"])
def test_a_socks_proxy_is_used_or_names_the_extra(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    try:
        assert find_route("https://api.example.com/v1").proxy.endswith("://10.1.1.1:7891")
    except ConfigError as error:
        assert "zhiwen[socks]" in str(error)
        assert "\n" not in str(error)
