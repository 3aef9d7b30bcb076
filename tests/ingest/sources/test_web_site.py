"""A web site as a source, through the robots.txt parser that people install."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.sources.copies import (
    current_copy,
    last_update,
    page_addresses,
    pages_passed_over,
    probe_source,
    remote_version,
)
from rag.errors import IngestStopped, SourceError
from rag.settings import KnowledgeSettings
from tests.kit.site_server import Reply, Site, site_server

pytest.importorskip("protego", reason="protego is not installed; the extra web has it")


@pytest.fixture
def site() -> Iterator[Site]:
    with site_server() as site:
        site.page("/a.md", "# A\n\nApples.\n")
        site.page("/guide/b.md", "# B\n\nBread.\n")
        site.sitemap("/a.md", "/guide/b.md")
        yield site


def settings_of(place: Path, site: Site, url: str = "/sitemap.xml", **others: object) -> KnowledgeSettings:
    values = {"web_url": site.url + url, "web_pause_seconds": 0, **others}
    return KnowledgeSettings.model_validate({**values, "path": place / "sources" / "default-1"})


def update(settings: KnowledgeSettings) -> str:
    with current_copy(settings, "default") as version:
        return version


def copied(settings: KnowledgeSettings) -> dict[str, str]:
    files = [path for path in settings.path.rglob("*") if path.is_file()]
    return {path.relative_to(settings.path).as_posix(): path.read_text() for path in files}


def failure(settings: KnowledgeSettings) -> str:
    """Update, and return the error, which status shows; the copy has what it had."""
    before = copied(settings)
    with pytest.raises(SourceError) as caught:
        update(settings)
    assert copied(settings) == before
    assert last_update(settings).error == str(caught.value)
    return str(caught.value)


def test_the_pages_of_a_sitemap_are_copied_and_known_by_their_addresses(tmp_path: Path, site: Site) -> None:
    settings = settings_of(tmp_path, site)
    assert update(settings) == remote_version(settings, "default")
    assert copied(settings) == {"a.md": "# A\n\nApples.\n", "guide/b.md": "# B\n\nBread.\n"}
    assert page_addresses(settings) == {"a.md": f"{site.url}/a.md", "guide/b.md": f"{site.url}/guide/b.md"}
    assert {headers["User-Agent"] for headers in site.headers} == {"zhiwen"}


def test_a_page_that_has_not_changed_costs_an_answer_without_content(tmp_path: Path, site: Site) -> None:
    settings = settings_of(tmp_path, site)
    before = update(settings)
    site.statuses()
    assert update(settings) == before
    assert site.statuses() == {"/sitemap.xml": 200, "/a.md": 304, "/guide/b.md": 304}
    site.page("/a.md", "# A\n\nAnchors.\n")
    site.sitemap("/a.md")
    assert remote_version(settings, "default") != before
    assert "Apples" in copied(settings)["a.md"]  # a look changes nothing
    site.statuses()
    assert update(settings) != before
    assert site.statuses() == {"/sitemap.xml": 200, "/a.md": 200}
    assert copied(settings) == {"a.md": "# A\n\nAnchors.\n"}


def test_what_the_sitemap_says_of_a_change_is_believed_unless_it_is_of_today(tmp_path: Path, site: Site) -> None:
    settings = settings_of(tmp_path, site)
    site.sitemap("/a.md", "/guide/b.md", changed="2026-01-31")
    update(settings)
    site.statuses()
    update(settings)
    assert site.statuses() == {"/sitemap.xml": 200}
    for changed in ("2026-02-01", "9999-12-30", "yesterday"):
        site.sitemap("/a.md", changed=changed)
        update(settings)
        assert site.statuses()["/a.md"] == 304
    update(settings)
    assert site.statuses()["/a.md"] == 304  # "yesterday" is no date


def test_a_document_of_the_copy_that_was_changed_is_read_again(tmp_path: Path, site: Site) -> None:
    settings = settings_of(tmp_path, site)
    update(settings)
    before = copied(settings)
    (settings.path / "a.md").write_text("half")
    (settings.path / "left.md").write_text("over")
    update(settings)
    assert copied(settings) == before


def test_sitemaps_may_be_packed_and_name_others_and_a_loop_of_them_ends(tmp_path: Path, site: Site) -> None:
    site.sitemap("/one.xml.gz", "/index.xml", at="/index.xml")
    site.sitemap("/a.md", at="/one.xml.gz", packed=True)
    settings = settings_of(tmp_path, site, "/index.xml")
    update(settings)
    assert list(copied(settings)) == ["a.md"]


def test_a_list_of_addresses_is_one_of_pages(tmp_path: Path, site: Site) -> None:
    site.replies["/urls.txt"] = Reply(f"{site.url}/a.md\n/guide/b.md\n".encode(), "text/plain")
    settings = settings_of(tmp_path, site, "/urls.txt")
    update(settings)
    assert set(copied(settings)) == {"a.md", "guide/b.md"}


def test_the_links_of_a_page_are_followed_once_and_not_out_of_its_folder(tmp_path: Path, site: Site) -> None:
    site.page("/guide/", '<a href="b.md#x">b</a> <a href="../a.md">a</a> <a href="c">c</a>', "text/html")
    site.page("/guide/c", '<title>C</title><main><h1>Cheese</h1></main><a href="d">d</a>', "text/html")
    site.page("/guide/d", "<h1>D</h1>", "text/html")
    settings = settings_of(tmp_path, site, "/guide/")
    update(settings)
    assert set(copied(settings)) == {"guide/index.html", "guide/b.md", "guide/c.page.html"}
    assert "Cheese" in copied(settings)["guide/c.page.html"]


def test_what_include_and_exclude_leave_out_is_not_asked_for(tmp_path: Path, site: Site) -> None:
    site.sitemap("/a.md", "/guide/b.md", "/picture.png", "/paper.pdf")
    settings = settings_of(tmp_path, site, exclude=("guide/",))
    update(settings)
    assert site.statuses() == {"/sitemap.xml": 200, "/a.md": 200}


def test_what_robots_txt_closes_is_named_and_its_delay_is_kept(tmp_path: Path, site: Site) -> None:
    rules = "User-agent: *\nDisallow: /\n\nUser-agent: zhiwen\nDisallow: /guide/\n"
    site.page("/robots.txt", rules, "text/plain")
    settings = settings_of(tmp_path, site)
    update(settings)
    assert list(copied(settings)) == ["a.md"]
    assert "/guide/b.md" not in site.statuses()
    assert "robots.txt closes" in pages_passed_over(settings)[f"{site.url}/guide/b.md"]
    site.page("/robots.txt", "User-agent: *\nDisallow: /\n", "text/plain")
    assert "robots.txt closes" in failure(settings)
    site.page("/robots.txt", "User-agent: *\nCrawl-delay: 30\n", "text/plain")
    assert "longer than web_timeout_seconds" in failure(settings_of(tmp_path, site, web_timeout_seconds=0.2))
    site.status("/robots.txt", 301, Location="/rules.txt")
    site.page("/rules.txt", "User-agent: *\nDisallow: /\n", "text/plain")
    assert "robots.txt closes" in failure(settings)
    site.status("/robots.txt", 500)
    assert "robots.txt answers with the status 500" in failure(settings)
    site.status("/robots.txt", 403)
    update(settings)
    assert set(copied(settings)) == {"a.md", "guide/b.md"}


def test_no_entry_and_no_redirect_leads_to_another_host_or_port(tmp_path: Path, site: Site) -> None:
    with site_server() as other:
        other.page("/secret.md", "secret")
        site.status("/away.md", 302, Location=f"{other.url}/secret.md")
        site.status("/file.md", 302, Location="file:///etc/passwd")
        site.status("/moved.md", 301, Location="/a.md")
        site.sitemap("/away.md", "/file.md", "/moved.md", f"{other.url}/secret.md", "http://169.254.169.254/x.md")
        settings = settings_of(tmp_path, site)
        update(settings)
        assert page_addresses(settings) == {"a.md": f"{site.url}/a.md"}
        assert sorted(pages_passed_over(settings)) == sorted(
            [f"{site.url}/away.md", f"{site.url}/file.md", f"{other.url}/secret.md", "http://169.254.169.254/x.md"]
        )
        site.status("/sitemap.xml", 302, Location=f"{other.url}/secret.md")
        assert "is not on" in failure(settings)
        assert other.asked == []


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_is_gone_is_removed_and_named(tmp_path: Path, site: Site, status: int) -> None:
    settings = settings_of(tmp_path, site)
    update(settings)
    site.status("/a.md", status)
    update(settings)
    assert list(copied(settings)) == ["guide/b.md"]
    assert str(status) in pages_passed_over(settings)[f"{site.url}/a.md"]


def test_a_page_that_cannot_be_had_is_an_error_that_leaves_the_copy(tmp_path: Path, site: Site) -> None:
    settings = settings_of(tmp_path, site)
    update(settings)
    for status in (500, 503, 429, 401, 403, 418, 204):
        site.status("/a.md", status)
        assert f"/a.md answers with the status {status}" in failure(settings)
    site.status("/a.md", 302, Location="/a.md")
    assert "more than 5 times" in failure(settings)
    site.replies["/a.md"] = Reply(b"x", headers={"Content-Encoding": "br"})
    assert "encoded as br" in failure(settings)
    site.replies["/a.md"] = Reply(b"x", headers={"Content-Length": "9"})
    assert "/a.md: " in failure(settings)


def test_a_busy_server_is_asked_again_when_it_says(tmp_path: Path, site: Site) -> None:
    site.status("/a.md", 503, **{"Retry-After": "0"})
    with pytest.raises(SourceError, match="503"):
        update(settings_of(tmp_path, site))
    assert site.asked.count(("/a.md", 503)) == 3


def test_what_was_read_before_a_failure_need_not_be_read_again(tmp_path: Path, site: Site) -> None:
    settings = settings_of(tmp_path, site)
    site.status("/guide/b.md", 500)
    with pytest.raises(SourceError):
        update(settings)
    site.page("/guide/b.md", "# B\n")
    site.statuses()
    update(settings)
    assert site.statuses()["/a.md"] in (200, 304)  # whether it was read before the other one failed
    assert set(copied(settings)) == {"a.md", "guide/b.md"}


@pytest.mark.parametrize(
    ("sitemap", "problem"),
    [
        (b"", "it is no XML"),
        (b"<urlset>", "it is no XML"),
        (b"<html></html>", "it begins with <html>"),
        (b"<urlset></urlset>", "names no page"),
        (
            b'<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><urlset><url><loc>&c;</loc></url></urlset>',
            "document type",
        ),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><urlset/>', "document type"),
        (gzip.compress(b" " * 60_000_000), "larger than 52428800 bytes"),
        (gzip.compress(b"<urlset>")[:-12], "it is no XML"),
        (b"<urlset>" * 30, "20 levels"),
        (b"<urlset>" + b"<url><loc>/a</loc></url>" * 50_002, "more than 50000 entries"),
    ],
    ids="nothing half HTML empty entities outside huge truncated deep long".split(),
)
def test_what_is_no_sitemap_leaves_the_copy(tmp_path: Path, site: Site, sitemap: bytes, problem: str) -> None:
    settings = settings_of(tmp_path, site)
    update(settings)
    site.replies["/sitemap.xml"] = Reply(sitemap, "application/xml")
    assert problem in failure(settings)


def test_a_sitemap_that_is_gone_is_no_empty_one(tmp_path: Path, site: Site) -> None:
    site.sitemap("/one.xml", at="/index.xml")
    site.sitemap("/a.md", at="/one.xml")
    settings = settings_of(tmp_path, site, "/index.xml")
    update(settings)
    site.status("/one.xml", 404)
    assert "/one.xml: it answers with the status 404" in failure(settings)


FORM = '<title>Log in</title><form><input type="password" name="p"></form>'


def test_a_login_page_in_place_of_the_site_is_an_error(tmp_path: Path, site: Site) -> None:
    for path in ("/x", "/y"):
        site.page(path, "<h1>X</h1>", "text/html")
    site.sitemap("/x", "/y")
    settings = settings_of(tmp_path, site)
    update(settings)
    site.page("/login", FORM, "text/html")
    site.status("/x", 302, Location="/login")
    assert "asks for a password" in failure(settings)
    before = page_addresses(settings)
    for path in ("/x", "/y"):
        site.page(path, FORM, "text/html")
    with pytest.raises(SourceError, match="asks for a password"):
        update(settings)
    assert page_addresses(settings) == before
    with pytest.raises(SourceError, match="asks for a password"):
        update(settings_of(tmp_path, site, "/login"))


def test_numbers_and_sizes_have_limits(tmp_path: Path, site: Site) -> None:
    assert "more than web_max_pages (1)" in failure(settings_of(tmp_path, site, web_max_pages=1))
    site.page("/a.md", "x" * 1000)
    site.replies["/guide/b.md"] = Reply(gzip.compress(b"y" * 10_000_000), headers={"Content-Encoding": "gzip"})
    settings = settings_of(tmp_path, site, max_file_bytes=100)
    update(settings)
    # As much as an ingest needs to refuse it.
    assert copied(settings) == {"a.md": "x" * 101, "guide/b.md": "y" * 101}
    settings = settings_of(tmp_path, site, max_file_bytes=1000)
    update(settings)
    assert copied(settings) == {"a.md": "x" * 1000, "guide/b.md": "y" * 1001}


def test_a_site_that_does_not_answer_is_left_when_its_time_is_over_or_the_server_stops(
    tmp_path: Path, site: Site
) -> None:
    site.may_answer.clear()
    settings = settings_of(tmp_path, site, web_timeout_seconds=0.3)
    assert "web_timeout_seconds (0.3)" in failure(settings)
    calls = 0

    def stop() -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise IngestStopped("stop")

    with pytest.raises(IngestStopped):
        remote_version(settings, "default", stop)


def test_a_doctor_asks_for_the_list_only(tmp_path: Path, site: Site) -> None:
    assert probe_source(settings_of(tmp_path, site), "default")
    assert site.statuses() == {"/sitemap.xml": 200}


def test_a_site_that_cannot_be_reached_is_named(tmp_path: Path, site: Site) -> None:
    unreachable = settings_of(tmp_path, site).model_copy(update={"web_url": "http://127.0.0.1:1/"})
    with pytest.raises(SourceError, match=r"http://127\.0\.0\.1:1/.*check web_url and the network"):
        update(unreachable)


@pytest.mark.parametrize(("user", "expected"), [("", "Bearer t0ken"), ("me", "Basic bWU6dDBrZW4=")])
def test_a_token_is_sent_to_the_site(tmp_path: Path, site: Site, user: str, expected: str) -> None:
    update(settings_of(tmp_path, site, web_token="t0ken", web_user=user))  # noqa: S106  (a made-up one)
    assert {headers["Authorization"] for headers in site.headers} == {expected}
