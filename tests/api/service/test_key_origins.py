"""The origins of a public key, as they stand in its entry."""

import pytest

from api.guard.key_file import keys_of, line_of
from api.service.key_origins import split_origins
from rag.errors import ConfigError
from rag.serve_settings import ServeSettings
from tests.kit.api_keys import KEYS

SITE, LOCAL = "https://docs.example.com", "http://localhost:3000"


def public_keys(entries: str) -> ServeSettings:
    return ServeSettings.model_validate({"keys": entries})


def test_origins_stand_behind_the_key_in_the_environment_and_in_a_line() -> None:
    ring = keys_of(
        public_keys(f"docs:ask:{KEYS['ask']} origin={SITE} origin={LOCAL}, ops:admin:{KEYS['admin']}"),
    )
    docs, ops = ring.find(KEYS["ask"]), ring.find(KEYS["admin"])
    assert docs
    assert ops
    assert (docs.origins, ops.origins) == ({SITE, LOCAL}, set())
    assert ring.origins == {SITE, LOCAL}
    line = line_of("docs", ["ask"], KEYS["ask"], ["handbook"], ["tags=a b"], [SITE, LOCAL])
    assert line.endswith(f" origin={SITE} origin={LOCAL}")
    assert split_origins(line, "")[1] == {SITE, LOCAL}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("https://Docs.Example.com/", SITE),
        ("https://docs.example.com:443", SITE),
        ("http://docs.example.com:8080", "http://docs.example.com:8080"),
        ("http://docs.example.com:0", "http://docs.example.com:0"),
        ("https://文档.example", "https://xn--7dvp7d.example"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_an_origin_is_written_as_browsers_send_it(given: str, sent: str) -> None:
    assert split_origins(f"docs:ask:k origin={given}", "")[1] == {sent}


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "*",
        "null",
        "docs.example.com",
        "https://",
        "https://*.example.com",
        "https://a.example/docs",
        "https://a.example?q",
        "https://u:p@a.example",
        "https://a.example:port",
        "https://a..example",
        "ftp://a.example",
    ],
)
def test_what_is_no_origin_is_refused_with_the_way_to_write_it(origin: str) -> None:
    with pytest.raises(ConfigError, match=r"like https://docs\.example\.com") as caught:
        keys_of(public_keys(f"docs:ask:{KEYS['ask']} origin={origin}"))
    assert KEYS["ask"] not in str(caught.value)


def test_a_blank_in_an_origin_is_refused_and_does_not_become_a_part_of_the_key() -> None:
    with pytest.raises(ConfigError, match=r"like https://docs\.example\.com"):
        line_of("docs", ["ask"], KEYS["ask"], origins=["https://docs example.com"])


@pytest.mark.parametrize("scopes", ["ingest", "admin", "ask+metrics"])
def test_a_public_key_opens_nothing_but_asking(scopes: str) -> None:
    with pytest.raises(ConfigError, match="a key with the scope ask alone"):
        keys_of(public_keys(f"docs:{scopes}:{KEYS['ask']} origin={SITE}"))
    with pytest.raises(ConfigError, match="a key with the scope ask alone"):
        line_of("docs", scopes.split("+"), KEYS["ask"], origins=[SITE])
