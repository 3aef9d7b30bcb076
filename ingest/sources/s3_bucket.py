"""The documents of a bucket of S3, or of a server that speaks its protocol, such as MinIO."""

from collections.abc import Iterator

from rag.errors import SourceError
from rag.objects.s3_bucket import BucketAddress, S3Bucket
from rag.source_settings import SourceSettings

_ADVICE = (
    "check s3_url, s3_endpoint and s3_region, and that AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY may list and read "
    "it. The live generation stays as it is"
)


class S3Documents:
    """The objects at the address in the settings. Methods raise SourceError, also if the extra `s3` is missing."""

    def __init__(self, settings: SourceSettings) -> None:
        address = BucketAddress(settings.s3_url, settings.s3_endpoint, settings.s3_region)
        self._bucket = S3Bucket(address, error=SourceError, advice=_ADVICE)

    def list_documents(self) -> Iterator[tuple[str, str]]:
        """Yield the path of each object and its ETag."""
        return self._bucket.list_objects()

    def read_document(self, path: str, version: str, *, max_bytes: int) -> bytes:
        """Return the bytes of an object if it still has this ETag."""
        return self._bucket.read_object(path, version, max_bytes=max_bytes)
