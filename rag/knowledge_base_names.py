"""The names of knowledge bases: short, and safe in addresses, in model ids and in names of collections."""

import re
from collections.abc import Iterable

DEFAULT = "default"
"""The knowledge base of the section `knowledge`, which is there without being declared."""
ALL = "all"
"""Stands for every knowledge base where several can be named."""
MAX_CHARACTERS = 32

_RESERVED = {DEFAULT: "the one of the section `knowledge`", ALL: "every knowledge base"}
# No underscore: it stands for a hyphen in names of collections.
_NAME = re.compile(rf"[a-z0-9][a-z0-9-]{{0,{MAX_CHARACTERS - 1}}}")


def check_names(values: object) -> object:
    """Return the values of knowledge bases by name. Raises ValueError with the rule that a name breaks."""
    for name in values if isinstance(values, dict) else ():
        if name in _RESERVED:
            raise ValueError(f"has the name {name}, which stands for {_RESERVED[name]}; choose another")
        if not _NAME.fullmatch(str(name)):
            raise ValueError(
                f"has the name {name!r}; take at most {MAX_CHARACTERS} of a-z, 0-9 and -, such as handbook, and put "
                "what people read into `title`"
            )
    return values


def option_of(name: str) -> str:
    """Return the option of the command line, with a blank before it, that names a knowledge base.

    >>> option_of("handbook"), option_of("default")
    (' --kb handbook', '')
    """
    return "" if name == DEFAULT else f" --kb {name}"


def section_of(name: str) -> str:
    """Return the section of the configuration with the settings of a knowledge base.

    >>> section_of("handbook"), section_of("default")
    ('knowledge_bases.handbook', 'knowledge')
    """
    return "knowledge" if name == DEFAULT else f"knowledge_bases.{name}"


def not_found(name: str, names: Iterable[str]) -> str:
    """Return the message that no knowledge base has a name, with the `names` that there are."""
    return f"there is no knowledge base {name[:64]!r}; there are: {', '.join(names) or 'none'}"


def collection_of(collection: str, name: str) -> str:
    """Return the prefix of a knowledge base's collections, given `store.collection`.

    >>> collection_of("zhiwen", "hr-handbook"), collection_of("zhiwen", "default")
    ('zhiwen_kb_hr_handbook', 'zhiwen')
    """
    return collection if name == DEFAULT else f"{collection}_kb_{name.replace('-', '_')}"
