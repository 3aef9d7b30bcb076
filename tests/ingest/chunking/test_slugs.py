import pytest

from ingest.chunking.slugs import slug, unique_slugger


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("AI 工程架构", "ai-工程架构"),
        ("Embedding Model vs. Large Language Model", "embedding-model-vs-large-language-model"),
        ("中文：标题（一）、二！", "中文标题一二"),
        ("snake_case and kebab-case", "snake_case-and-kebab-case"),
        ("a  b", "a--b"),
        ("  C++ & C#  ", "c--c"),
        ("1.2.3", "123"),
        ("？！", ""),
    ],
)
def test_a_slug_is_the_anchor_that_github_gives_a_heading(heading: str, expected: str) -> None:
    assert slug(heading) == expected


def test_a_heading_that_comes_again_is_numbered() -> None:
    unique = unique_slugger()
    assert [unique(heading) for heading in ["概述", "概述", "概述"]] == ["概述", "概述-1", "概述-2"]


def test_a_numbered_slug_is_never_taken_twice() -> None:
    unique = unique_slugger()
    slugs = [unique(heading) for heading in ["A", "A 1", "A", "A", "A 1", "A-1-1", ""]]
    assert slugs[:3] == ["a", "a-1", "a-2"]
    assert len(set(slugs)) == len(slugs)


def test_each_document_counts_for_itself() -> None:
    assert unique_slugger()("A") == unique_slugger()("A") == "a"
