"""What other programs make of an answer: no link or image leads to an address that is not in a cited passage.

By default a few hundred answers; ZHIWEN_STREAMS=10000 (`make streams`) tries as many as that.
"""

import os

import pytest
from hypothesis import HealthCheck, example, given, settings

from rag.checks.link_filter import LinkFilter
from tests.kit.hostile_addresses import CANARY, LEADS_AWAY, PASSAGE, PLACEHOLDER, hostile_answers, rendered

ANSWERS = int(os.environ.get("ZHIWEN_STREAMS", "300"))
PASSAGES = {
    1: PASSAGE,
    2: "Not cited: https://uncited.test/p",
}
ADDRESSES = {"https://evil.test/p", "https://evil.test/g", "https://evil.test/a_(b)", "mailto:a@evil.test"}


def filtered(text: str) -> str:
    links = LinkFilter(PASSAGES)
    return links.feed(text) + links.finish()


def check(text: str) -> None:
    shown = filtered(text)
    for token in rendered(shown):
        assert token.type != "image", shown
        if token.type.startswith("html"):
            assert PLACEHOLDER.fullmatch(token.content.strip()), shown
        if token.type == "link_open":
            address = str(token.attrs["href"])
            assert address in ADDRESSES or not LEADS_AWAY.match(address), (address, shown)


@settings(max_examples=ANSWERS, deadline=None, suppress_health_check=list(HealthCheck))
@given(hostile_answers())
@example("https://evil.test/p?;_!_';:,~* [1]")
@example("![x](https://evil.test/p) [1]")
@example("<!canary.evil&#46;com> [1]")
@example("https://evil.test/p,<canary [1]")
@example("_canary.evil.com_ [1]")
@example("https&#58;&#47;&#47;evil&#46;test&#47;canary [1]")
def test_nothing_but_an_address_of_a_cited_passage_can_be_followed(text: str) -> None:
    check(text)


@pytest.mark.parametrize(
    "text",
    [
        "中evil.test/p [1]",
        "[1] 见evil.test/p。",
        "[1] 中.evil.test/p",
        "[1] canary|.evil.test/p",
        "[1] canary$evil.test/p",
        "[1] [x]\n\n[x]: https://evil.test/p\u3000canary",
        "[1] [x]\n\n[x]: https:evil.test\u3000&}",
        "[1] [x]\n\n[x]: mailto\\:=\\?canary~|@evil.test",
    ],
)
def test_no_program_takes_other_scripts_or_unusual_signs_for_a_part_of_an_address(text: str) -> None:
    check(text)


@pytest.mark.parametrize("joint", [*"|]^`\\\"';{}。，中é\u3000", "*.", "?!"])
@pytest.mark.parametrize("address", sorted(ADDRESSES))
def test_no_program_takes_more_for_an_address_than_was_checked(address: str, joint: str) -> None:
    check(f"{address}{joint}{CANARY} [1]")


def test_addresses_of_cited_passages_can_be_followed() -> None:
    shown = filtered("evil.test/p, [g](https://evil.test/g)，https://evil.test/a_(b) and <a@evil.test> [1]")
    assert {token.attrs["href"] for token in rendered(shown) if token.type == "link_open"} == ADDRESSES
