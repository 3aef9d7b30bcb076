"""A process ends in good order while threads compute in C++ libraries."""

import subprocess
import sys

SCRIPT = """
import threading
from rag.models.embedders.multilingual_e5.openvino_engine import OpenVinoEngine

engine = OpenVinoEngine()
computes = threading.Event()


def compute():
    while True:
        engine.embed_documents(["the lamps of the lighthouse " * 60] * 8)
        computes.set()


for _ in range(2):
    threading.Thread(target=compute, daemon=True).start()
computes.wait()
"""


def test_a_thread_that_computes_does_not_abort_the_process_that_ends() -> None:
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
