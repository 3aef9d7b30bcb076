"""A bucket of S3, or of a server that speaks its protocol, such as MinIO."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from rag.errors import SourceError
from rag.first_line import first_line
from rag.optional_packages import require_extra
from rag.source_settings import SourceSettings

_CONNECT_SECONDS = 10
_READ_SECONDS = 20
_ATTEMPTS = 3


class S3Bucket:
    """The objects of a bucket, or those below a prefix. The version of one is its ETag.

    Raises SourceError if the extra `s3` is missing. The credentials are those that boto3 finds, in the environment or
    from the machine.
    """

    def __init__(self, settings: SourceSettings) -> None:
        require_extra("s3", ["boto3"], purpose=settings.s3_url, error=SourceError)
        self._settings = settings
        self._bucket, _, prefix = settings.s3_url.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""

    def list_documents(self) -> Iterator[tuple[str, str]]:
        """Yield the key of each object, without the prefix, and its ETag. Raises SourceError."""
        with self._errors():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            for page in pages:
                for found in page.get("Contents", ()):
                    yield found["Key"].removeprefix(self._prefix), found["ETag"]

    def read_document(self, path: str, version: str, *, max_bytes: int) -> bytes:
        """Return the bytes of an object if it still has this ETag. Raises SourceError."""
        with self._errors():
            found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + path, IfMatch=version)
            with found["Body"] as body:
                content: bytes = body.read(max_bytes)
            return content

    @cached_property
    def _client(self) -> Any:
        import boto3  # noqa: PLC0415  (an extra, and slow to import)
        from botocore.config import Config  # noqa: PLC0415

        settings = self._settings
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"total_max_attempts": _ATTEMPTS},
            response_checksum_validation="when_required",  # other servers do not know the checksums of AWS
            # Names of buckets are no hosts there, either.
            s3={"addressing_style": "path"} if settings.s3_endpoint else None,
        )
        return boto3.session.Session().client(
            "s3", endpoint_url=settings.s3_endpoint or None, region_name=settings.s3_region or None, config=config
        )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        try:
            yield
        except (BotoCoreError, ClientError, HTTPError) as error:
            raise SourceError(
                f"{self._settings.s3_url}: {first_line(error)}; check s3_url, s3_endpoint and s3_region, and that "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY may list and read it. The live generation stays as it is"
            ) from error
