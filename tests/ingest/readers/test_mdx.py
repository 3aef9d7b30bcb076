"""MDX as Markdown: without its modules, and with the same lines."""

import pytest

from ingest.markup.markdown_tree import markdown_tree
from ingest.readers.parse import parse_document
from tests.kit.conversion import chunks_of, lines_of, text_of


def test_import_and_export_lines_of_mdx_are_removed_and_line_numbers_stay() -> None:
    text = "---\ntitle: T\n---\nimport Tabs from '@theme/Tabs'\n\n# Lamp\n\nexport const port = 7311\n\nThe word.\n"
    assert "import" not in text_of("a.mdx", text)
    assert "export" not in text_of("a.mdx", text)
    assert lines_of("a.mdx", text, "The word.") == (10, 10)


@pytest.mark.parametrize(("opening", "closing"), [("```js", "```"), ("~~~", "~~~"), ("````md\n```js", "```\n````")])
def test_import_and_export_lines_in_code_are_kept(opening: str, closing: str) -> None:
    text = (
        f"# Lamp\n\n{opening}\nimport lamp from 'lamp'\nexport const port = 7311\n{closing}\n\nimport gone from 'x'\n"
    )
    kept = text_of("a.mdx", text)
    assert "import lamp from 'lamp'\nexport const port = 7311" in kept
    assert "gone" not in kept


def test_a_fence_with_a_language_does_not_close_a_block_of_code() -> None:
    text = "```\nopen\n```js\nimport kept from 'kept'\n```\n\nimport gone from 'x'\n"
    assert "import kept" in text_of("a.mdx", text)
    assert "gone" not in text_of("a.mdx", text)


def test_imports_of_several_lines_are_removed_completely() -> None:
    text = "import {\n  Lamp,\n  Lens,\n} from 'lamps'\n\nexport const meta = {\n  author: 'K',\n}\n\nThe word.\n"
    assert text_of("a.mdx", text) == "The word."
    assert lines_of("a.mdx", text, "The word.") == (10, 10)


def test_a_statement_goes_on_past_a_blank_line_while_a_bracket_is_open() -> None:
    text = "export const meta = {\n  at: '{',\n\n  # by: ['K']\n}\n\nThe word.\n"
    assert text_of("a.mdx", text) == "The word."


def test_an_unclosed_bracket_ends_with_its_paragraph() -> None:
    assert text_of("a.mdx", "export const a = (\n\nThe word.\n\nAnother.\n") == "The word.\n\nAnother."


def test_text_right_after_a_statement_is_kept() -> None:
    chunks = chunks_of("a.mdx", "import A from 'a'\nimport B from 'b'\n# Lamp\nThe word.\n")
    assert [(chunk.heading_path, chunk.content, chunk.start_line) for chunk in chunks] == [(("Lamp",), "The word.", 4)]


def test_front_matter_of_mdx_is_not_a_statement() -> None:
    document = parse_document("a.mdx", b"---\nexport : yes\n---\nx\n")
    assert document.metadata == {"export": "yes"}


def test_a_wrapped_sentence_whose_line_begins_with_export_is_kept() -> None:
    text = "Taxes fall on every\nimport of lamps and every\nexport of lenses.\n"
    assert text_of("a.mdx", text) == "Taxes fall on every import of lamps and every export of lenses."


def test_markdown_keeps_lines_that_begin_with_import() -> None:
    assert "import tax" in text_of("a.md", "import tax is due.\n")


LONG = '"' + "x > y, {it's} " * 400 + '"'


@pytest.mark.parametrize(
    "tag",
    [
        '<StatusCodes\n  id={undefined}\n  responses={{"200":{"text":"a > b","s":[1]}}}\n>\n\n</StatusCodes>',
        f"<Schema\n  body={{{{'a': {LONG}}}}}\n>\n  \n</Schema>",
        "<Api.Tabs of={['甲', \"}\"]} render={(x) => `${x}>`}>\n</Api.Tabs>",
        "<div\n  style={{a: '>'}}\n>\n  <Lamp\n    as={{b: {}}}\n  >\n  </Lamp><Lens\n    of={1 > 0}\n  >\n"
        "      <Inner\n        is={{}}\n      >\n      </Inner>\n  </Lens>\n</div>",
        '<Api.Tab label="">\n\n</Api.Tab>',
        "<ul>\n  <Lamp of={{a: 1 > 0}} />\n</ul>",
        "<Lamp text-of={<b>it's on</b>} />",
    ],
)
def test_an_element_whose_attributes_are_expressions_is_a_mark(tag: str) -> None:
    text = f"前。\n\n{tag}\n\n后。\n"
    assert text_of("a.mdx", text) == "前。\n\n后。"
    line = text.count("\n")
    assert lines_of("a.mdx", f"前。\n\n## 节\n\n{text}", "后。")[1] == line + 4


def test_indented_lines_of_mdx_are_no_code() -> None:
    text = "<Tabs>\n\n    <Tab label={'甲'}>\n\n        每晚 **650** 元。\n\n    </Tab>\n\n</Tabs>\n"
    assert text_of("a.mdx", text) == "甲\n\n每晚 650 元。"
    assert "```\nx\n```" in text_of("a.md", "前。\n\n    x\n")


def test_an_expression_that_never_ends_is_text() -> None:
    assert "650" in text_of("a.mdx", "<Lamp of={{a: 1}\n\n每晚 650 元。\n")


def test_many_expressions_that_never_end_take_bounded_time() -> None:
    text = "<Lamp of={'\\'\n\n" * 5_000
    assert markdown_tree(text, is_mdx=True).children


@pytest.mark.parametrize(
    ("element", "text"),
    [
        (
            '<Method\n  method={"get"}\n  path={"/bookmarks/check-url"}\n  context={"endpoint"}\n>\n  \n</Method>',
            "get /bookmarks/check-url",
        ),
        ('<Endpoint method="post" path="/lists" id="x" className="y" data-a="b" deprecated="true" />', "post /lists"),
        ('<Price amount="¥650" per="晚"></Price>', "¥650 晚"),
        ('<Price amount="¥650">每晚</Price>', "每晚"),
        ('<span\n  className={"badge"}\n  children={"Version: 1.0"}\n>\n</span>', "Version: 1.0"),
        ('<my-icon glyph="star"></my-icon>', ""),
    ],
)
def test_of_an_element_without_content_the_strings_are_text(element: str, text: str) -> None:
    assert text_of("a.mdx", f"{element}\n") == text


@pytest.mark.parametrize("end", [">\n</Heading>", "/>"])
def test_a_heading_that_is_a_component_is_a_heading(end: str) -> None:
    markdown = f'前。\n\n<Heading\n  as={{"h2"}}\n  className={{"x"}}\n  children={{"认证"}}\n{end}\n\n后。\n'
    assert [(chunk.heading_path, chunk.content) for chunk in chunks_of("a.mdx", markdown)] == [
        ((), "前。"),
        (("认证",), "后。"),
    ]


TABS = """\
<Tabs>
  <TabItem value="npm" label="甲">
  ```sh
  npm i
  ```
  </TabItem>
  <TabItem
    value="yarn"
    label="乙"
  >
    ```sh
    yarn
    ```

    :::tip
    先备份。
    :::
  </TabItem>
</Tabs>
后文。
"""


@pytest.mark.parametrize(("source", "text"), [("a.mdx", TABS), ("a.md", f"import Tabs from '@theme/Tabs';\n\n{TABS}")])
def test_what_follows_a_line_of_tags_is_markdown(source: str, text: str) -> None:
    assert text_of(source, text) == "甲\n```sh\nnpm i\n```\n\n乙\n```sh\nyarn\n```\n\n先备份。\n\n后文。"


def test_steps_below_a_tag_are_a_list() -> None:
    text = (
        "<Steps>\n1. 建文件：\n\n    ```ini\n    KEY=1\n    ```\n\n"
        "    :::note\n    只读。\n    :::\n2. 重启。\n</Steps>\n"
    )
    for source in ("a.mdx", "a.md"):
        found = text_of(source, text)
        assert "```ini\nKEY=1\n```" in found
        assert ":::" not in found
        assert "2. 重启。" in found


def test_a_tag_of_html_in_markdown_begins_html_as_before() -> None:
    assert text_of("a.md", "<div>\n*a*\n</div>\n") == "*a*"
    assert text_of("a.mdx", "<div>\n*a*\n</div>\n") == "a"


def test_a_placeholder_stays_where_an_import_is_no_component() -> None:
    text = "import Foo from 'foo'\n\n登录 <user>@<host>。\n\n    print(1)\n"
    assert text_of("a.md", text) == "登录 <user>@<host>。\n\n```\nprint(1)\n```"


def test_a_placeholder_on_a_line_of_its_own_stays_in_its_sentence() -> None:
    assert text_of("a.md", "输完后按\n<Enter>\n即可。\n") == "输完后按 <Enter> 即可。"


def test_an_empty_pair_of_a_component_is_nothing() -> None:
    assert text_of("a.md", "前。\n\n<ColorPalette></ColorPalette>\n\n后。\n") == "前。\n\n后。"
