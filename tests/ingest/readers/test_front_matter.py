"""The body is read whatever the front matter is; values stay as written; a fault costs one value and is named."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.readers.front_matter import FrontMatter, split_front_matter
from rag.store.filter_keys import MAX_FILTER_KEYS, MAX_METADATA_BYTES, filter_keys_of


def split(text: str) -> FrontMatter:
    return split_front_matter("a.md", text)


def line_of(parts: FrontMatter, word: str) -> int:
    """The line of the file with a word of the body."""
    return parts.first_line + parts.body[: parts.body.index(word)].count("\n")


SYNTAXES = {
    "YAML": "---\ntitle: 冷链\ntags: [a, b]\ncount: 3\n---\nbody",
    "YAML that ends with dots": "---\ntitle: 冷链\ntags:\n- a\n- b\ncount: 3\n...\nbody",
    "YAML in braces": "---\n{title: 冷链, tags: [a, b], count: 3}\n---\nbody",
    "TOML": '+++\ntitle = "冷链"\ntags = ["a", "b"]\ncount = 3\n+++\nbody',
    "JSON": '{\n  "title": "冷链",\n  "tags": ["a", "b"],\n  "count": 3\n}\nbody',
    "JSON on one line": '{"title": "冷链", "tags": ["a", "b"], "count": 3}\nbody',
    "JSON between semicolons": ';;;\n"title": "冷链",\n"tags": ["a", "b"], "count": 3\n;;;\nbody',
}


@pytest.mark.parametrize("text", SYNTAXES.values(), ids=SYNTAXES.keys())
@pytest.mark.parametrize("before", ["", "\ufeff", "\n \n", "<!-- markdownlint-disable -->\n\n", "<!--\na\n-->\n"])
def test_each_syntax_is_read_from_the_top_of_the_file(text: str, before: str) -> None:
    parts = split(before + text)
    assert parts.metadata == {"title": "冷链", "tags": ["a", "b"], "count": 3}
    assert parts.body == "\nbody"
    assert line_of(parts, "body") == (before + text).count("\n") + 1
    assert parts.warnings == ()


RULERS = {
    "a sentence with a colon": "---\n\n注意: 本手册只适用于二厂区\n\n---\n\n## 入厂\n",
    "prose": "---\n入厂须戴安全帽。\n---\n",
    "prose with a key above": "---\n注意: 本手册\n适用于二厂区\n---\n",
    "a colon of full width": "---\n注意：本手册只适用于二厂区\n---\n",
    "colons of full width": "---\n甲方：华东冷链\n乙方：北辰物流\n---\n",
    "prose with two keys in it": "---\n地点: 二厂区\n进厂须登记。\n访客须由接待人陪同。\n电话: 8001\n---\n",
    "a heading, a sentence and a blank line": "---\n# 电话\n\n前台: 8001\n夜班: 8002\n\n---\n",
    "times of day": "---\n8:30 早会\n9:00 巡检\n---\n",
    "addresses": "---\nhttps://example.com/a\nhttps://example.com/b\n---\n",
    "a heading and a sentence": "---\n# 入厂\n\n电话: 8001\n\n---\n",
    "a heading alone": "---\n## 入厂\n---\n",
    "a list": "---\n- 安全帽: 必戴\n- 手套\n---\n",
    "a list below a sentence": "---\n材料: 如下\n- 安全帽\n---\n",
    "a numbered list": "---\n1. 第一步: 登记\n---\n",
    "bold words": "---\n**注意**: 只适用于二厂区\n---\n",
    "a quotation": "---\n> 注意: 只适用于二厂区\n---\n",
    "a link definition": "---\n[a]: https://example.com\n---\n",
    "an address": "---\nhttps://example.com/a\n---\n",
    "a table": "---\n| a: b | c |\n---\n",
    "no second ruler": "---\ntitle: x\n\ntext\n",
    "a longer ruler": "----\ntitle: x\n----\n",
    "an indented ruler": " ---\ntitle: x\n---\n",
    "plus signs around text": "+++\n注意\n+++\n",
    "a shortcode": "{{< notice >}}\ntext\n",
    "a tag": "{% hint %}\ntext\n{% endhint %}\n",
    "JSON within a sentence": '{"a": 1} is an object.\n',
    "a list in JSON": "[1, 2]\ntext\n",
    "dots": "...\ntitle: x\n...\n",
    "text above": "text\n---\ntitle: x\n---\n",
}


@pytest.mark.parametrize("text", RULERS.values(), ids=RULERS.keys())
def test_what_does_not_look_like_front_matter_is_text(text: str) -> None:
    assert split(text) == FrontMatter({}, text, 1)


LOOKS_LIKE_IT = {
    "nothing": ("---\n---\nbody", {}),
    "a comment above the keys": ("---\n# https://example.com: how to\n\ntitle: x\n---\nbody", {"title": "x"}),
    "blank lines around a title": ("---\n\ntitle: x\ndate: 3\n\n---\nbody", {"title": "x", "date": 3}),
    "blank lines between keys": ("---\na: x\n\nb: y\n\n---\nbody", {"a": "x", "b": "y"}),
    "keys of several words": ("---\nBy: 3\nog:x: y\n'a: b': z\n---\nbody", {"By": 3, "og:x": "y", "a: b": "z"}),
    "lines of text": ("---\na: |\n  **b**: c\n\n  # d\n---\nbody", {"a": "**b**: c\n\n# d\n"}),
    "a comment above and a blank line below": ("---\n# 属性\na: x\n\nb: y\n\n---\nbody", {"a": "x", "b": "y"}),
    "a comment, blank lines and a title": ("---\n# 属性\n\ntitle: 巡检\n\n---\nbody", {"title": "巡检"}),
    "a key with a comma": ("---\n白班，夜班: 8002\nb: y\n---\nbody", {"白班，夜班": 8002, "b": "y"}),
    "a list over lines": ("---\na: [x,\n  y\n]\n---\nbody", {"a": ["x", "y"]}),
    "a table of TOML": ("+++\n[owner]\nname = '王芳'\n+++\nbody", {"owner": "name: 王芳"}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "metadata"), LOOKS_LIKE_IT.values(), ids=LOOKS_LIKE_IT.keys())
def test_what_looks_like_front_matter_is_read(text: str, metadata: dict[str, object]) -> None:
    parts = split(text)
    assert parts.metadata == metadata
    assert parts.body == "\nbody"
    assert parts.warnings == ()


AS_WRITTEN = ["1.10", "3.50", "12:30", "No", "on", "yes", "00123", "1e3", "0x10", "0o17", "1_000", "+5", "-0", ".5"]
AS_WRITTEN += ["2024-01-05", "2024-02-30", "2024-01-02T03:04:05Z", "2024-01-02 03:04", ".nan", "99999999999999999999"]


@pytest.mark.parametrize("value", AS_WRITTEN)
def test_scalars_stay_as_written(value: str) -> None:
    assert split(f"---\na: {value}\nb: [{value}]\n---\n").metadata == {"a": value, "b": [value]}


def test_truth_values_and_numbers_that_print_the_same_can_be_compared() -> None:
    text = "---\na: 42\nb: -7\nc: 3.5\nd: true\ne: False\nf: '42'\ng: \"true\"\nh:\ni: ~\n---\n"
    values = {"a": 42, "b": -7, "c": 3.5, "d": True, "e": False, "f": "42", "g": "true", "h": None, "i": None}
    assert split(text).metadata == values
    assert {key: type(value) for key, value in split(text).metadata.items()} == {k: type(v) for k, v in values.items()}


def test_numbers_of_toml_and_json_are_not_rounded() -> None:
    assert split("+++\na = 1.10\nb = 1.5\nc = inf\nd = 0x10\n+++\n").metadata == {
        "a": "1.10",
        "b": 1.5,
        "c": "inf",
        "d": 16,
    }
    assert split('{"a": 1.10, "b": 1e400, "c": 1.5, "d": 12345678901234567890}\n').metadata == {
        "a": "1.10",
        "b": "1e400",
        "c": 1.5,
        "d": "12345678901234567890",
    }


def test_dates_of_toml_are_iso_dates() -> None:
    text = "+++\na = 2024-01-05\nb = 2024-01-02T03:04:05Z\nc = 12:30:00\n+++\n"
    assert split(text).metadata == {"a": "2024-01-05", "b": "2024-01-02T03:04:05+00:00", "c": "12:30:00"}


def test_nested_values_become_text_that_a_person_can_read() -> None:
    text = "---\na: {x: 1.10, y: {z: [1, 2]}}\nb: [[1, 2], {name: 王芳, leads: true}]\n---\n"
    assert split(text).metadata == {"a": "x: 1.10; y.z: 1, 2", "b": ["1, 2", "name: 王芳; leads: true"]}


def test_each_key_has_its_line() -> None:
    assert split("<!-- x -->\n---\na: 1\n\n# c\nb:\n  - 2\nc: 3\n---\n").lines == {"a": 3, "b": 6, "c": 8}
    assert split("+++\na = 1\n\nb.c = 2\n[d]\ne = 3\n[[f]]\ng = 4\n+++\n").lines == {"a": 2, "b": 4, "d": 5, "f": 7}
    assert split('{\n  "a": 1, "b": 2,\n  "c": [\n    3\n  ]\n}\n').lines == {"a": 2, "b": 2, "c": 3}


BROKEN = {
    "a colon in a title": ("title: 复盘: 春节促销\ndate: 3", {"title": "复盘: 春节促销", "date": 3}, "line 2: "),
    "a bracket in a title": ("title: [公告] 放假\na: 1", {"title": "[公告] 放假", "a": 1}, "taken as written"),
    "a path in quotes": ('a: "C:\\log\\x"\nb: 1', {"a": "C:\\log\\x", "b": 1}, "unknown escape"),
    "an unclosed quotation": ('a: "x\nb: 1', {"a": '"x', "b": 1}, "line 2"),
    "an apostrophe in quotes": ("a: 'It's fine'\nb: 1", {"a": "'It's fine'", "b": 1}, "line 2"),
    "a colon of full width": ("a: x\n值班人：李四\nb: 1", {"a": "x", "值班人": "李四", "b": 1}, "3: front matter: `值"),
    "a title with such a colon": ("title：夜班\n值班人：李四", {"title": "夜班", "值班人": "李四"}, "put `: `"),
    "a list behind such a colon": ("a: x\n标签：\n- 夜班\n- 安全", {"a": "x", "标签": ["夜班", "安全"]}, "line 3"),
    "no space behind a colon": ("title:夜班\nowner:李四\nb: 1", {"title": "夜班", "owner": "李四", "b": 1}, "line 2"),
    "no space behind any colon": ("title:夜班手册\nauthor:李四", {"title": "夜班手册", "author": "李四"}, "line 2"),
    "a time behind such a colon": ("a: x\n交班：8:30", {"a": "x", "交班": "8:30"}, "line 3"),
    "a key with a sign": ("a: x\n@id: y\n%z: 1", {"a": "x", "@id": "y", "%z": "1"}, "line 3"),
    "a key with a comma": ("a: x\n白班，夜班: 8002\n没有冒号", {"a": "x", "白班，夜班": 8002}, "line 4"),
    "a line without a key": (
        "a: x\n夜班须两人\nb: 1",
        {"a": "x", "b": 1},
        "line 3: front matter: this line is neither",
    ),
    "text that goes on at the margin": ("a: 夜班须\n两人同行\nb: 1\nc: 2", {"a": "夜班须", "b": 1, "c": 2}, "line 3"),
    "bold words": ("a: **注意** 事项\nb: 1", {"a": "**注意** 事项", "b": 1}, "line 2"),
    "a tab behind a colon": ("a:\tx\nb: 1", {"a": "x", "b": 1}, "line 2"),
    "tabs as indentation": ("a:\n\t- x\n\t- y\nb: 1", {"a": ["x", "y"], "b": 1}, "line 3: front matter: found char"),
    "a key twice": ("a: 1\nb: 2\na: 3", {"a": 1, "b": 2}, "line 4: front matter: the key `a` appears twice"),
    "a key twice further down": ("a: {x: 1, x: 2}\nb: 1", {"b": 1}, "line 2: front matter: the key 'x' appears twice"),
    "an alias": ("a: &x [1]\nb: *x\nc: 2", {"a": [1], "c": 2}, "line 3: front matter: aliases (*name)"),
    "an alias bomb": ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\nd: 1", {"a": ["x", "x"], "d": 1}, "aliases"),
    "a Python object": ("a: !!python/object/apply:os.system [ls]\nb: 1", {"b": 1}, "tag"),
    "a list that does not end": ("a:\n  - [x\nb: 1", {"b": 1}, "`a` is left out"),
    "half a surrogate pair": ('a: "\\ud800"\nb: 1', {"a": "\\ud800", "b": 1}, "surrogate"),
    "deep brackets": ("a: " + "[" * 60_000 + "\nb: 1", {"b": 1}, "nested deeper"),
    "deep mappings": ("".join(f"{' ' * depth}a:\n" for depth in range(300)) + "b: 1", {"b": 1}, "nested deeper"),
}  # fmt: skip


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("yaml", "metadata", "warning"), BROKEN.values(), ids=BROKEN.keys())
def test_a_fault_in_yaml_costs_one_value_and_is_named(yaml: str, metadata: dict[str, object], warning: str) -> None:
    parts = split(f"---\n{yaml}\n---\nbody")
    assert parts.metadata == metadata
    assert parts.lines.keys() == metadata.keys()
    assert parts.body == "\nbody"
    assert any(warning in line for line in parts.warnings), parts.warnings
    for line in parts.warnings:
        assert "front matter: " in line
        assert "\n" not in line
        assert len(line) < 300


def test_a_fault_in_toml_costs_one_value_and_is_named() -> None:
    parts = split('+++\ntitle = "冷链"\nbad = \ndate = 2024-01-05\n[owner]\nname = "王芳"\n+++\nbody')
    assert parts.metadata == {"title": "冷链", "date": "2024-01-05", "owner": "name: 王芳"}
    assert parts.lines == {"title": 2, "date": 4, "owner": 5}
    assert parts.warnings == ("line 3: front matter: Invalid value; `bad` is left out, correct it",)


@pytest.mark.parametrize(
    "bad", ["a = " + "[" * 60_000, "a = " + "9" * 60_000, "a = 2024-02-30", "a = 1\na = 2", "a = x"]
)
def test_toml_that_python_stumbles_over_is_a_warning(bad: str) -> None:
    parts = split(f"+++\n{bad}\nb = 1\n+++\nbody")
    assert parts.metadata["b"] == 1
    assert parts.body == "\nbody"
    assert len(parts.warnings) == 1


def test_broken_json_is_a_warning() -> None:
    parts = split('{\n  "title": "x",,\n  "a": 1\n}\nbody')
    assert (parts.metadata, parts.body) == ({}, "\nbody")
    assert parts.warnings == (
        "line 2: front matter: Expecting property name enclosed in double quotes; no key is read, correct it",
    )


def test_escapes_bring_in_no_invisible_characters() -> None:
    assert split('---\na: "x\\u200by"\n"k\\u200b": 1\n---\n').metadata == {"a": "xy", "k": 1}
    assert split('{"a": "x\\u200b\\ud800y"}\n').metadata == {"a": "x\ufffdy"}
    assert split('+++\na = "e\\u0301"\n+++\n').metadata == {"a": "é"}


TOO_LARGE = {
    "too many values": (f"a: 1\ntags: [{','.join(map(str, range(MAX_FILTER_KEYS)))}]\nb: 2", {"a": 1, "b": 2}),
    "too long as JSON": (f"a: 1\ntags: [{','.join('a' * 16_000)}]\nb: 2", {"a": 1, "b": 2}),
    "a text that is too long": (f"a: 1\ntext: {'汉' * 20_000}\nb: 2", {"a": 1, "b": 2}),
    "more than is read": (f"a: 1\nb: 2\ntext: {'x' * 100_000}\nc: 3", {"a": 1, "b": 2}),
}


@pytest.mark.parametrize(("yaml", "metadata"), TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_what_does_not_fit_into_a_row_of_a_server_is_left_out_and_named(yaml: str, metadata: dict[str, int]) -> None:
    parts = split(f"---\n{yaml}\n---\nbody")
    assert parts.metadata == metadata
    assert parts.body == "\nbody"
    [warning] = parts.warnings
    assert "shorten it" in warning


@pytest.mark.timeout(60)
@pytest.mark.parametrize("key", ["key{}: value\n", "k: {}\n", "k{}: [\n", "k{}: a: b\n"])
def test_70_000_keys_are_as_many_as_fit_and_a_few_warnings(key: str) -> None:
    parts = split(f"---\n{''.join(key.format(number) for number in range(70_000))}---\nbody")
    assert (parts.body, line_of(parts, "body")) == ("\nbody", 70_003)
    assert 1 <= len(parts.metadata) <= MAX_FILTER_KEYS
    assert 1 <= len(parts.warnings) <= 6
    assert "more faults" in parts.warnings[-1]


LARGE = {
    "comments": "<!--" * 250_000,
    "comments and front matter": "<!-- x" * 200_000 + "-->\n---\na: 1\n---",
    "blank lines": "\n" * 1_000_000,
    "spaces in a table": f"+++\n[{' ' * 500_000}\n+++",
    "spaces behind a key": f"---\na{' ' * 500_000}\n---",
    "dots in a key": f"+++\n{'a .' * 200_000}\n+++",
    "keys on one line": f"---\n{'a b: ' * 200_000}\n---",
    "braces": '{"a":' * 200_000,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE.keys())
def test_a_megabyte_of_anything_comes_to_an_end(text: str) -> None:
    assert split(text).body is not None


@settings(deadline=None, derandomize=True, max_examples=300)
@given(
    st.sampled_from(["---", "+++", ";;;", ""]),
    st.lists(
        st.sampled_from(["a: ", "b:", "- ", "{", "}", '"', "= ", "[", "\n", "x", " ", "#", "1.10", "\t", ":", "\\u"])
    ),
    st.text(max_size=20),
)
def test_any_front_matter_is_read_and_no_line_of_the_body_moves(fence: str, parts: list[str], text: str) -> None:
    whole = f"{fence}\n{''.join(parts)}{text}\n{fence}\nbody"
    found = split(whole)
    assert found.body.endswith("body")
    assert found.first_line + found.body.count("\n") == whole.count("\n") + 1
    assert found.lines.keys() == found.metadata.keys()
    assert len(json.dumps(dict(found.metadata), ensure_ascii=False).encode()) <= MAX_METADATA_BYTES
    assert len(filter_keys_of(found.metadata)) <= MAX_FILTER_KEYS
