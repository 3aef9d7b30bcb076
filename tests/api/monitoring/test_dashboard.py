"""deploy/grafana.json queries metrics that a running server has, by labels that these metrics have."""

import json
import re
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.monitoring.metrics import Metrics
from tests.kit.paths import ROOT
from tests.kit.processes import Server

DASHBOARD = json.loads((ROOT / "deploy" / "grafana.json").read_text("utf-8"))
FUNCTIONS = set("rate increase sum min max count by histogram_quantile changes label_values".split())
GIVEN_BY_PROMETHEUS = {"job", "instance", "le"}
_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "info": ("_info",)}
_SELECTOR = re.compile(r"\{[^}]*\}")
_NAME = re.compile(r"(?<![\w\"$])[a-z_]\w*(?![\w\"])")


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def expressions() -> list[str]:
    variables = [each["query"]["query"] for each in DASHBOARD["templating"]["list"] if each["type"] == "query"]
    annotations = [each["expr"] for each in DASHBOARD["annotations"]["list"]]
    return [*variables, *annotations, *(target["expr"] for panel in panels() for target in panel["targets"])]


def labels_in(expression: str) -> set[str]:
    grouped = re.findall(r"by \(([^)]*)\)", expression)
    return {name.strip() for group in grouped for name in group.split(",")} | set(
        re.findall(r"[{,]\s*(\w+)\s*=~?", expression)
    )


def metrics_in(expression: str) -> set[str]:
    bare = re.sub(r"by \([^)]*\)", "", _SELECTOR.sub("", expression))
    bare = re.sub(r"\[[^]]*\]|label_values\((\w+), \w+\)", r"\1", bare)
    return set(_NAME.findall(bare)) - FUNCTIONS


@pytest.fixture(scope="module")
def exposed(server: Server) -> set[str]:
    """The names of the series that the server exposes, or will expose once something happens."""
    response = server.client.get("/metrics")
    assert response.status_code == 200
    return {
        family.name + suffix
        for family in text_string_to_metric_families(response.text)
        for suffix in _SUFFIXES.get(family.type, ("",))
        if not family.name.endswith("_created")  # the client adds it to each counter: when the counter began
    }


def test_every_queried_metric_exists(exposed: set[str]) -> None:
    asked_for = set().union(*map(metrics_in, expressions()))
    assert asked_for
    assert asked_for <= exposed


def test_every_metric_of_the_service_is_on_the_dashboard(exposed: set[str]) -> None:
    asked_for = set().union(*map(metrics_in, expressions()))
    own = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exposed if name.startswith("zhiwen_")}
    assert own == {re.sub(r"_bucket$", "", name) for name in asked_for if name.startswith("zhiwen_")}


def test_every_label_belongs_to_its_metric() -> None:
    labels = {
        collector._name: set(collector._labelnames)
        for collector in vars(Metrics()).values()
        if hasattr(collector, "_labelnames")
    } | {"zhiwen_build": {"version"}}
    for expression in expressions():
        families = {re.sub(r"_(total|bucket|info)$", "", name) for name in metrics_in(expression)}
        known = set().union(*(labels.get(name, set()) for name in families)) | GIVEN_BY_PROMETHEUS
        assert labels_in(expression) <= known, expression


def test_legends_name_labels_that_the_expression_keeps() -> None:
    for panel in panels():
        for target in panel["targets"]:
            named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert named <= labels_in(target["expr"]) | {"instance"}, panel["title"]


def test_panels_have_titles_and_do_not_cover_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        assert panel["title"]
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert all(x < 24 for x, _ in cells)
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
