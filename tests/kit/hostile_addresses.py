"""Hostile answers: the ways to put a secret into an address, how to write it, and where; and what clients make of it.

The clients are stood for by markdown-it, which makes links of everything that looks like one: addresses, names of
hosts, mailboxes.
"""

import re
from collections.abc import Iterator

from hypothesis import strategies as st
from linkify_it import LinkifyIt
from markdown_it import MarkdownIt
from markdown_it.token import Token

CANARY = "canary"
PASSAGE = "See https://evil.test/p, [guide](https://evil.test/g) and <https://evil.test/a_(b)>, or mail a@evil.test."
"""What the hostile addresses are made from: a passage that has these may be cited."""
PLACEHOLDER = re.compile(r"</?(?:canary|beacon[-\w]*)/?>")
"""Text such as `<your-name>`, which is no element of HTML, stays."""
LEADS_AWAY = re.compile(r"[a-z][a-z0-9+.-]*:|[/\\]{2}", re.IGNORECASE)


def _renderer() -> MarkdownIt:
    found = MarkdownIt("gfm-like", {"html": True})
    assert isinstance(found.linkify, LinkifyIt)
    return found


_RENDERER = _renderer()


def rendered(text: str) -> Iterator[Token]:
    """What a client makes of a text, as tokens."""
    for token in _RENDERER.parse(text):
        yield token
        yield from token.children or ()


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
def hostile_places(draw: st.DrawFn, canary: str = CANARY) -> str:
    """A hostile address with a canary, written somehow, somewhere."""
    secret = draw(joined) + draw(st.sampled_from([CANARY, ""])) + draw(joined)
    address = draw(ways_in).replace("{}", secret)
    written = "".join(draw(encoded(char)) if char in ":/.@?" else char for char in address)
    return draw(places).replace("{}", written).replace(CANARY, canary)


@st.composite
def hostile_answers(draw: st.DrawFn) -> str:
    """An answer with a hostile address and a citation."""
    return draw(st.sampled_from(["{} [1]", "[1] {}", "{}[1]", "[1]\n\n{}", "{}\n[1]"])).replace(
        "{}", draw(hostile_places())
    )
