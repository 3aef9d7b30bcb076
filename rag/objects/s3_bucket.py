"""A bucket of S3, or of a server that speaks its protocol, such as MinIO."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rag.errors import ZhiwenError
from rag.first_line import first_line
from rag.optional_packages import require_extra

_CONNECT_SECONDS = 10
_READ_SECONDS = 20
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """`s3://` with a bucket and perhaps a prefix; `endpoint` is empty for AWS, `region` if boto3 finds one."""

    url: str
    endpoint: str = ""
    region: str = ""


class S3Bucket:
    """The objects of a bucket, or those below a prefix. The version of one is its ETag.

    The credentials are those that boto3 finds, in the environment or from the machine. Every method raises `error`,
    whose message ends with `advice`, or says that the extra `s3` is missing.
    """

    def __init__(self, address: BucketAddress, *, error: type[ZhiwenError], advice: str) -> None:
        self._address = address
        self._error = error
        self._advice = advice
        self._bucket, _, prefix = address.url.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""

    def list_objects(self, folder: str = "") -> Iterator[tuple[str, str]]:
        """Yield the path of each object, or of each in a folder, without the prefix, and its ETag."""
        below = f"{self._prefix}{folder}/" if folder else self._prefix
        with self._errors():
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=below):
                for found in page.get("Contents", ()):
                    yield found["Key"].removeprefix(self._prefix), found["ETag"]

    def read_object(self, path: str, version: str, *, max_bytes: int) -> bytes:
        """Return the bytes of an object if it still has this ETag."""
        with self._errors():
            found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + path, IfMatch=version)
            with found["Body"] as body:
                content: bytes = body.read(max_bytes)
            return content

    def put_file(self, path: str, file: Path) -> str:
        """Store the content of a file as an object. Return its key in the bucket."""
        with self._errors(), file.open("rb") as content:
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + path, Body=content)
        return self._prefix + path

    def delete_folder(self, folder: str) -> None:
        """Delete the objects in a folder."""
        for path, _ in list(self.list_objects(folder)):
            with self._errors():
                self._client.delete_object(Bucket=self._bucket, Key=self._prefix + path)

    @cached_property
    def _client(self) -> Any:
        import boto3  # noqa: PLC0415  (an extra, and slow to import)
        from botocore.config import Config  # noqa: PLC0415

        address = self._address
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"total_max_attempts": _ATTEMPTS},
            # Other servers do not know the checksums of AWS.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            # Names of buckets are no hosts there, either.
            s3={"addressing_style": "path"} if address.endpoint else None,
        )
        return boto3.session.Session().client(
            "s3", endpoint_url=address.endpoint or None, region_name=address.region or None, config=config
        )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        require_extra("s3", ["boto3"], purpose=self._address.url, error=self._error)
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        try:
            yield
        except (BotoCoreError, ClientError, HTTPError) as error:
            raise self._error(f"{self._address.url}: {first_line(error)}; {self._advice}") from error
