"""Properties that say something are found; the switches of publishing tools are not."""

import json

import pytest

from ingest.readers.front_matter import split_front_matter
from ingest.readers.properties import properties_of

SITES = {
    "Hugo": "date: 2024-01-05\ndraft: false\nweight: 10\nurl: /a/\naliases: [/old/]\nlayout: post\nsummary: 摘要",
    "Docusaurus": "id: KB-007\nsidebar_label: x\nsidebar_position: 2\nhide_table_of_contents: true\nkeywords: [退货]\n"
    "toc_max_heading_level: 4\ncustom_edit_url: null\npagination_next: null\nslug: /x\ndisplayed_sidebar: docs",
    "VitePress": "outline: deep\neditLink: true\nlastUpdated: false\nhead: [[meta, {name: a}]]\nprev: x\ntagline: 快",
    "MkDocs-Material": "hide:\n  - toc\nstatus: new\nicon: material/x\nsearch:\n  boost: 2\nauthors: [王芳]\ntags: [a]",
    "Jekyll": "permalink: /x\npublished: true\nnav_order: 3\nparent: x\nhas_children: true\nauthor: 李雷",
    "Obsidian": "cssclasses: [wide]\npublish: true\naliases: [PJ]\nDue date: 2024-05-31",
    "GitBook": "description: 说明\ncover: a.png\ncoverY: 0\nlayout:\n  title:\n    visible: true\nhidden: true",
}
SAID = {
    "Hugo": [("date", "2024-01-05"), ("aliases", "/old/"), ("summary", "摘要")],
    "Docusaurus": [("id", "KB-007")],
    "VitePress": [("tagline", "快")],
    "MkDocs-Material": [("status", "new"), ("authors", "王芳"), ("tags", "a")],
    "Jekyll": [("author", "李雷")],
    "Obsidian": [("aliases", "PJ"), ("Due date", "2024-05-31")],
    "GitBook": [("description", "说明")],
}


@pytest.mark.parametrize("site", SITES)
def test_what_tools_read_is_left_out_and_what_people_read_is_kept(site: str) -> None:
    parts = split_front_matter("a.md", f"---\ntitle: 标题\n{SITES[site]}\n---\n")
    assert parts.warnings == ()
    assert properties_of(parts.metadata) == SAID[site]


def test_values_are_texts_as_they_are_written() -> None:
    text = "---\n型号: 1.10\n单价: 3.5\n数量: 42\n可借用: true\n负责人: [王芳, 李雷]\n尺寸: {长: 600, 宽: 800}\n---\n"
    assert properties_of(split_front_matter("a.md", text).metadata) == [
        ("型号", "1.10"),
        ("单价", "3.5"),
        ("数量", "42"),
        ("可借用", "true"),
        ("负责人", "王芳, 李雷"),
        ("尺寸", "长: 600; 宽: 800"),
    ]


def test_drawings_are_left_out_of_lists_of_mappings() -> None:
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" style="a: b; c: d"><path d="m1 2"/></svg>'
    features = [{"title": "快", "icon": drawing, "details": "一秒"}, {"icon": "<svg/>x</svg>", "title": "稳"}]
    text = f"---\nfeatures: {json.dumps(features, ensure_ascii=False)}\n---\n"
    assert properties_of(split_front_matter("a.md", text).metadata) == [
        ("features", "title: 快; details: 一秒, title: 稳")
    ]


def test_empty_values_say_nothing() -> None:
    assert properties_of({"a": None, "b": "", "c": " \n", "d": [], "e": [None, ""], "f": [None, 0], "g": False}) == [
        ("f", "0"),
        ("g", "false"),
    ]


@pytest.mark.parametrize("key", ["editLink", "edit_link", "edit-link", "EditLink", "hideTitle", "TOC", "nav_order"])
def test_a_key_of_a_tool_is_known_in_every_spelling(key: str) -> None:
    assert properties_of({key: "x"}) == []


@pytest.mark.parametrize(
    "key", ["tocopherol", "hidden_costs", "navigation", "weight_kg", "Ordernummer", "重量", "网址", "2024"]
)
def test_words_that_only_begin_like_them_are_kept(key: str) -> None:
    assert properties_of({key: "x"}) == [(key, "x")]


@pytest.mark.parametrize(
    "value", ["eJzt" * 60 + "==", "sha512-" + "0f" * 128, "data:image/png;base64," + "iVBO" * 60, '{"a":1}' * 40]
)
def test_what_only_programs_read_is_left_out_and_can_still_filter(value: str) -> None:
    parts = split_front_matter(
        "a.md", f"---\napi: '{value}'\nowner: 王芳\nlist: [甲, '{value}']\nin: {{a: '{value}', b: 乙}}\n---\n"
    )
    assert parts.metadata["api"] == value
    assert properties_of(parts.metadata) == [("owner", "王芳"), ("list", "甲"), ("in", "b: 乙")]


@pytest.mark.parametrize("value", ["https://x.cn/" + "a" * 300, "摘要" * 150, "two words " * 40, "a" * 200])
def test_long_values_that_people_read_are_kept(value: str) -> None:
    assert properties_of({"说明": value}) == [("说明", value.strip())]
