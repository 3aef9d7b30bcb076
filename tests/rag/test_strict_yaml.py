import contextlib
import datetime

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rag import strict_yaml
from rag.strict_yaml import MAX_BYTES, MAX_DEPTH, StrictYAMLError

ALIAS_BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

REFUSED = {
    "100 KB of opening brackets": "[" * 100_000,
    "60 KB of opening brackets": "[" * 60_000,
    "60 KB of opening braces": "{" * 60_000,
    "60 KB of nested list items": "- " * 30_000,
    "60 KB of nested complex keys": "? " * 30_000,
    "60 KB of nested mappings": "{a: " * 15_000,
    "deep indentation": "\n".join(" " * depth + "a:" for depth in range(300)),
    "an alias bomb": ALIAS_BOMB,
    "an alias": "a: &x 1\nb: *x",
    "an alias to what it stands in": "&x [*x]",
    "a merge key": "a: &x {b: 1}\nc:\n  <<: *x",
    "a merge key without an alias": "<<: {b: 1}",
    "a duplicate key": "a: 1\nb: 2\na: 3",
    "a duplicate key in flow style": "{a: 1, a: 2}",
    "a duplicate key deep down": "a:\n  - b: {c: 1, c: 2}",
    "a list as a key": "? [a]\n: 1",
    "a mapping as a key": "? {a: 1}\n: 1",
    "two documents": "a: 1\n---\nb: 2",
    "a Python object": "!!python/object/apply:os.system [ls]",
    "a Python name": "!!python/name:os.system",
    "an unknown tag": "a: !secret x",
    "an unclosed bracket": "a: [1, 2",
    "an unclosed quotation": 'a: "x',
    "a tab as indentation": "a:\n\t- b",
    "a control character": "a: \x07",
    "a NUL": "a: \0",
    "a date that does not exist": "a: 2024-02-30",
    "an integer of 5,000 digits": "a: " + "1" * 5000,
    "a float out of range in base 60": "a: " + "1:" * 20_000 + "1.5",
    "a character out of range": 'a: "\\UFFFFFFFF"',
    "a future version": "%YAML 3.0\n---\na: 1",
    "more than 64 KiB": "a: " + "x" * MAX_BYTES,
    "more than 64 KiB in Chinese": "a: " + "汉" * (MAX_BYTES // 3),
}

SLOW_TO_PARSE = {
    "many flow items": "[" + "a," * 30_000 + "]",
    "many keys": "\n".join(f"k{number}: 1" for number in range(6000)),
    "many equal keys": "k: 1\n" * 12_000,
    "a text of many lines": "a\n" * 30_000,
    "a quotation of many escapes": '"' + "\\x41" * 15_000 + '"',
    "a number in base 60": "a: 1" + ":10" * 20_000,
    "a number of 60,000 hex digits": "a: 0x" + "f" * 60_000,
    "blank lines": "\n" * 65_000,
    "comments": "#\n" * 32_000,
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_plain_yaml_is_refused_in_one_short_line(text: str) -> None:
    with pytest.raises(StrictYAMLError) as caught:
        strict_yaml.load(text)
    assert str(caught.value).strip()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


TAGS = {
    "a set": "!!set {a, b}",
    "an ordered map": "!!omap [a: 1]",
    "pairs": "!!pairs [a: 1]",
    "binary": "!!binary aGVsbG8=",
    "a blank integer": 'a: !!int ""',
    "a blank float": 'a: !!float ""',
    "a word as a boolean": 'a: !!bool "x"',
    "a word as a time": 'a: !!timestamp "x"',
    "a set through a tag directive": "%TAG ! tag:yaml.org,2002:\n--- !set\n{a, b}",
}


@pytest.mark.parametrize("text", TAGS.values(), ids=TAGS.keys())
def test_explicit_tags_are_refused(text: str) -> None:
    """The module's first line: no tags. Each of these leaves scalars, lists and mappings, or PyYAML's own errors."""
    with pytest.raises(StrictYAMLError):
        strict_yaml.load(text)


@pytest.mark.parametrize("text", ['a: "\\ud800"', '"\\udfff": 1', '- "\\ud83d"'])
def test_half_a_surrogate_pair_is_refused(text: str) -> None:
    """It has no UTF-8 form, so nothing that comes after could store, hash or print it."""
    with pytest.raises(StrictYAMLError):
        strict_yaml.load(text)


@pytest.mark.timeout(60)  # what grows with the square would take longer
@pytest.mark.parametrize("text", SLOW_TO_PARSE.values(), ids=SLOW_TO_PARSE.keys())
def test_64_kib_of_anything_come_to_an_end(text: str) -> None:
    with contextlib.suppress(StrictYAMLError):
        strict_yaml.load(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: 1\nb: 2\na: 3", 3), ("a: 1\nb: [", 2), ("a: &x 1\n\nb: *x", 3), ("a: 1\nb: !secret x", 2)],
)
def test_the_message_names_the_line(text: str, line: int) -> None:
    with pytest.raises(StrictYAMLError, match=rf"line {line}\b"):
        strict_yaml.load(text)


def test_the_message_names_the_key_that_appears_twice() -> None:
    with pytest.raises(StrictYAMLError, match="'chat' appears twice"):
        strict_yaml.load("chat: 1\nchat: 2")


@pytest.mark.parametrize("text", [text for name, text in REFUSED.items() if name not in {
    "a merge key without an alias", "a date that does not exist", "an integer of 5,000 digits",
}] + list(TAGS.values()))  # fmt: skip
def test_nodes_are_as_strict_as_values(text: str) -> None:
    with pytest.raises(StrictYAMLError):
        strict_yaml.compose(text)


def test_nodes_keep_scalars_as_written_and_their_lines() -> None:
    node = strict_yaml.compose("version: 1.10\n\nday: 2024-02-30\n")
    assert isinstance(node, yaml.MappingNode)
    assert [(key.value, value.value, key.start_mark.line) for key, value in node.value] == [
        ("version", "1.10", 0),
        ("day", "2024-02-30", 2),
    ]


def test_an_error_has_its_line_and_its_problem() -> None:
    with pytest.raises(StrictYAMLError) as caught:
        strict_yaml.load("a: 1\nb: *x")
    assert (caught.value.line, caught.value.problem) == (2, "aliases (*name) are not accepted")


def test_plain_values_are_read_as_yaml_reads_them() -> None:
    text = "a: 1\nb: 1.5\nc: 汉字\nd: [x, true, null]\ne: {f: g}\nh: 2024-01-02\ni: 'on'\n"
    assert strict_yaml.load(text) == {
        "a": 1,
        "b": 1.5,
        "c": "汉字",
        "d": ["x", True, None],
        "e": {"f": "g"},
        "h": datetime.date(2024, 1, 2),
        "i": "on",
    }


def test_nothing_is_none() -> None:
    assert strict_yaml.load("") is None
    assert strict_yaml.load("# only a comment\n") is None


def test_the_greatest_depth_is_accepted_and_one_more_is_not() -> None:
    strict_yaml.load("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    with pytest.raises(StrictYAMLError, match=f"deeper than {MAX_DEPTH}"):
        strict_yaml.load("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


def test_the_greatest_size_is_accepted_and_one_byte_more_is_not() -> None:
    strict_yaml.load("#" * MAX_BYTES)
    with pytest.raises(StrictYAMLError, match=str(MAX_BYTES)):
        strict_yaml.load("#" * (MAX_BYTES + 1))


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"]), max_size=20)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc汉字 ", max_size=4), inner, max_size=4),
    max_leaves=12,
)


class _WithoutAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


@given(values)
def test_what_was_dumped_without_aliases_is_loaded_again(value: object) -> None:
    text = yaml.dump(value, Dumper=_WithoutAliases, allow_unicode=True)
    assert strict_yaml.load(text) == value


@given(st.text() | st.text("[]{}:,-?&*!|>'\"%@`#\n a1", max_size=60))
def test_any_text_is_loaded_or_refused(text: str) -> None:
    try:
        strict_yaml.load(text)
    except StrictYAMLError as error:
        assert "\n" not in str(error)
