"""People behind a proxy that signs them in: their names, and the headers that count."""

from starlette.datastructures import Headers

from api.guard.keys import Group, Key, KeyRing
from api.guard.trusted_proxy import TrustedProxy, person_of
from api.request_errors import ScopeMissing
from rag.rights import Grant, Rights
from rag.store.filters import Equals

PROXY = TrustedProxy("sso", "Remote-Groups", "Remote-User")
SSO = Key("sso", frozenset({"ask"}), b"")
STAFF = Group("staff", frozenset({"ask"}), Rights((Grant(None, Equals("tags", "public")),)))
WRITERS = Group("writers", frozenset({"ask", "ingest"}), Rights((Grant(frozenset({"handbook"})),)))
RING = KeyRing([SSO], [STAFF, WRITERS])


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


def test_nobody_is_in_a_group_that_two_headers_name() -> None:
    assert person(("Remote-Groups", "staff"), ("Remote-Groups", "writers")) is None
    assert person(("X-Forwarded-Groups", "staff")) is None
    assert person() is None
