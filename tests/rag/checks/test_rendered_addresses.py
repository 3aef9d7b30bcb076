"""What other programs make of an answer: no link or image leads to an address that is not in a cited passage.

The programs are stood for by markdown-it, which makes links of everything that looks like one: addresses, names of
hosts, mailboxes. By default a few hundred answers; ZHIWEN_STREAMS=10000 (`make streams`) tries as many as that.
"""

import os
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from linkify_it import LinkifyIt
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rag.checks.link_filter import LinkFilter

ANSWERS = int(os.environ.get("ZHIWEN_STREAMS", "300"))
CANARY = "canary"
PASSAGES = {
    1: "See https://evil.test/p, [guide](https://evil.test/g) and <https://evil.test/a_(b)>, or mail a@evil.test.",
    2: "Not cited: https://uncited.test/p",
}
ADDRESSES = {"https://evil.test/p", "https://evil.test/g", "https://evil.test/a_(b)", "mailto:a@evil.test"}

PLACEHOLDER = re.compile(r"</?canary/?>")
"""Text such as `<your-name>`, which is no element of HTML, stays."""
LEADS_AWAY = re.compile(r"[a-z][a-z0-9+.-]*:|[/\\]{2}", re.IGNORECASE)


def renderer() -> MarkdownIt:
    found = MarkdownIt("gfm-like", {"html": True})
    assert isinstance(found.linkify, LinkifyIt)
    return found


RENDERER = renderer()


def tokens(text: str) -> Iterator[Token]:
    for token in RENDERER.parse(text):
        yield token
        yield from token.children or ()


def filtered(text: str) -> str:
    links = LinkFilter(PASSAGES)
    return links.feed(text) + links.finish()


def check(text: str) -> None:
    shown = filtered(text)
    for token in tokens(shown):
        assert token.type != "image", shown
        if token.type.startswith("html"):
            assert PLACEHOLDER.fullmatch(token.content.strip()), shown
        if token.type == "link_open":
            address = str(token.attrs["href"])
            assert address in ADDRESSES or not LEADS_AWAY.match(address), (address, shown)


def encoded(char: str) -> st.SearchStrategy[str]:
    code = ord(char)
    return st.sampled_from([char, char, char, f"&#{code};", f"&#x{code:x};", f"&#0{code};", f"\\{char}", f"%{code:x}"])


ways_in = st.sampled_from(
    ["https://evil.test/p{}", "https://evil.test/p{}canary", "https://evil.test/{}", "http://{}.evil.test",
     "//evil.test/p{}",
     "www.evil.test/{}", "evil.test/p?q={}", "{}.evil.com", "{}@evil.test", "a{}@evil.test", "mailto:{}@evil.test",
     "ftp://evil.test/{}",
     "https://evil.test/a_(b){}", "https://evil.test/a_(b{}", "https://uncited.test/p", "HTTPS://EVIL.TEST/p{}",
     "https://evil.test:80/p{}",
     "https://x:{}@evil.test/p", "https://evil.test/g#{}", "https://evil.test/p/{}/", "evil.com?{}", "evil.com#{}"]
)  # fmt: skip
joints = st.sampled_from([*"|]^`\\\"';:,~*!?_-.)}{<>[(\n\t =&。，）中é", "", "?;_!_';:,~*", "*.", "&", "\\", "\u3000"])
places = st.sampled_from(
    ["{}", "[x]({})", "![x]({})", "<{}>", "[x](<{}>)", '[x]({} "t")', "![x][r]\n\n[r]: {}",
     "[r]\n\n[r]: {} 'canary'", "`{}", "`{}`", "``{}`",
     "**{}**", "_{}_", "({})", "（{}）", "| {} |\n|---|\n| {} |", '<img src="{}">', "<a href={}>x</a>",
     "[{}](https://evil.test/p)", "[![x]({})]({})",
     "- {}", "> {}", "# {}", "~~{}~~", "x{}", "中{}", "[x]: {}", "[x\ny]({})", "![x\ny]({})", "\\{}", "&#104;{}",
     "[x][y]({})", "![[x]]({})"]
)  # fmt: skip
joined = st.lists(joints, max_size=3).map("".join)


@st.composite
def hostile_answers(draw: st.DrawFn) -> str:
    secret = draw(joined) + draw(st.sampled_from([CANARY, ""])) + draw(joined)
    address = draw(ways_in).replace("{}", secret)
    written = "".join(draw(encoded(char)) if char in ":/.@?" else char for char in address)
    place = draw(places).replace("{}", written)
    return draw(st.sampled_from(["{} [1]", "[1] {}", "{}[1]", "[1]\n\n{}", "{}\n[1]"])).replace("{}", place)


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


@pytest.mark.parametrize("joint", [*"|]^`\\\"';{}。，中é\u3000", "*.", "?!"])
@pytest.mark.parametrize("address", sorted(ADDRESSES))
def test_no_program_takes_more_for_an_address_than_was_checked(address: str, joint: str) -> None:
    check(f"{address}{joint}{CANARY} [1]")


def test_addresses_of_cited_passages_can_be_followed() -> None:
    shown = filtered("evil.test/p, [g](https://evil.test/g)，https://evil.test/a_(b) and <a@evil.test> [1]")
    assert {token.attrs["href"] for token in tokens(shown) if token.type == "link_open"} == ADDRESSES
