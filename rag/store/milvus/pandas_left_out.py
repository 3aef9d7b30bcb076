"""Importing pymilvus without pandas, which takes longer to load than all the rest of it.

Only pymilvus's ORM uses pandas, to take data frames apart. We never give it any.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_NAMES = ("pandas", "pandas.api", "pandas.api.types")


@contextmanager
def pandas_left_out() -> Iterator[None]:
    """Until the context ends, what imports pandas gets modules in which every name is a class without instances.

    If pandas has been imported before, nothing is left out.
    """
    if "pandas" in sys.modules:
        yield
        return
    sys.modules.update({name: _Empty(name) for name in _NAMES})
    try:
        yield
    finally:
        for name in _NAMES:
            del sys.modules[name]


class _Empty(ModuleType):
    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})
