"""An ingest on a disk without room, as a process of its own: `python -m tests.kit.full_disk PLACE DISK HOW`.

It ingests PLACE/docs into a copy of PLACE/m.db on DISK, and again after there is room. HOW is `fill N`, with N bytes
free on DISK, or `limit N`, with files limited to N bytes more than the database has. It prints a FullDisk as JSON.
"""

import json
import os
import resource
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from ingest.sync import ingest
from rag.errors import StoreError, ZhiwenError
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.settings import Settings
from rag.store.store import Store
from tests.kit.corpus import Folder, settings_for
from tests.kit.shelf import Shelf


@dataclass(frozen=True, slots=True)
class FullDisk:
    """What happened on the full disk, and again with room: the error of the ingest, "" for none, and what was found."""

    full: str
    old_after_full: bool
    new_after_full: bool
    again: str
    old_after_again: bool
    new_after_again: bool


def main(place: Path, disk: Path, how: str) -> None:
    shutil.copy2(place / "m.db", disk / "m.db")
    settings = settings_for(place / "docs", disk / "m.db")
    settings = settings.model_copy(update={"store": settings.store.model_copy(update={"timeout_seconds": 3})})
    kind, _, room = how.partition(" ")
    _, unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    if kind == "limit":
        size = (disk / "m.db").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + int(room), unlimited))
    store = Store.open(settings.store)
    if kind == "fill":
        free = os.statvfs(disk)
        (disk / "ballast").write_bytes(bytes(free.f_bavail * free.f_frsize - int(room)))
    full = error_of_ingest(settings, store)
    resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, unlimited))
    old_after_full, new_after_full = what_is_found(settings)
    (disk / "ballast").unlink(missing_ok=True)
    again = error_of_ingest(settings, Store.open(settings.store))
    old_after_again, new_after_again = what_is_found(settings)
    happened = FullDisk(full, old_after_full, new_after_full, again, old_after_again, new_after_again)
    print(json.dumps(asdict(happened)))


def error_of_ingest(settings: Settings, store: Store) -> str:
    try:
        report = ingest(settings, store, ScriptedEmbedder())
    except ZhiwenError as error:
        return str(error)
    finally:
        close(store)
    return "; ".join(failure.error for failure in report.failures)


def close(store: Store) -> None:
    try:
        store.close()
    except StoreError as error:
        print(f"closing: {error}", file=sys.stderr)


def what_is_found(settings: Settings) -> tuple[bool, bool]:
    """Whether a process that opens the database now finds the old text, and the new one."""
    store = Store.open(settings.store)
    try:
        shelf = Shelf(Folder(settings.knowledge.path), settings, store, ScriptedEmbedder())
        return bool(shelf.find("otter sleeps in the boathouse")), bool(shelf.find("crane number5 flies south"))
    except ZhiwenError as error:
        print(f"searching: {error}", file=sys.stderr)
        return False, False
    finally:
        close(store)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
