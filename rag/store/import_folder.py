"""Where a Milvus server finds the files that it imports: in a bucket, or in a folder of this machine."""

import shutil
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from rag.errors import StoreError
from rag.objects.s3_bucket import BucketAddress, S3Bucket
from rag.settings import StoreSettings

_ADVICE = (
    "check store.bulk_import_url, store.bulk_import_endpoint and store.bulk_import_region, and that AWS_ACCESS_KEY_ID "
    "and AWS_SECRET_ACCESS_KEY may list, write and delete there. The live generation stays as it is"
)


class ImportFolder(Protocol):
    """Where a server finds files to import. Every method raises StoreError."""

    def put_file(self, path: str, file: Path) -> str:
        """Copy a file there. Return the name by which Milvus finds it."""
        ...

    def delete_folder(self, folder: str) -> None:
        """Delete a folder that `put_file` has made, with its files, if it is there."""
        ...


class LocalFolder:
    """A folder of this machine that the server reads, too. Every method raises StoreError."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put_file(self, path: str, file: Path) -> str:
        place = self._root / path
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
        except OSError as error:
            raise StoreError(f"{place} cannot be written: {error.strerror}; check store.bulk_import_url") from error
        return str(place)

    def delete_folder(self, folder: str) -> None:
        place = self._root / folder
        try:
            for file in place.glob("*.parquet"):
                file.unlink()
            if place.exists():
                place.rmdir()
        except OSError as error:
            raise StoreError(f"{place} cannot be deleted: {error.strerror}") from error


def open_import_folder(settings: StoreSettings) -> ImportFolder | None:
    """Return where the settings say that files to import go; None if they do not."""
    url = settings.bulk_import_url
    if not url:
        return None
    if url.startswith("file:"):
        return LocalFolder(Path(unquote(urlsplit(url).path)))
    address = BucketAddress(url, settings.bulk_import_endpoint, settings.bulk_import_region)
    return S3Bucket(address, error=StoreError, advice=_ADVICE)
