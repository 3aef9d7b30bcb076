"""Documents show the pictures of their folder, and nothing else is served as one."""

import os
import re
from pathlib import Path

import httpx2
import pytest

from api.page.document_html import render_document
from api.page.pictures import MAX_PICTURE_BYTES, Pictures
from ingest.readers.parse import parse_document
from rag.errors import DocumentNotFound
from rag.settings import KnowledgeSettings
from tests.kit.api_keys import key_of
from tests.kit.processes import Workspace, assert_json_error

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
KINDS = {
    "a.png": (PNG, "image/png"),
    "b.jpg": (b"\xff\xd8\xff\xe0" + b"0" * 9, "image/jpeg"),
    "c.GIF": (b"GIF89a" + b"0" * 9, "image/gif"),
    "d.webp": (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
    "e.avif": (b"\0\0\0\x20ftypavif0000", "image/avif"),
    "named-jpeg-but-png.jpeg": (PNG, "image/png"),
}
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"


def pictures(folder: Path, **files: bytes) -> Pictures:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Pictures(KnowledgeSettings(path=folder))


@pytest.mark.parametrize("name", KINDS)
def test_a_picture_has_the_type_of_its_bytes(tmp_path: Path, name: str) -> None:
    content, kind = KINDS[name]
    assert pictures(tmp_path, **{name: content}).read(name) == (kind, content)


@pytest.mark.parametrize(
    ("path", "folder", "found"),
    [
        ("a.png", "guides", "guides/a.png"),
        ("b.png", "guides", "assets/b.png"),
        ("a.png", "", "a.png"),
        ("img/c.png", "", "static/img/c.png"),
        ("deep.png", "guides", "x/deep.png"),
        ("guides/a.png", "guides", "guides/a.png"),
    ],
)
def test_a_picture_is_found_where_it_is_written_or_else_by_its_name(
    tmp_path: Path, path: str, folder: str, found: str
) -> None:
    names = ("a.png", "guides/a.png", "assets/b.png", "static/img/c.png", "x/y/deep.png", "x/deep.png")
    files = {name: PNG + name.encode() for name in names}
    assert pictures(tmp_path, **files).read(path, folder)[1] == PNG + found.encode()


@pytest.mark.parametrize(
    "name",
    [".hidden.png", ".git/x.png", "ignored/x.png", "excluded/x.png", "svg.svg", "svg.png", "empty.png", "text.txt"],
)
def test_what_is_hidden_ignored_or_no_picture_is_not_served(tmp_path: Path, name: str) -> None:
    contents = {"svg.svg": SVG, "svg.png": SVG, "empty.png": b""}
    pictures(tmp_path, **{name: contents.get(name, PNG), ".gitignore": b"ignored/\n", "seen.png": PNG})
    shown = Pictures(KnowledgeSettings(path=tmp_path, exclude=("excluded/",)))
    assert shown.read("seen.png")
    with pytest.raises(DocumentNotFound, match="there is no picture"):
        shown.read(name)


def test_nothing_outside_the_folder_and_nothing_too_large_is_served(tmp_path: Path) -> None:
    folder = tmp_path / "knowledge"
    shown = pictures(folder, **{"large.png": PNG, "in.png": PNG})
    os.truncate(folder / "large.png", MAX_PICTURE_BYTES + 1)
    (tmp_path / "out.png").write_bytes(PNG)
    (folder / "link.png").symlink_to(tmp_path / "out.png")
    os.link(tmp_path / "out.png", folder / "hard.png")
    for path in ("large.png", "link.png", "hard.png", "../out.png", str(tmp_path / "out.png"), "..", "", "\0"):
        with pytest.raises(DocumentNotFound):
            shown.read(path, "..")
    assert shown.read("in.png")


def test_a_folder_that_is_not_on_this_machine_has_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(DocumentNotFound):
        Pictures(KnowledgeSettings(path=tmp_path / "nowhere")).read("a.png")


# In documents


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("![alt](img/a.png)", '<img src="/pictures/img/a.png?in=guides" alt="alt" loading="lazy">'),
        ('![alt](../a%20b.PNG "why")', '<img src="/pictures/a%20b.PNG" alt="alt (why)" loading="lazy">'),
        ("![](/img/c.png)", '<img src="/pictures/img/c.png" alt="" loading="lazy">'),
        ("![[shot.webp|300]]", '<img src="/pictures/shot.webp?in=guides" alt="" loading="lazy">'),
        ('<img src="d.gif" onerror="alert(1)">', '<img src="/pictures/d.gif?in=guides" alt="" loading="lazy">'),
        ("![logo](logo.svg)", '<span class="image">logo</span>'),
        ("![x](data:image/png;base64,AAAA)", '<span class="image">x</span>'),
        ("![x](//evil.example/a.png)", '<span class="image">x</span>'),
        (
            "![x](https://evil.example/a.png)",
            '<a class="image" href="https://evil.example/a.png" rel="noopener noreferrer nofollow">x</a>',
        ),
    ],
)
def test_a_document_shows_the_pictures_of_the_folder_and_names_all_others(text: str, html: str) -> None:
    shown = render_document(parse_document("guides/a.md", f"first\n\n{text}\n".encode())).html()
    assert re.sub("</?p>|\n", "", shown) == f"first{html}"


def test_pictures_are_served_with_a_type_that_cannot_run_and_need_the_key_that_documents_need(
    workspace: Workspace,
) -> None:
    (workspace.write("guides/a.md", "# A\n\n![shot](shot.png)\n").parent / "shot.png").write_bytes(PNG)
    with workspace.serving() as server:
        assert server.ingest()["error"] is None
        page = server.client.get("/docs/guides/a.md", headers={"Accept": "text/html"})
        (address,) = re.findall(r'<img src="([^"]+)"', page.text)
        response = server.client.get(address)
        assert (response.status_code, response.content) == (200, PNG)
        assert response.headers["content-type"] == "image/png"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["content-security-policy"].startswith("default-src 'none'; sandbox")
        for path in ("nothing.png", "guides/a.md", "..%2fx.png", "%2fetc%2fpasswd"):
            assert_json_error(server.client.get(f"/pictures/{path}"), 404, "document_not_found")
    with workspace.given(ZHIWEN_SERVE__KEYS=f"reader:ask:{key_of('reader')}").serving() as server:
        assert_json_error(httpx2.get(f"{server.url}{address}", trust_env=False), 401, "key_missing")
        keyed = httpx2.get(f"{server.url}{address}", trust_env=False, headers={"X-API-Key": key_of("reader")})
        assert keyed.content == PNG
