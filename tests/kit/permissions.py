"""Files that may not be read, also if the tests run as root."""

import ctypes
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_VERSION = 0x20080522
_READS_EVERYTHING = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


@contextmanager
def forbidden(*paths: Path, mode: int = 0) -> Iterator[None]:
    """Take all permissions but `mode` from these paths, and from this thread the right of root to read them anyway."""
    before = [stat.S_IMODE(path.stat().st_mode) for path in paths]
    for path in paths:
        path.chmod(mode)
    try:
        if os.geteuid():
            yield
        else:
            with _without_capabilities():
                yield
    finally:
        for path, old in zip(paths, before, strict=True):
            path.chmod(old)


@contextmanager
def _without_capabilities() -> Iterator[None]:
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = _Header(_VERSION, 0), (_Sets * 2)()
    assert libc.capget(ctypes.byref(header), sets) == 0
    had = sets[0].effective
    sets[0].effective = had & ~_READS_EVERYTHING
    assert libc.capset(ctypes.byref(header), sets) == 0
    try:
        yield
    finally:
        sets[0].effective = had
        assert libc.capset(ctypes.byref(header), sets) == 0
