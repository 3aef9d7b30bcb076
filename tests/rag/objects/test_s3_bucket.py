"""Files that are put into a bucket and deleted there, through the boto3 that people install."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import StoreError
from rag.objects.s3_bucket import BucketAddress, S3Bucket
from tests.kit.bucket_server import KEY, Bucket, bucket_server

pytest.importorskip("boto3", reason="boto3 is not installed; the extra s3 has it")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name, value in {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": "secret", "AWS_MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with bucket_server({"zhiwen/other/keep": b"kept", "elsewhere": b"kept"}) as running:
        yield running


def opened(bucket: Bucket) -> S3Bucket:
    address = BucketAddress("s3://handbook/zhiwen", bucket.url, "eu-central-1")
    return S3Bucket(address, error=StoreError, advice="check it")


def test_a_file_is_put_below_the_prefix_and_named_by_its_key(tmp_path: Path, bucket: Bucket) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    assert opened(bucket).put_file("kb/a.parquet", tmp_path / "a.parquet") == "zhiwen/kb/a.parquet"
    assert bucket.objects["zhiwen/kb/a.parquet"] == b"PAR1"


def test_only_what_is_below_a_path_is_deleted(tmp_path: Path, bucket: Bucket) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    objects = opened(bucket)
    for number in range(5):  # more than a page of a list
        objects.put_file(f"kb/{number}.parquet", tmp_path / "a.parquet")
    objects.delete_folder("kb")
    assert sorted(bucket.objects) == ["elsewhere", "zhiwen/other/keep"]


def test_a_bucket_that_refuses_is_an_error_that_names_it(tmp_path: Path, bucket: Bucket) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    bucket.closed = True
    with pytest.raises(StoreError, match=r"s3://handbook/zhiwen: .*AccessDenied.*; check it"):
        opened(bucket).put_file("kb/a.parquet", tmp_path / "a.parquet")
    with pytest.raises(StoreError, match=r"s3://handbook/zhiwen: .*; check it"):
        opened(bucket).delete_folder("kb")
