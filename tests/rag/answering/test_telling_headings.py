"""A heading that names an option or a version is the answer that the text below it does not hold."""

from html import escape

import pytest
from markdown_it import MarkdownIt

from rag.answering.quote import choose_quotes
from rag.answering.quote_markdown import write_quotes
from rag.answering.telling_headings import telling_heading
from rag.retrieval.evidence import Evidence
from rag.text.language import detect_reply_language
from rag.text.tokens import tokenize_question
from rag.types import Passage
from tests.kit.chat import passage

RENDERER = MarkdownIt("commonmark", {"html": True})


def quoted(question: str, *passages: Passage) -> str:
    idf = dict.fromkeys(tokenize_question(question), 2.0)
    evidence = Evidence(question, detect_reply_language(question), passages, idf, 0.9)
    return "".join(write_quotes(choose_quotes(evidence).quotes, evidence.language))


@pytest.mark.parametrize(
    "heading",
    [
        "server.maxUploads",
        "max_uploads",
        "`retryLimit`",
        "v2.10",
        "[0.4.1] - 2025-11-30",
        "LateSwitch",
        "tape.read(path)",
    ],
)
def test_names_of_options_and_versions_are_telling(heading: str) -> None:
    assert telling_heading(("Reference", heading)) == heading


@pytest.mark.parametrize(
    "heading",
    [
        "Uploads",
        "Step 2",
        "What is new in v2.10",
        "配置 max_uploads",
        "2025-11-30",
        "3",
        "xx_" * 40,
        "www.a_lure.example",
    ],
)
def test_prose_dates_and_overlong_names_are_not(heading: str) -> None:
    assert telling_heading(("max_uploads", heading)) == ""


@pytest.mark.parametrize("name", ["on__load__max", "max_*_files[2]", "<b>max_files</b>", "![max_files]", "`max_files"])
def test_a_heading_stands_there_as_written_and_loads_nothing(name: str) -> None:
    text = quoted(
        "Which option tells how much may be sent?", passage(1, "It tells how much may be sent.", heading=name)
    )
    assert f"<code>{escape(name.replace('`', ''))}</code></strong>" in RENDERER.render(text)


def test_a_document_without_headings_has_none() -> None:
    assert telling_heading(()) == ""


def test_the_option_stands_above_the_text_that_explains_it() -> None:
    option = passage(1, "How many files may be sent together.", heading="server.maxUploads")
    assert quoted("Which option says how many files may be sent together?", option) == (
        "**`server.maxUploads`**\n\nHow many files may be sent together. [1]"
    )


def test_each_section_has_its_own_heading() -> None:
    first = passage(1, "新增灯塔地图。", heading="v1.2.0")
    second = passage(2, "灯塔地图支持离线。", heading="v1.3.0")
    text = quoted("灯塔地图有什么变化，从哪个版本起支持离线？", first, second)
    assert "**`v1.3.0`**\n\n灯塔地图支持离线。 [2]" in text
    assert "**`v1.2.0`**\n\n新增灯塔地图。 [1]" in text


def test_rows_below_a_telling_heading_stand_below_it() -> None:
    row = passage(1, "Value: 3 › Meaning: three tries", kind="row", heading="retryLimit")
    assert quoted("Which option means three tries?", row).startswith("**`retryLimit`**\n\n")


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What does maxUploads limit?", "It limits the files that are sent together."),
        ("Which option limits uploads?", "Set maxUploads to limit uploads."),
    ],
)
def test_a_name_that_the_question_or_the_quote_has_is_not_repeated(question: str, text: str) -> None:
    assert quoted(question, passage(1, text, heading="maxUploads")) == f"{text} [1]"
