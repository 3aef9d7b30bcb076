"""A program in a Python process of its own, for what is decided on import or ends a process."""

import os
import subprocess
import sys


def run_python(program: str, **environment: str) -> str:
    """The standard output of `program`, which must succeed and write no errors."""
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout
