"""The page about scaling says of a Milvus server what was measured there."""

import json

import pytest

from tests.kit.paths import ROOT

RESULTS = json.loads((ROOT / "bench/results/scale.json").read_text(encoding="utf-8"))
ON_A_SERVER = [name for name in RESULTS if name.endswith("on a server")]


@pytest.mark.parametrize("page", ["docs/scaling.md", "docs/scaling.zh-CN.md"])
@pytest.mark.parametrize("name", ON_A_SERVER)
def test_a_row_has_the_figures_of_each_size(page: str, name: str) -> None:
    measured = RESULTS[name]
    figures = {
        f"{measured['chunks_per_second']:,}",
        f"{measured['peak_mb'] / 1000:.1f} GB",
        f" {measured['search_in_known_generation_milliseconds']['p50']:.0f} ",
    }
    rows = (ROOT / page).read_text(encoding="utf-8").splitlines()
    assert any(all(figure in row for figure in figures) for row in rows)
