"""The dashboard, the alarms and the table of docs/metrics.md name what is served, all of it and nothing else."""

import json
import pathlib
import re

import pytest
import yaml

from worker.metrics import BOUNDS, METRICS

DOCS = pathlib.Path(__file__).parents[2] / "docs"
DASHBOARD = json.loads((DOCS / "grafana.json").read_text(encoding="utf-8"))
PAGE = (DOCS / "metrics.md").read_text(encoding="utf-8")
SOURCE = {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}
ADDED = {"job", "instance", "le"}  # the labels that Prometheus brings
BY_NAME = {metric.name: metric for metric in METRICS}
TARGETS = [(panel["title"], target) for panel in DASHBOARD["panels"] for target in panel["targets"]]


def metric_of(series):
    """The metric of a series' name, of a histogram's too; KeyError for one that is not served."""
    if series in BY_NAME:
        return BY_NAME[series]
    metric = BY_NAME[re.sub("_(bucket|sum|count)$", "", series)]
    assert metric.kind == "histogram", series
    return metric


def named(text):
    return [metric_of(series) for series in re.findall(r"wirewatch_\w+", text)]


def blocks():
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.S)]


def alarms():
    (group,) = blocks()[1]["groups"]
    return group["rules"]


def test_dashboard_shows_every_metric_and_none_that_is_not_served():
    shown = {metric.name for _, target in TARGETS for metric in named(target["expr"])}
    assert shown == set(BY_NAME)
    (variable,) = DASHBOARD["templating"]["list"]
    assert [metric.name for metric in named(variable["definition"])] == ["wirewatch_build_info"]


@pytest.mark.parametrize(("title", "target"), TARGETS, ids=[f"{t} {target['refId']}" for t, target in TARGETS])
def test_dashboard_asks_for_labels_that_there_are(title, target):
    expression = target["expr"]
    labels = ADDED.union(*(metric.labels for metric in named(expression)))
    asked = re.findall(r"[{,](\w+)=", expression) + re.findall(r"{{(\w+)}}", target["legendFormat"])
    asked += [label for found in re.findall(r" by \(([^)]*)\)", expression) for label in re.split(", ?", found)]
    assert set(asked) <= labels
    assert expression.count("(") == expression.count(")")
    assert len(re.findall("wirewatch_", expression)) == expression.count('job="$job"'), "of one desk"
    assert target["datasource"] == SOURCE
    for counter in (metric for metric in named(expression) if metric.kind != "gauge"):
        assert re.search(rf"(rate|increase)\({counter.name}", expression), "a counter by itself only rises"


def test_dashboard_can_be_imported_and_lies_in_the_grid():
    assert DASHBOARD["schemaVersion"] >= 38, "Grafana 10"
    assert DASHBOARD["id"] is None, "it is nobody's yet"
    (asked,) = DASHBOARD["__inputs"]
    assert (asked["name"], asked["type"], asked["pluginId"]) == ("DS_PROMETHEUS", "datasource", "prometheus")
    needed = {entry["id"] for entry in DASHBOARD["__requires"] if entry["type"] == "panel"}
    assert needed == {panel["type"] for panel in DASHBOARD["panels"]}
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells
        assert panel["description"] and panel["datasource"] == SOURCE


def test_page_lists_every_metric_with_its_own_words():
    rows = re.findall(r"^\| `(wirewatch_\w+)` \| (\w+) \| ([\w, ]*?) ?\| (.+) \|$", PAGE, re.M)
    assert rows == [(metric.name, metric.kind, ", ".join(metric.labels), metric.help) for metric in METRICS]
    assert f"{', '.join(map(str, BOUNDS[:-1]))} and {BOUNDS[-1]} seconds" in PAGE


def test_page_has_alarms_on_what_is_served():
    names = [alarm["alert"] for alarm in alarms()]
    assert len(set(names)) == len(names) > 8
    for alarm in alarms():
        found = named(alarm["expr"])
        said = re.findall(r"\$labels\.(\w+)", alarm["annotations"]["summary"])
        assert set(said) <= ADDED.union(*(metric.labels for metric in found))
    assert {"late", "stuck_leases", "heartbeat_age_seconds", "unsent_age_seconds"} <= {
        metric.name.removeprefix("wirewatch_") for alarm in alarms() for metric in named(alarm["expr"])
    }, "every stuck state"


def test_page_says_how_to_bring_the_key():
    (job,) = blocks()[0]["scrape_configs"]
    assert job["authorization"]["type"] == "Bearer"
    assert job["authorization"]["credentials_file"].endswith("/console.key")
