"""A file of every format is found and cited by its line."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.sync import ingest
from rag.models.embedders.builtin import BuiltinEmbedder
from rag.retrieval.search import retrieve
from rag.settings import KnowledgeSettings, Settings, StoreSettings
from rag.store.store import Store
from rag.types import Hit
from tests.kit.corpus import Folder
from tests.kit.pdf_files import pdf_of
from tests.kit.word_files import docx_of, paragraph


@dataclass(frozen=True, slots=True)
class Shelf:
    folder: Folder
    find: Callable[[str], Hit]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """A document of every format, ingested with the built-in embedder."""
    place: Path = tmp_path_factory.mktemp("kinds")
    folder = Folder(place / "knowledge")
    folder.write("plain.txt", "Notes\n\n* The walrus weighs 1200 kilos.\n")
    folder.write("page.html", "<h1>Animals</h1>\n<p>The heron nests in March.</p>\n\n<p>Loud.</p>\n")
    folder.write(
        "page.htm", "<table>\n<tr><th>Animal</th><th>Legs</th></tr>\n<tr><td>spider</td><td>8</td></tr></table>"
    )
    folder.write("app.mdx", "import X from 'x'\n\n# Otters\n\nThe otter sleeps on its back.\n")
    folder.write("long.markdown", "# Moles\n\nThe mole digs eighteen metres of tunnel a day.\n")
    folder.write("中文.md", "# 大熊猫\n\n大熊猫每天要吃三十八公斤竹子。\n".encode("gb18030"))
    folder.write("宽字符.md", "# 金丝猴\n\n金丝猴住在海拔三千米的树林里。\n".encode("utf-16"))
    folder.write("report.pdf", pdf_of("A cover page.", "The badger has forty teeth minus two."))
    folder.write("letter.docx", docx_of(paragraph("Bats", "Heading1"), paragraph("The bat hears its own echo.")))
    include = (*KnowledgeSettings().include, "*.pdf", "*.docx")
    options = Settings(
        knowledge=KnowledgeSettings(path=folder.root, include=include), store=StoreSettings(uri=str(place / "m.db"))
    )
    embedder = BuiltinEmbedder()
    store = Store.open(options.store)
    report = ingest(options, store, embedder)
    assert report.failures == []
    assert report.documents.added == 9
    yield Shelf(
        folder, lambda question: retrieve(question, store.snapshot(), embedder, options.retrieval, top_k=1).hits[0]
    )
    store.close()


@pytest.mark.parametrize(
    ("question", "source", "line", "words"),
    [
        ("How heavy is the walrus?", "plain.txt", 3, "* The walrus weighs 1200 kilos."),
        ("When does the heron nest?", "page.html", 2, "The heron nests in March."),
        ("How many legs has a spider?", "page.htm", 3, "spider"),
        ("How does the otter sleep?", "app.mdx", 5, "The otter sleeps on its back."),
        ("How far does a mole dig in a day?", "long.markdown", 3, "The mole digs eighteen metres"),
        ("大熊猫每天吃多少竹子？", "中文.md", 3, "大熊猫每天要吃三十八公斤竹子。"),
        ("金丝猴住在哪里？", "宽字符.md", 3, "金丝猴住在海拔三千米的树林里。"),
        ("How many teeth has the badger?", "report.pdf", 2, "The badger has forty teeth"),
        ("What does the bat hear?", "letter.docx", 2, "The bat hears its own echo."),
    ],
)
def test_a_file_of_any_format_is_found_and_cited_by_its_line(
    shelf: Shelf, question: str, source: str, line: int, words: str
) -> None:
    hit = shelf.find(question)
    assert hit.chunk.source == source
    assert words in hit.chunk.content
    assert hit.chunk.start_line <= line <= hit.chunk.end_line
