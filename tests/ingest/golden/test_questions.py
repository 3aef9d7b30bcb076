"""What golden questions may expect, and the files that they are in."""

import json
from pathlib import Path

import pytest

from ingest.golden.questions import GoldenQuestion, load_golden, read_golden
from rag.errors import KnowledgeError

EVERYTHING = """
questions:
  - question: Which databases are there?
    conversation: ["What is a vector database?"]
    expect: [database]
    source: a.md
    heading: Databases
    answer: [Milvus, [PingCAP, TiKV]]
    forbid: [Pinecone]
    reference: Milvus and PingCAP.
  - question: What is the weather?
    refused: true
"""


def test_a_question_may_expect_passage_answer_citation_and_refusal(tmp_path: Path) -> None:
    (tmp_path / "any-name.yaml").write_text(EVERYTHING, "utf-8")
    first, second = read_golden(tmp_path / "any-name.yaml")
    assert first.answer == ("Milvus", ("PingCAP", "TiKV"))
    assert (first.expects_passage, first.expects_answer, first.refused) == (True, True, False)
    assert (second.expects_passage, second.expects_answer, second.refused) == (False, True, True)


def test_a_question_comes_back_from_json_and_leaves_out_what_it_does_not_expect(tmp_path: Path) -> None:
    (tmp_path / "golden.yaml").write_text(EVERYTHING, "utf-8")
    for entry in load_golden(tmp_path):
        assert GoldenQuestion.model_validate_json(entry.model_dump_json()) == entry
    assert json.loads(GoldenQuestion(question="x", refused=True).model_dump_json()) == {
        "question": "x",
        "refused": True,
    }


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{question: x}", "name what is expected"),
        ("{question: x, answer: []}", "answer"),
        ("{question: x, answer: [[]]}", "answer"),
        ("{question: x, answer: ['']}", "answer"),
        ("{question: x, refused: true, answer: [y]}", "refused"),
        ("{question: x, refused: true, reference: y}", "refused"),
        ("{question: x, conversation: [''], expect: [y]}", "conversation"),
    ],
)
def test_what_cannot_be_expected_is_an_error_that_names_it(tmp_path: Path, entry: str, words: str) -> None:
    path = tmp_path / "golden.yaml"
    path.write_text(f"questions:\n  - {entry}\n", "utf-8")
    with pytest.raises(KnowledgeError, match=words):
        read_golden(path)


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"missing\.yaml cannot be read"):
        read_golden(tmp_path / "missing.yaml")


def test_the_digest_of_a_question_from_before_there_were_answers_has_not_changed() -> None:
    """Old generations have it on record."""
    old = GoldenQuestion(question="向量数据库的知名组件", expect=("向量数据库", "Milvus"), source="overview.md")
    assert old.digest == "ed8ac3078c"
    with_answer = old.model_copy(update={"answer": ("Milvus",)})
    assert with_answer.digest == old.digest
    assert with_answer.answer_digest != old.answer_digest


@pytest.mark.parametrize(
    "change", [{"answer": ("B",)}, {"forbid": ("C",)}, {"source": "b.md"}, {"conversation": ("y",)}]
)
def test_the_digest_of_an_answer_changes_with_what_is_expected_of_it(change: dict[str, object]) -> None:
    entry = GoldenQuestion(question="x", answer=("A",), source="a.md")
    assert entry.model_copy(update=change).answer_digest != entry.answer_digest
