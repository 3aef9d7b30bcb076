"""People behind a proxy that signs them in: their names, and the headers that count."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.datastructures import Headers

from api.guard.key_file import add_line, keys_of, line_of
from api.guard.keys import Group, Key, KeyRing
from api.guard.trusted_proxy import TrustedProxy, person_of
from api.request_errors import ScopeMissing
from api.service.key_entries import GROUP, parse_entry
from rag.errors import ConfigError
from rag.rights import Grant, Rights
from rag.serve_settings import ServeSettings
from rag.store.filters import Equals
from tests.kit.api_keys import key_of

PROXY = TrustedProxy("sso", "Remote-Groups", "Remote-User")
SSO = Key("sso", frozenset({"ask"}), b"")
STAFF = Group("staff", frozenset({"ask"}), Rights((Grant(None, Equals("tags", "public")),)))
WRITERS = Group("writers", frozenset({"ask", "ingest"}), Rights((Grant(frozenset({"handbook"})),)))
NAMES = ("/研发/平台组", "CN=Staff,OU=Berlin HQ", "CN=Staff", "kb:read 100%", "#ops")
OTHERS = [
    Group(name, frozenset({"ask"}), Rights((Grant(frozenset({f"kb{number}"})),))) for number, name in enumerate(NAMES)
]
RING = KeyRing([SSO], [STAFF, WRITERS, *OTHERS])


def person(*headers: tuple[str, str]) -> Key | None:
    given = Headers(raw=[(name.lower().encode(), value.encode()) for name, value in headers])
    try:
        return person_of(SSO, given, PROXY, RING)
    except ScopeMissing:
        return None


def test_a_person_has_the_rights_of_all_their_groups_under_their_own_name() -> None:
    found = person(("Remote-Groups", "writers, staff,writers, others"), ("Remote-User", "wei@example.com"))
    assert found
    assert found.name == "sso/wei@example.com"
    assert found.opens == {"ask", "ingest"}
    assert found.rights == Rights((*WRITERS.rights.grants, *STAFF.rights.grants))


def test_two_people_never_have_one_name() -> None:
    names = [person(("Remote-Groups", "staff"), ("Remote-User", "x" * 80 + end)) for end in "ab"]
    first, second = (each.name for each in names if each)
    assert first != second
    assert len(first) == len(second) == 64
    unnamed = person(("Remote-Groups", "staff"))
    assert unnamed
    assert unnamed.name == "sso/staff"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("/研发/平台组, kb:read 100%", [0, 3]),
        ("#ops,CN=Staff, OU=Berlin HQ,CN=Staff", [4, 1, 2]),
        ("CN=Staff,OU=Berlin", [2]),
        ("OU=Berlin HQ,CN=Staff", [2]),
        ("/研发", None),
    ],
)
def test_groups_have_the_names_that_providers_give_them(given: str, expected: list[int] | None) -> None:
    found = person(("Remote-Groups", given), ("Remote-User", "李雷"))
    if expected is None:
        assert found is None
        return
    assert found
    assert found.name == "sso/李雷"
    assert found.rights.grants == tuple(OTHERS[number].rights.grants[0] for number in expected)


@pytest.mark.parametrize("name", NAMES)
def test_such_a_name_stands_in_the_file_and_in_the_environment(name: str, tmp_path: Path) -> None:
    line = line_of(name, ["ask"], GROUP)
    add_line(tmp_path / "keys.txt", name, line)
    with pytest.raises(ConfigError, match="already has a key named"):
        add_line(tmp_path / "keys.txt", name, line)
    sso = f"sso:ask:{key_of('sso')}"
    places = [
        ServeSettings(keys_file=str(tmp_path / "keys.txt"), keys=SecretStr(sso), proxy_key="sso"),
        ServeSettings(keys=SecretStr(f"{sso},{line}"), proxy_key="sso"),
    ]
    for settings in places:
        assert keys_of(settings).find_group(name)


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201, "a%0Ab", "\u202e", "a\u2028b"])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"the name of a group has at most 200 printable characters, with %3A"):
        parse_entry(f"{name}:ask:group", "keys.txt:1")


def test_nobody_is_in_a_group_that_two_headers_name() -> None:
    assert person(("Remote-Groups", "staff"), ("Remote-Groups", "writers")) is None
    assert person(("X-Forwarded-Groups", "staff")) is None
    assert person() is None
