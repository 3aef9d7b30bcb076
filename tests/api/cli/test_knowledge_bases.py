"""`--kb`: the commands of one knowledge base, of several, and of all."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.kit.knowledge_bases import ingested_workspace
from tests.kit.processes import Workspace, assert_one_line

FALCON = "How many ports has the Falcon router?"


@pytest.fixture
def workspace(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Workspace:
    """Three knowledge bases, ingested."""
    return ingested_workspace(tmp_path_factory, tmp_path / "place")


def test_a_question_goes_to_the_one_that_is_named(workspace: Workspace) -> None:
    outcome = workspace.run("ask", FALCON, "--kb", "products")
    assert outcome.status == 0, outcome
    assert "four ports" in outcome.out
    assert "/products/README.md:3  Falcon" in outcome.out
    default = workspace.run("ask", FALCON, "--json")
    assert default.json["generations"] == {"default": 1}
    assert "four ports" not in default.out


def test_a_question_to_several_says_which_one_each_passage_is_from(workspace: Workspace) -> None:
    found = workspace.run("search", FALCON, "--kb", "handbook", "--kb", "products")
    assert "products: /" in found.out
    assert "handbook: /" in found.out
    answer = workspace.run("ask", FALCON, "--kb", "all", "--json").json
    assert answer["generations"] == {"default": 1, "handbook": 1, "products": 1}
    assert answer["citations"][0]["knowledge_base"] == "products"


def test_ingest_and_rollback_change_the_one_that_is_named(workspace: Workspace) -> None:
    for name in ("handbook", "products"):
        (workspace.folder / name / "new.md").write_text("# New\n\nThe lighthouse.\n", encoding="utf-8")
    assert workspace.run("ingest", "--kb", "handbook").status == 0
    status = workspace.run("status", "--kb", "all", "--json").json
    assert [status[name]["generation"] for name in status] == [1, 2, 1]
    assert status["products"]["pending"]["added"] == ["new.md"]
    assert "from generation 2 to 1" in workspace.run("rollback", "--kb", "handbook").out
    shown = workspace.run("status", "--kb", "all").out
    assert shown.count("Generation: 1") == 3
    assert "handbook  员工手册" in shown


def test_one_that_cannot_be_ingested_does_not_hold_up_the_others(workspace: Workspace) -> None:
    shutil.rmtree(workspace.folder / "handbook")
    (workspace.folder / "products" / "new.md").write_text("# New\n\nThe lighthouse.\n", encoding="utf-8")
    outcome = workspace.run("ingest", "--kb", "all")
    assert_one_line(outcome, 2, "handbook")
    assert workspace.run("status", "--kb", "products", "--json").json["generation"] == 2


def test_one_that_is_missing_is_named_with_its_setting_and_hides_no_status(workspace: Workspace) -> None:
    config = workspace.folder / "config.yaml"
    config.write_text(config.read_text("utf-8") + "  gone:\n    path: gone\n  new:\n    path: handbook\n", "utf-8")
    shown = workspace.run("status", "--kb", "all")
    assert shown.status == 2
    assert shown.out.count("Generation: 1") == 3
    assert "Run `zhiwen ingest --kb new` to ingest" in shown.out
    assert shown.err.strip().endswith("/gone does not exist; correct knowledge_bases.gone.path")
    assert_one_line(workspace.run("status", "--kb", "all", "--json"), 2, "correct knowledge_bases.gone.path")
    assert "correct knowledge_bases.gone.path" in workspace.run("ingest", "--kb", "gone").err
    answered = workspace.run("ask", FALCON, "--kb", "all", "--json")
    assert answered.json["citations"][0]["knowledge_base"] == "products"
    assert "correct knowledge_bases.gone.path" in answered.err
    (workspace.folder / "gone").mkdir()
    assert_one_line(
        workspace.run("ask", "x", "--kb", "gone"), 2, "put some there, or correct knowledge_bases.gone.path"
    )


def test_the_index_of_another_folder_is_refused_with_the_setting_of_that_knowledge_base(workspace: Workspace) -> None:
    (workspace.folder / "other").mkdir()
    for name in ("products", "other"):
        (workspace.folder / name / "new.md").write_text("# New\n\nThe lighthouse.\n", encoding="utf-8")
    assert workspace.run("ingest", "--kb", "products").status == 0
    config = workspace.folder / "config.yaml"
    config.write_text(config.read_text("utf-8").replace("path: products", "path: other"), encoding="utf-8")
    outcome = workspace.run("ask", FALCON, "--kb", "products")
    assert_one_line(outcome, 2, "set knowledge_bases.products.path to the former, or declare one of another name")


def test_golden_questions_are_those_of_its_folder(workspace: Workspace) -> None:
    golden = {"questions": [{"question": FALCON, "source": "README.md"}]}
    (workspace.folder / "products" / "golden.yaml").write_text(yaml.safe_dump(golden), encoding="utf-8")
    outcome = workspace.run("eval", "--kb", "products", "--json")
    assert outcome.status == 0, outcome
    assert outcome.json["outcomes"][0]["passages"][0] == "README.md"
    assert list((workspace.folder / "evaluations" / "products").glob("*-ok.json"))
    assert_one_line(workspace.run("eval", "--kb", "handbook"), 2, "there are no golden questions yet")


def test_it_works_the_same_through_a_server(workspace: Workspace) -> None:
    with workspace.serving():
        assert "/products/README.md:3  Falcon" in workspace.run("ask", FALCON, "--kb", "products").out
        assert workspace.run("ingest", "--kb", "products", "--json").json["generation"] == 1
        assert workspace.run("status", "--kb", "handbook", "--json").json["documents"] == 2


@pytest.mark.parametrize(
    "command",
    [
        ("ask", "x", "--kb", "nope"),
        ("search", "x", "--kb", "handbook", "--kb", "nope"),
        ("chat", "--kb", "nope"),
        ("ingest", "--kb", "nope"),
        ("status", "--kb", "nope"),
        ("rollback", "--kb", "nope"),
        ("rollback", "--kb", "all"),
        ("eval", "--kb", "nope"),
        ("export", "x.parquet", "--kb", "nope"),
        ("import", "x.parquet", "--kb", "nope"),
        ("keys", "new", "reader", "--kb", "nope"),
        ("--knowledge", "products", "ask", "x", "--kb", "handbook"),
    ],
    ids=" ".join,
)
def test_an_unknown_name_is_one_line_with_those_there_are(workspace: Workspace, command: tuple[str, ...]) -> None:
    assert_one_line(workspace.run(*command), 2, "there is no knowledge base", "there are: default")


def test_a_key_is_bound_to_those_that_are_named(workspace: Workspace) -> None:
    outcome = workspace.run("keys", "new", "reader", "--kb", "handbook", "--kb", "products", "--file", "keys.txt")
    assert outcome.status == 0, outcome
    assert (workspace.folder / "keys.txt").read_text().startswith("reader:ask@handbook@products:sha256:")
    assert_one_line(workspace.run("keys", "new", "boss", "--scope", "admin", "--kb", "handbook"), 2, "boss is bound to")


def test_config_and_doctor_show_each(workspace: Workspace) -> None:
    shown = {each["name"]: each for each in workspace.run("config", "--json").json["settings"]}
    title = shown["knowledge_bases.handbook.title"]
    assert (title["value"], title["origin"]) == ("员工手册", "config.yaml")
    assert shown["knowledge_bases.handbook.gitignore"]["origin"] == "default"
    checks = workspace.run("doctor", "--json").json["checks"]
    for part in ("knowledge", "store"):
        named = [check["knowledge_base"] for check in checks if check["part"] == part]
        assert named == ["default", "handbook", "products"]
    shown_lines = workspace.run("doctor").out
    assert "✓ Store handbook: " in shown_lines
    assert "✓ Store products: " in shown_lines
