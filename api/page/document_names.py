"""The documents of a generation by the names that links give them."""

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from ingest.readers.formats import FORMATS, has_known_suffix
from rag.knowledge_base_names import DEFAULT

_SUFFIXES = tuple(suffix for one in FORMATS for suffix in one.suffixes)
_OF_FOLDER = ("readme", "index", "_index")


class DocumentNames:
    """Finds documents of a knowledge base by path or name, with or without a suffix.

    Upper and lower case are the same if need be. `are_partial`: a reader may not see the other documents.
    """

    def __init__(
        self, sources: Iterable[str] = (), knowledge_base: str = DEFAULT, *, are_partial: bool = False
    ) -> None:
        self.knowledge_base = knowledge_base
        self.are_partial = are_partial
        self._sources = frozenset(sources)
        self._by_path: dict[str, str] = {}
        self._by_name: dict[str, list[str]] = {}
        for source in sorted(self._sources, key=_rank):
            path = PurePosixPath(source.casefold())
            keys = [str(path.with_suffix(""))]
            if path.stem in _OF_FOLDER:
                keys.append(str(path.parent))
            for key in keys:
                self._by_path.setdefault(key, source)
                self._by_name.setdefault(PurePosixPath(key).name, []).append(key)

    def at(self, path: str) -> str | None:
        """Return the document at a path below the folder, or the README or index of the folder there.

        >>> names = DocumentNames(["guide/setup.md", "guide/README.md"])
        >>> names.at("guide/setup"), names.at("guide/setup.html"), names.at("guide/")
        ('guide/setup.md', 'guide/setup.md', 'guide/README.md')
        """
        path = path.strip("/")
        if path in self._sources:
            return path
        return self._by_path.get(_key(path))

    def named(self, path: str) -> str | None:
        """Return the document at a path, or else the one whose path ends with it; of several, the shortest.

        >>> DocumentNames(["a/规范/命名.md", "命名表.md"]).named("规范/命名")
        'a/规范/命名.md'
        """
        if found := self.at(path):
            return found
        key = _key(path.strip("/"))
        keys = self._by_name.get(PurePosixPath(key).name, [])
        return self._by_path[shortest(keys, key)] if any(_ends_with(one, key) for one in keys) else None


def shortest(paths: Sequence[str], ending: str) -> str:
    """Return the path with the fewest parts of those that end with `ending`. There must be one."""
    return min((path for path in paths if _ends_with(path, ending)), key=lambda path: (path.count("/"), path))


def _ends_with(path: str, ending: str) -> bool:
    return path == ending or path.endswith(f"/{ending}")


def _key(path: str) -> str:
    """Return a path as the index has it: without the suffix of a document."""
    path = path.casefold()
    return str(PurePosixPath(path).with_suffix("")) if has_known_suffix(path) else path or "."


def _rank(source: str) -> tuple[int, str]:
    """Order documents that differ only in their suffix: the first one gets the links."""
    suffix = PurePosixPath(source).suffix.lower()
    return _SUFFIXES.index(suffix) if suffix in _SUFFIXES else len(_SUFFIXES), source
