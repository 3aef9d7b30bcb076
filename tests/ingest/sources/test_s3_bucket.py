"""A bucket as a source, through the boto3 that people install."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.files.scan import scan_knowledge
from ingest.sources.copies import current_copy, last_update, remote_version
from rag.errors import SourceError
from rag.settings import KnowledgeSettings
from tests.kit.bucket_server import KEY, Bucket, bucket_server

pytest.importorskip("boto3", reason="boto3 is not installed; the extra s3 has it")

OBJECTS = {
    "docs/a.md": b"# A\n\nApples.\n",
    "docs/sub/ä b&c.md": b"# B\n\nBread.\n",
    "docs/sub/": b"",
    "docs/golden.yaml": b"questions: []\n",
    "docs/picture.png": b"\x89PNG\r\n\x1a\n",
    "docs/film.mp4": b"film",
    "docs/.hidden.md": b"hidden",
    "docs/../out.md": b"out",
    "other.md": b"# Other\n",
}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name, value in {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": "secret", "AWS_MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with bucket_server(dict(OBJECTS)) as running:
        yield running


def settings_of(place: Path, bucket: Bucket, url: str = "s3://handbook/docs") -> KnowledgeSettings:
    return KnowledgeSettings(
        s3_url=url, s3_endpoint=bucket.url, s3_region="eu-central-1", path=place / "sources" / "default-1"
    )


def update(settings: KnowledgeSettings) -> str:
    with current_copy(settings, "default") as version:
        return version


def test_the_documents_below_a_prefix_are_copied_with_their_pictures(tmp_path: Path, bucket: Bucket) -> None:
    settings = settings_of(tmp_path, bucket)
    assert update(settings) == remote_version(settings, "default")
    assert [file.source for file in scan_knowledge(settings).files] == ["a.md", "sub/ä b&c.md"]
    assert sorted(path.name for path in settings.path.iterdir()) == ["a.md", "golden.yaml", "picture.png", "sub"]
    assert (settings.path / "a.md").read_bytes() == OBJECTS["docs/a.md"]


def test_only_an_object_that_has_changed_is_read_again(tmp_path: Path, bucket: Bucket) -> None:
    settings = settings_of(tmp_path, bucket)
    update(settings)
    bucket.reads.clear()
    bucket.objects["docs/a.md"] = b"# A\n\nAnchors.\n"
    update(settings)
    assert bucket.reads == ["docs/a.md"]


def test_a_bucket_that_refuses_leaves_the_copy_and_is_named(tmp_path: Path, bucket: Bucket) -> None:
    settings = settings_of(tmp_path, bucket)
    update(settings)
    bucket.closed = True
    with pytest.raises(SourceError, match=r"s3://handbook/docs: .*AccessDenied.*AWS_ACCESS_KEY_ID") as caught:
        update(settings)
    assert last_update(settings).error == str(caught.value)
    assert (settings.path / "a.md").exists()


def test_what_cannot_be_reached_is_named(tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match="NoSuchBucket"):
        update(settings_of(tmp_path, bucket, "s3://nothing"))
    nowhere = settings_of(tmp_path, bucket).model_copy(update={"s3_endpoint": "http://127.0.0.1:1"})
    with pytest.raises(SourceError, match="Could not connect"):
        update(nowhere)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(SourceError, match="credentials"):
        update(settings_of(tmp_path, bucket))
