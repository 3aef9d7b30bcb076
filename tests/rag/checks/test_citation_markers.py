"""Only markers that were offered get through, however a text is split."""

import itertools
import random
from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.checks.citation_markers import MarkerFilter, cited_numbers

OFFERED = (1, 2, 3, 12)

TEXTS = [
    "Ollama 是平台 [1]。",
    "Ollama 是平台[12]，可以本地部署[1][2]。",
    "两种写法【2】与［3］。",
    "Both [1, 2] and [1，3] and [2、12] and [1;3].",
    "Spaces [ 1 ] and tabs\t[2] and [\n3 ].",
    "Footnotes [^1] and [^99].",
    "Unoffered [99], [0], [1, 99], [98][99].",
    "Mixed brackets [1】 and 【2] and ［12].",
    "[not a marker] and [1 not either] and [link](https://a.cn/?b[0]=c).",
    "The array a[0] and a[1] and a[i] and [].",
    "It ends with a bracket [",
    "It ends with half a marker [1",
    "It ends with white space [1]   ",
    "[[1]] and [[99]] and [1[2]3].",
    "Long numbers [12345] and [123456789].",
    "full width [１] and [１２]",
    "[1]",
    "",
    " [99] ",
    "line one [1]\n\n- item [2]\n- item [99]\n",
]


def filtered(pieces: Iterable[str], offered: tuple[int, ...] = OFFERED) -> str:
    markers = MarkerFilter(offered)
    return "".join([*(markers.feed(piece) for piece in pieces), markers.finish()])


def pieces_of(text: str, cuts: Iterable[int]) -> list[str]:
    bounds = [0, *sorted(cuts), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(bounds)]


MARKER_PIECES = ["[", "]", "【", "】", "［", "］", "1", "2", "12", "99", "９", ",", "、", " ", "^", "\n", "a", "。"]
marker_like = st.lists(st.sampled_from(MARKER_PIECES), max_size=20).map("".join)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("平台 [1]。", "平台 [1]。"),
        ("平台[1]。", "平台 [1]。"),
        ("平台   [1]。", "平台 [1]。"),
        ("平台【1】［2］", "平台 [1] [2]"),
        ("a [1][2]", "a [1] [2]"),
        ("a [1, 2]", "a [1][2]"),
        ("a [1，2、3；12]", "a [1][2][3][12]"),
        ("a [^1]", "a [1]"),
        ("a [１]", "a [1]"),
        ("a [99].", "a."),
        ("a [0].", "a."),
        ("a [1, 99].", "a [1]."),
        ("a [98, 99].", "a."),
        ("[not a marker]", "[not a marker]"),
        ("a[i]", "a[i]"),
        ("half [1", "half [1"),
        ("half [", "half ["),
    ],
)
def test_markers_come_out_in_one_form_and_only_if_offered(text: str, clean: str) -> None:
    assert filtered([text]) == clean


@pytest.mark.parametrize("text", TEXTS)
def test_it_does_not_matter_where_a_text_is_split(text: str) -> None:
    whole = filtered([text])
    for cut in range(len(text) + 1):
        assert filtered(pieces_of(text, [cut])) == whole
    for cuts in itertools.combinations(range(len(text) + 1), 2):
        assert filtered(pieces_of(text, cuts)) == whole
    assert filtered(text) == whole, "character by character"


@given(marker_like, st.sets(st.integers(0, 60)))
def test_it_does_not_matter_how_any_text_is_split(text: str, cuts: set[int]) -> None:
    assert filtered(pieces_of(text, (cut for cut in cuts if cut <= len(text)))) == filtered([text])


@pytest.mark.parametrize(
    "text",
    [
        "a [" + ", ".join(str(number) for number in range(1, 31)) + "]",
        "a" + " " * 80 + "[1]",
        "a [1" + " " * 80 + "]",
        "a [" + " " * 80 + "99]",
    ],
    ids=["thirty numbers", "white space before", "white space after", "white space within"],
)
def test_it_does_not_matter_where_a_very_long_marker_is_split(text: str) -> None:
    offered = tuple(range(1, 31))
    assert filtered(text, offered) == filtered([text], offered)


@given(marker_like | st.text(max_size=40), st.sets(st.integers(0, 40)))
@example("[9[0]9]", set())
@example("[9 [98]9]", {3})
@example("see [10054]", set())
def test_no_marker_that_was_not_offered_gets_through(text: str, cuts: set[int]) -> None:
    clean = filtered(pieces_of(text, (cut for cut in cuts if cut <= len(text))))
    assert set(cited_numbers(clean)) <= set(OFFERED)


def test_ten_thousand_streams_show_no_marker_that_was_not_offered() -> None:
    """The same ten thousand each time; without hypothesis, which takes a hundred times as long for so many."""
    rng = random.Random(7)  # noqa: S311  (no secret)
    for _ in range(10_000):
        text = "".join(rng.choices(MARKER_PIECES, k=rng.randint(0, 20)))
        size = rng.randint(1, 5)
        clean = filtered(text[start : start + size] for start in range(0, len(text), size))
        assert set(cited_numbers(clean)) <= set(OFFERED), (text, size)


@given(st.text(alphabet=st.characters(exclude_characters="[【［ \t"), max_size=80), st.integers(1, 7))
def test_a_text_without_markers_passes_unchanged(text: str, size: int) -> None:
    assert filtered(text[start : start + size] for start in range(0, len(text), size)) == text


def test_white_space_that_precedes_no_marker_stays() -> None:
    for text in ("a  b\t c ", "  indented\n    code\n", "trailing   "):
        assert filtered(text) == filtered([text]) == text


def test_text_goes_out_as_soon_as_it_is_certain() -> None:
    markers = MarkerFilter(OFFERED)
    assert markers.feed("Ollama 是平台") == "Ollama 是平台"
    assert markers.feed(" [") == ""
    assert markers.feed("1") == ""
    assert markers.feed("] 。") == " [1] 。"
    assert markers.finish() == ""


def test_a_bracket_that_opens_no_marker_is_not_held_back() -> None:
    markers = MarkerFilter(OFFERED)
    assert markers.feed("[x") == "[x"
    assert markers.feed("[1 x") == "[1 x"


def test_a_bracket_that_never_closes_is_not_held_back_for_ever() -> None:
    markers = MarkerFilter(OFFERED)
    assert sum(len(markers.feed(piece)) for piece in ["[", *["1, "] * 1000]) > 1000


def test_numbers_are_listed_in_order_of_appearance_each_once() -> None:
    assert cited_numbers("b [2] a [1][3] again [2]") == [2, 1, 3]
    assert cited_numbers("none") == []
