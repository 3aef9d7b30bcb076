"""A generation that would show a key what golden.yaml says that it must not see does not go live."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from ingest.golden.questions import MustNotSee, golden_file
from ingest.staging.report import IngestReport
from ingest.sync import ingest
from rag.errors import GoldenQuestionsLost, KnowledgeError
from rag.rights import UNLIMITED, Grant, Rights
from rag.store.filters import Equals
from rag.wiring import open_store
from tests.kit.corpus import Folder, Library, library_in, settings_for

RIGHTS = {
    "public": Rights((Grant(None, Equals("tags", "public")),)),
    "elsewhere": Rights((Grant(frozenset({"handbook"})),)),
    "all": UNLIMITED,
}
HIDDEN = [
    {"key": "public", "source": "pay/"},
    {"key": "public", "source": "plan.md"},
    {"key": "elsewhere", "source": "pay/"},
]


@dataclass(frozen=True, slots=True)
class Office:
    """A folder with documents of which some are hidden."""

    library: Library

    def write(self, source: str, tags: str) -> None:
        self.library.folder.write(source, f"---\ntags: [{tags}]\n---\n\n# {source}\n\nThe text of {source}.\n")

    def hide(self, *hidden: dict[str, str]) -> None:
        self.library.folder.write("golden.yaml", yaml.safe_dump({"questions": [], "must_not_see": list(hidden)}))

    def ingest(self, *, force: bool = False, rights: dict[str, Rights] = RIGHTS) -> IngestReport:
        library = self.library
        return ingest(library.settings, library.store, library.embedder, force=force, rights=rights)

    def sources(self) -> set[str]:
        return set(self.library.store.snapshot().documents())


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_store(settings_for(tmp_path / "docs", tmp_path / "m.db")) as store:
        office = Office(library_in(store, Folder(tmp_path / "docs")))
        office.write("README.md", "public")
        office.write("pay/grades.md", "hr")
        office.hide(*HIDDEN)
        assert office.ingest().ok
        yield office


def test_what_is_hidden_may_change_as_long_as_it_stays_hidden(office: Office) -> None:
    office.write("pay/more.md", "hr, board")
    office.write("plan.md.txt", "public")  # not the document that is named
    assert office.ingest().ok
    assert {"pay/more.md", "plan.md.txt"} <= office.sources()


def test_a_document_that_becomes_visible_holds_up_the_generation(office: Office) -> None:
    office.write("plan.md", "hr, public")
    office.write("pay/grades.md", "public")
    before = office.library.store.snapshot().generation
    with pytest.raises(GoldenQuestionsLost) as caught:
        office.ingest()
    assert "nothing was changed" in str(caught.value)
    assert "public would see pay/grades.md; public would see plan.md" in str(caught.value)
    assert office.library.store.snapshot().generation == before
    assert "plan.md" not in office.sources()
    assert office.ingest(force=True).ok
    assert "plan.md" in office.sources()


def test_a_key_that_gets_more_rights_is_noticed_without_any_change_in_the_folder(office: Office) -> None:
    with pytest.raises(GoldenQuestionsLost, match=r"elsewhere would see pay/grades\.md"):
        office.ingest(rights=RIGHTS | {"elsewhere": Rights((Grant(frozenset({"default"})),))})


def test_a_name_that_no_key_has_is_an_error_unless_there_are_no_keys(office: Office) -> None:
    office.hide({"key": "pubilc", "source": "pay/"})
    office.write("new.md", "hr")
    with pytest.raises(KnowledgeError, match="must_not_see names pubilc, but no API key or group has this name"):
        office.ingest()
    assert office.ingest(rights={}).ok


def test_many_documents_are_named_in_part(office: Office) -> None:
    for number in range(8):
        office.write(f"pay/{number}.md", "public")
    with pytest.raises(GoldenQuestionsLost, match=r"pay/0\.md, .*pay/4\.md and 3 more\."):
        office.ingest()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("questions: []\nmust_not_see: [{key: a}]", "must_not_see.0.source: Field required"),
        ("questions: []\nmust_not_see: [{key: a, source: ''}]", "must_not_see.0.source"),
        ("questions: []\nmust_not_see: {a: b}", "must_not_see"),
    ],
)
def test_a_bad_entry_names_its_place(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "golden.yaml").write_text(text, "utf-8")
    with pytest.raises(KnowledgeError) as caught:
        golden_file(tmp_path)
    assert words in str(caught.value)


def test_a_folder_is_named_with_a_slash() -> None:
    assert MustNotSee(key="a", source="pay/").names("pay/grades.md")
    assert not MustNotSee(key="a", source="pay").names("pay/grades.md")
    assert not MustNotSee(key="a", source="pay/").names("payroll.md")
