"""An ingest of a repository: a commit becomes a generation, and one that cannot be had leaves the live one."""

from dataclasses import replace
from pathlib import Path

import pytest

from ingest.backup import export_backup, import_backup
from ingest.staging.plan import Plan
from ingest.staging.report import Progress
from ingest.sync import preview
from rag.errors import GoldenQuestionsLost, SourceError
from rag.published_url import PassageUrls
from rag.settings import KnowledgeSettings
from rag.store.records import Commit
from tests.kit.corpus import Library, MakeLibrary
from tests.kit.git_server import Repository

GOLDEN = "questions:\n  - question: Which colour has the harbour?\n    expect: [crimson]\n"
TEXTS = {
    "docs/a.md": "# Harbour\n\nThe harbour is crimson.\n",
    "docs/b.md": "# Bread\n\nBread is baked.\n",
    "docs/golden.yaml": GOLDEN,
    "README.md": "# About\n",
}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "repository", TEXTS)


@pytest.fixture
def library(make_library: MakeLibrary, repository: Repository, tmp_path: Path) -> Library:
    library = make_library()
    knowledge = KnowledgeSettings(
        git_url=repository.url, git_folder="docs", path=tmp_path / "sources" / "default-1" / "docs"
    )
    return replace(library, settings=library.settings.model_copy(update={"knowledge": knowledge}))


def live(library: Library) -> Commit:
    state = library.store.state()
    assert state
    return state.live


def test_each_commit_that_changes_documents_is_a_generation_with_its_name(
    library: Library, repository: Repository
) -> None:
    library.ingest()
    assert (live(library).generation, live(library).label) == (1, repository.head)
    first = repository.head
    repository.commit({"README.md": "# Other\n"})
    library.ingest()
    assert (live(library).generation, live(library).label) == (1, first)  # its documents are the same
    second = repository.commit({"docs/a.md": "# Harbour\n\nThe harbour is crimson and old.\n"})
    report = library.ingest()
    assert (live(library).generation, live(library).label) == (2, second)
    assert report.documents.unchanged == 1
    earlier = library.store.state()
    assert earlier
    assert earlier.history[0].label == first


def test_a_citation_leads_to_the_lines_at_the_commit_on_the_forge(library: Library, repository: Repository) -> None:
    library.ingest()
    (chunk,) = (chunk for chunk in library.chunks() if "crimson" in chunk.content)
    template = "https://git.example.com/acme/{source}/{commit}#L{line}"
    assert PassageUrls(template).of(chunk) == f"https://git.example.com/acme/a.md/{repository.head}#L{chunk.start_line}"
    assert PassageUrls(template).of(replace(chunk, commit="")).startswith("/docs/a.md?")


def test_a_backup_carries_the_commit(library: Library, make_library: MakeLibrary, tmp_path: Path) -> None:
    library.ingest()
    export_backup(library.store, tmp_path / "backup.parquet")
    other = make_library()
    import_backup(other.settings, other.store, other.embedder, tmp_path / "backup.parquet")
    assert live(other).label == live(library).label != ""


def test_a_preview_compares_with_the_newest_commit_and_changes_nothing(
    library: Library, repository: Repository
) -> None:
    library.ingest()
    repository.commit({"docs/new.md": "# New\n\nSomething new.\n"})
    plan = preview(library.settings, library.store, library.embedder)
    assert [file.source for file in plan.added] == ["new.md"]
    assert live(library).generation == 1


def test_what_cannot_be_fetched_leaves_the_live_generation(library: Library, repository: Repository) -> None:
    library.ingest()
    before = library.live()
    repository.folder.root.rename(repository.folder.root.with_name("gone"))
    with pytest.raises(SourceError):
        library.ingest()
    assert library.live() == before
    repository.folder.root.with_name("gone").rename(repository.folder.root)
    repository.commit({"docs/new.md": "# New\n\nSomething new.\n"})
    library.ingest()
    assert live(library).label == repository.head


def test_a_commit_that_the_gate_refuses_leaves_the_live_generation(library: Library, repository: Repository) -> None:
    library.ingest()
    good = repository.head
    repository.commit({"docs/a.md": "# Harbour\n\nThe harbour is turquoise.\n"})
    with pytest.raises(GoldenQuestionsLost):
        library.ingest()
    assert live(library).label == good


def test_a_document_that_is_gone_from_the_branch_goes_with_its_commit(library: Library, repository: Repository) -> None:
    library.ingest()
    repository.git("rm", "--quiet", "docs/b.md")
    repository.commit()
    assert library.ingest().documents.removed == 1


def test_progress_is_told_while_the_documents_are_fetched(library: Library) -> None:
    told: list[object] = []

    def plan(made: Plan) -> None:
        told.append("plan")

    def progress(made: Progress) -> None:
        told.append(made.documents_total)

    library.ingest(on_plan=plan, on_progress=progress)
    assert told.index("plan") > 0
    assert set(told[: told.index("plan")]) == {0}


def test_a_document_has_the_date_of_its_commit_or_none_but_never_that_of_its_copy(
    library: Library, repository: Repository
) -> None:
    library.ingest()
    assert {record.date for record in library.store.snapshot().documents().values()} == {""}
    repository.commit({"docs/a.md": "# Harbour\n\nThe harbour is crimson and old.\n"})
    knowledge = library.settings.knowledge.model_copy(update={"git_depth": 0})
    replace(library, settings=library.settings.model_copy(update={"knowledge": knowledge})).ingest()
    assert library.store.snapshot().documents()["a.md"].date == "2026-03-01"
