"""The verification is as accurate as the documents say. Needs a data set that is not part of the project."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.paths import ROOT

SETS = Path(os.environ.get("ZHIWEN_BENCH_SETS", ROOT.parent / "shared" / "bench"))
needs_set = pytest.mark.skipif(
    not (SETS / "cmrc2018-dev").is_dir(),
    reason=f"{SETS} has no evaluation set cmrc2018-dev; set ZHIWEN_BENCH_SETS to the folder of the sets",
)


@needs_set
def test_true_statements_are_called_supported_and_false_ones_are_not(tmp_path: Path) -> None:
    out = tmp_path / "verification.json"
    subprocess.run([sys.executable, "-m", "bench.verification", SETS, "--out", out], cwd=ROOT, check=True)
    found = json.loads(out.read_text(encoding="utf-8"))["sets"]["cmrc2018-dev"]["in_use"]
    assert found["supported_true"] + found["missed"] > 1000
    assert found["precision"] >= 0.92
    assert found["recall"] >= 0.97
    supported, count = found["by_kind"]["false: any other passage"]
    assert supported / count < 0.01


@needs_set
def test_missing_and_wrong_markers_end_at_a_passage_that_supports_the_sentence(tmp_path: Path) -> None:
    out = tmp_path / "attribution.json"
    subprocess.run([sys.executable, "-m", "bench.attribution", SETS, "--out", out], cwd=ROOT, check=True)
    ends = json.loads(out.read_text(encoding="utf-8"))["ends"]
    for marker in ("missing", "wrong"):
        assert ends[marker]["supporting"] >= 0.9, marker
        assert ends[marker]["other"] < 0.02, marker
    assert ends["right"]["supporting"] >= 0.97
    assert ends["right"]["other"] < 0.005, "a right marker stays"
