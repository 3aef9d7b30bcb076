"""The command begins without garbage collection, and goes on with it."""

import subprocess
import sys

_START = """
import atexit, gc, sys
from api.cli.start import main

seen = []
gc.callbacks.append(lambda phase, details: seen.append("api.cli.main" in sys.modules))
atexit.register(lambda: print(gc.isenabled(), gc.get_freeze_count() > 100_000, all(seen)))
sys.argv = ["zhiwen", "--version"]
main()
"""


def test_nothing_is_collected_during_the_imports_and_everything_after_them() -> None:
    done = subprocess.run([sys.executable, "-c", _START], capture_output=True, text=True, check=True)
    version, *state = done.stdout.splitlines()
    assert version.startswith("zhiwen ")
    assert state == ["True True True"]
