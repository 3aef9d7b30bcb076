"""The verification is as accurate as the documents say. Needs a data set that is not part of the project."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.paths import ROOT

SETS = Path(os.environ.get("ZHIWEN_BENCH_SETS", ROOT.parent / "shared" / "bench"))


@pytest.mark.skipif(not (SETS / "cmrc2018-dev").is_dir(), reason="the set cmrc2018-dev is not here")
def test_true_statements_are_called_supported_and_false_ones_are_not(tmp_path: Path) -> None:
    out = tmp_path / "verification.json"
    subprocess.run([sys.executable, "-m", "bench.verification", SETS, "--out", out], cwd=ROOT, check=True)
    found = json.loads(out.read_text(encoding="utf-8"))["sets"]["cmrc2018-dev"]["in_use"]
    assert found["supported_true"] + found["missed"] > 1000
    assert found["precision"] > 0.9
    assert found["recall"] > 0.95
    supported, count = found["by_kind"]["false: any other passage"]
    assert supported / count < 0.01
