"""A streamed answer links only to addresses of the passages that it cites, however the stream is split."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.checks.foreign_links import LEFT_OUT
from rag.checks.link_filter import LinkFilter
from rag.text.urls import find_spellings, find_urls

PASSAGES = {
    1: "官网是 https://milvus.io/docs/，仓库见 [GitHub](https://github.com/milvus-io/milvus)。![图](img/a.png)",
    2: "Write to http://www.example.org/a?b=c. See <https://pingcap.com> and [guide](guide.md#top). "
    "Mail docs@example.org.",
}
EVIL = "evil.test"

KEPT = [
    "官网是 https://milvus.io/docs/ [1]。",
    "见 [仓库](https://github.com/milvus-io/milvus) [1]。",
    "See <https://pingcap.com> and [the guide](guide.md#top) [2].",
    "`curl https://milvus.io/docs/` [1]",
    "```sh\ncurl https://milvus.io/docs/\n\nls\n``` [1]",
    "- https://milvus.io/docs/\n- 仓库 [1]\n",
    "a < b，List<String> and <your-name> and Vec<T> [1]",
    '`<div class="x">` and `a[0]` and ``x`<br>`` [1]',
    '```html\n<img alt="x">\n``` [1]',
    "a[0]、[1][2]、[1]（注）、好！[1]",
    "官网是 https://milvus.io/docs/，仓库见 [1]",
    "mail docs@example.org or <docs@example.org> [2]",
    "`pip install README.md`",
    "R&D, AT&T; &lt;b&gt; &amp; C:\\a\\b",
    "file.txt? src/main.py:12 and/or config.yaml: x. 1.5/2 v2.5.1 e.g. this",
    "Note: [x] done, [y]: not a definition, at 10:30",
]
CHANGED = [
    ("官网是 https://milvus.io/docs [1]。", "官网是 https://milvus.io/docs/ [1]。"),
    ("官网（milvus.io/docs）[1]", "官网（https://milvus.io/docs/ ）[1]"),
    ("[1] 官网是 www.milvus.io/docs。", "[1] 官网是 https://milvus.io/docs/ 。"),
    ("![图](img/a.png) [1]", " [1]"),
    ('[1] ![图](img/a.png "标题")', "[1] "),
    ("![图][a] ![图]", "! [图][a] ! [图]"),
    ("见 https://milvus.io/docs/?;_!_';:,~* [1]。", "见 https://milvus.io/docs/ ?;_!_';:,~* [1]。"),
    ("见 https://milvus.io/docs/;_!_';:,~* [1]。", "见 https://milvus.io/docs/ ;_!_';:,~* [1]。"),
    ("[x](https://milvus.io/docs/;) [1]", "x [1]"),
    ('[x](milvus.io/docs "secret") [1]', "[x](https://milvus.io/docs/) [1]"),
    ("https://milvus.io/docs/|secret [1]", "https://milvus.io/docs/ |secret [1]"),
    ("**https://milvus.io/docs/**。 [1]", "**https://milvus.io/docs/** 。 [1]"),
    ("<SECRET@evil.test> and SECRET@evil.test", f"{LEFT_OUT} and {LEFT_OUT}"),
    ("见 secret.evil.com 与 README.md。", "见 `secret.evil.com` 与 `README.md`。"),
    ("[secret.evil.com](x)", LEFT_OUT),
    ("https&#58;&#47;&#x2f;evil&period;test&sol;secret", LEFT_OUT),
    ("evil\\.test\\/secret", LEFT_OUT),
    (f"见 [官网](https://{EVIL}/) [1]。", "见 官网 [1]。"),
    (f"见 https://{EVIL}/x?q=1。", f"见 {LEFT_OUT}。"),
    (f"(见 https://{EVIL}/x).", f"(见 {LEFT_OUT})."),
    (f"![](https://{EVIL}/?q=问题)好", "好"),
    (f"好 [![图](https://{EVIL}/a.png)](https://{EVIL}) 吧", "好  吧"),
    (f'<img src="https://{EVIL}/a.png">好', "好"),
    ("这是<b>重点</b>，<script>alert(1)</script>完", "这是重点，alert(1)完"),
    (f"<https://{EVIL}>", LEFT_OUT),
    (f"www.{EVIL}/a 与 //{EVIL}/a 与 {EVIL}/a 与 ftp://{EVIL}", " 与 ".join([LEFT_OUT] * 4)),
    (f'[x]: https://{EVIL} "t"\n[x]', f'[x]: {LEFT_OUT} "t"\n[x]'),
    (f"好 [1](https://{EVIL})。", "好 [1]。"),
    ("[x](javascript:alert(1)) [1]", "x [1]"),
    (f"[x]({EVIL}", "x"),
    (f"[x](\nhttps://{EVIL})", f"x\n{LEFT_OUT})"),
    (f"<img\nsrc=//{EVIL}>", f"< img\nsrc={LEFT_OUT}>"),
    ("<!-- hidden -->好", "好"),
    (f"见 https:\\/\\/{EVIL}/x 与 https\\://{EVIL}/x 。", f"见 {LEFT_OUT} 与 {LEFT_OUT} 。"),
    ("c<d 时", "c < d 时"),
    ("见 https://milvus.io/docs 。", f"见 {LEFT_OUT} 。"),
    ("见 https://milvus.io/docs?leak=1 [1]。", f"见 {LEFT_OUT} [1]。"),
    ("见 https://milvus.io/doc [1]。", f"见 {LEFT_OUT} [1]。"),
    ("见 https://milvus.io/docs [2]。", f"见 {LEFT_OUT} [2]。"),
    (f"https://milvus.io@{EVIL}/docs [1]", f"{LEFT_OUT} [1]"),
    (f"`https://{EVIL}/x`", f"`{LEFT_OUT}`"),
    (f"a `b\n`<img src={EVIL}>`", "a `b\n``"),
]
TEXTS = [*KEPT, *(text for text, _ in CHANGED)]


def filtered(pieces: list[str] | str) -> str:
    links = LinkFilter(PASSAGES)
    return "".join([*map(links.feed, pieces), links.finish()])


@pytest.mark.parametrize("text", KEPT)
def test_links_of_the_cited_passages_and_text_that_is_not_a_link_stay(text: str) -> None:
    assert filtered([text]) == text


@pytest.mark.parametrize(("text", "clean"), CHANGED)
def test_foreign_links_are_left_out(text: str, clean: str) -> None:
    assert filtered([text]) == clean


@pytest.mark.parametrize("text", TEXTS)
def test_it_does_not_matter_where_a_text_is_split(text: str) -> None:
    whole = filtered([text])
    for cuts in itertools.combinations(range(len(text) + 1), 2):
        assert filtered([text[: cuts[0]], text[cuts[0] : cuts[1]], text[cuts[1] :]]) == whole
    assert filtered(text) == whole, "character by character"


fragments = st.lists(
    st.sampled_from(
        ["[", "]", "(", ")", "!", "<", ">", "`", "```", "\n", " ", "/", ":", "//", "https://", "htt", "ps://", "www.",
         "evil.test", "evil", ".test", "/x", "?q=", "<b>", "</b>", "<img src=", "img", "milvus.io/docs", "[1]", "[2]",
         "1", "中", "a", "-", "\\", "=", '"', "<!--", "-->", "[x]:", "javascript:", "~~~", "#",
         "&", ".", "&#46;", "&#", "46;", "@", "?", "*", "evil.com", "。"]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@given(fragments, st.integers(0, 60), st.integers(0, 60))
@example("htt<b></b>ps://evil.test/x", 3, 6)
@example("[1]<b></b>(https://evil.test)", 3, 4)
@example("<im<b>g src=https://evil.test>", 4, 5)
@example("[evil](x).test/path", 3, 4)
def test_it_does_not_matter_how_any_text_is_split(text: str, one: int, two: int) -> None:
    one, two = sorted((one, two))
    assert filtered([text[:one], text[one:two], text[two:]]) == filtered(text) == filtered([text])


@given(fragments, fragments)
@example("WWW.Milvus.io/Docs/", "see https://milvus.io/Docs.")
@example("<a@evil.test>\n", "mailto:a@evil.test")
def test_an_address_waits_for_every_passage_that_has_it(text: str, passage: str) -> None:
    links = LinkFilter({1: passage})
    links.feed(text)
    links._pending_urls = set(find_spellings(text))
    has_one = bool(links._pending_urls & find_spellings(passage).keys())
    assert links._awaits_citation() == (has_one and 1 not in links._cited)


@given(fragments)
@example("<evil.test/>")
def test_no_foreign_address_is_left_and_filtering_twice_changes_nothing(text: str) -> None:
    clean = filtered([text])
    assert not any(EVIL in address for address in find_urls(clean.replace("src=", "")))
    assert filtered([clean]) == clean


def test_text_goes_out_as_soon_as_it_is_certain() -> None:
    links = LinkFilter(PASSAGES)
    assert links.feed("Milvus 是数据库 [1]") == "Milvus 是数据库 "
    assert links.feed("。它") == "[1]。它"
    assert links.feed("的官网") == "的官网"
    assert links.feed("是 https://milvus.io/docs ") == "是 "
    assert links.feed("[1]。\n") == "https://milvus.io/docs/ [1]。\n"
    assert links.finish() == ""


def test_an_address_of_a_passage_waits_for_its_citation_to_the_end_of_the_paragraph() -> None:
    links = LinkFilter(PASSAGES)
    assert links.feed("官网：\nhttps://milvus.io/docs\n") == "官网：\n"
    assert links.feed("见 [1]\n") == "https://milvus.io/docs/\n见 [1]\n"
    late = LinkFilter(PASSAGES)
    assert late.feed("https://pingcap.com\n\n[2]") == f"{LEFT_OUT}\n\n"


@pytest.mark.parametrize(
    "text", ["[" * 3000, "<" * 3000, "![](" * 800, "`" * 3000, "a." * 1500, "a://" * 800, "[[](" * 800]
)
def test_a_text_made_to_be_slow_is_not(text: str) -> None:
    assert filtered([text[:1000], text[1000:]]) is not None
