"""The English and the Chinese page of a pair show the same commands, settings, examples and links."""

import re

import pytest

from tests.kit.markdown import GUIDES, TRANSLATIONS, MarkdownFile

_CHINESE = re.compile(r"[\u4e00-\u9fff]")

pairs = pytest.mark.parametrize(("english", "chinese"), TRANSLATIONS, ids=str)


def test_every_guide_has_its_translation() -> None:
    translated = {page.name for pair in TRANSLATIONS for page in pair}
    assert {page.name for page in GUIDES} <= translated
    assert [page.name for pair in TRANSLATIONS for page in pair if not page.path.is_file()] == []


@pairs
def test_each_links_to_the_other_at_its_top(english: MarkdownFile, chinese: MarkdownFile) -> None:
    for page, other in ((english, chinese), (chinese, english)):
        assert f"]({other.path.name})" in "".join(page.text.splitlines()[:4]), page


@pairs
def test_both_have_the_same_headings_in_the_same_order(english: MarkdownFile, chinese: MarkdownFile) -> None:
    levels, translated = ([heading.split(" ")[0] for heading in page.headings] for page in (english, chinese))
    assert levels == translated
    assert len(levels) > 2


@pairs
def test_each_is_written_in_its_own_language(english: MarkdownFile, chinese: MarkdownFile) -> None:
    assert all(_CHINESE.search(heading) for heading in chinese.headings if heading.lstrip("# ") not in _PRODUCTS)
    assert not any(_CHINESE.search(heading) for heading in english.headings if not heading.startswith("# 知问"))


_PRODUCTS = {"Markdown", "Milvus", "Docker", "Kubernetes", "Dify", "MCP", "Make"}


@pairs
def test_both_show_the_same_commands(english: MarkdownFile, chinese: MarkdownFile) -> None:
    assert english.shell_lines() == chinese.shell_lines()


@pairs
@pytest.mark.parametrize("language", ["json", "jsonc", "yaml", "nginx", "python"])
def test_both_show_the_same_examples(english: MarkdownFile, chinese: MarkdownFile, language: str) -> None:
    assert english.blocks(language) == chinese.blocks(language)


@pairs
def test_both_name_the_same_settings_options_codes_and_files(english: MarkdownFile, chinese: MarkdownFile) -> None:
    named, translated = ({code for code in page.codes if code.isascii()} for page in (english, chinese))
    assert named == translated
    assert named


@pairs
def test_both_have_the_same_code_in_the_rows_of_their_tables(english: MarkdownFile, chinese: MarkdownFile) -> None:
    assert english.coded_rows() == chinese.coded_rows()


@pairs
def test_both_link_to_the_same_pages(english: MarkdownFile, chinese: MarkdownFile) -> None:
    def targets(page: MarkdownFile) -> set[str]:
        return {link.replace(".zh-CN.md", ".md") for link in page.links}

    assert targets(english) == targets(chinese)
