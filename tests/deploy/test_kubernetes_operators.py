"""The objects of KubeRay and of the Milvus operator. Their schemas are not in Kubernetes; the pods in them are."""

import re
from collections.abc import Mapping
from typing import Any

import kubernetes_validate
import pytest

from rag.settings_loader import load_settings
from tests.deploy.test_kubernetes import FOLDER, MILVUS, RAY, VERSIONS, list_objects, objects_of
from tests.kit.paths import ROOT

# The fields that the operators' own types have (KubeRay 1.4, Milvus operator 1.3), as far as ours use them.
RAY_JOB = {
    "entrypoint",
    "submissionMode",
    "backoffLimit",
    "activeDeadlineSeconds",
    "shutdownAfterJobFinishes",
    "ttlSecondsAfterFinished",
    "rayClusterSpec",
}
HEAD_GROUP = {"rayStartParams", "template", "serviceType"}
WORKER_GROUP = {"groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"}
COMPONENTS = {"proxy", "mixCoord", "streamingNode", "dataNode", "queryNode"}


@pytest.fixture(scope="module")
def ray() -> list[dict[str, Any]]:
    return list_objects(RAY)


@pytest.fixture(scope="module")
def job(ray: list[dict[str, Any]]) -> dict[str, Any]:
    (job,) = [manifest for manifest in ray if manifest["kind"] == "RayJob"]
    return job


@pytest.fixture(scope="module")
def pods(job: dict[str, Any]) -> list[dict[str, Any]]:
    """The pod templates of the head and of the workers."""
    cluster = job["spec"]["rayClusterSpec"]
    return [cluster["headGroupSpec"]["template"], *(group["template"] for group in cluster["workerGroupSpecs"])]


@pytest.fixture(scope="module")
def milvus() -> dict[str, Any]:
    return objects_of(MILVUS)


@pytest.mark.parametrize("version", VERSIONS)
def test_objects_and_pods_follow_their_schemas(
    version: str, ray: list[dict[str, Any]], pods: list[dict[str, Any]]
) -> None:
    for manifest in ray:
        if manifest["kind"] != "RayJob":
            kubernetes_validate.validate(manifest, version, strict=True)
    for pod in pods:
        template = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "x"}, "template": pod}
        kubernetes_validate.validate(template, version, strict=True)


def test_a_ray_job_has_only_fields_that_kuberay_knows(job: dict[str, Any]) -> None:
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    spec = job["spec"]
    assert spec.keys() <= RAY_JOB
    cluster = spec["rayClusterSpec"]
    assert cluster.keys() == {"rayVersion", "headGroupSpec", "workerGroupSpecs"}
    assert cluster["headGroupSpec"].keys() <= HEAD_GROUP
    for group in cluster["workerGroupSpecs"]:
        assert group.keys() <= WORKER_GROUP
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
    assert f"ray=={cluster['rayVersion']}" in (ROOT / "constraints.txt").read_text("utf-8").split()


def test_it_runs_what_the_other_jobs_run_with_the_same_settings_documents_and_rights(
    job: dict[str, Any], pods: list[dict[str, Any]]
) -> None:
    once = objects_of(FOLDER)["Job"]["spec"]["template"]["spec"]
    (usual,) = once["containers"]
    assert job["spec"]["entrypoint"] == f"sh -c '{usual['command'][-1]}'"
    head, *workers = (pod["spec"]["containers"][0] for pod in pods)
    assert head["envFrom"] == usual["envFrom"]
    settings = load_settings(environment=variables(head))
    assert (settings.ingest.engine, settings.ingest.ray_address) == ("ray", "auto")
    assert not any("env" in worker or "envFrom" in worker for worker in workers)
    assert all(worker["resources"].keys() == {"requests", "limits"} for worker in (head, *workers))
    for pod, container in zip(pods, (head, *workers), strict=True):
        assert container["image"] == usual["image"]
        assert container["securityContext"] == usual["securityContext"]
        assert pod["spec"]["securityContext"] == once["securityContext"]
        assert usual["volumeMounts"] == [each for each in container["volumeMounts"] if each["name"] != "shared-memory"]
        assert {"readinessProbe", "livenessProbe"} <= container.keys()


def test_all_its_pods_can_mount_the_documents_and_reach_only_each_other(
    ray: list[dict[str, Any]], pods: list[dict[str, Any]]
) -> None:
    by_name = {manifest["metadata"]["name"]: manifest for manifest in ray}
    assert by_name["zhiwen-knowledge"]["spec"]["accessModes"] == ["ReadWriteMany"]
    assert "zhiwen-first-ingest" not in by_name
    (selected,) = by_name["zhiwen-ray"]["spec"]["podSelector"]["matchExpressions"]
    assert set(selected["values"]) == {pod["metadata"]["labels"][selected["key"]] for pod in pods}


def test_the_milvus_cluster_has_only_fields_that_its_operator_knows(milvus: dict[str, Any]) -> None:
    cluster = milvus["Milvus"]
    assert (cluster["apiVersion"], cluster["spec"]["mode"]) == ("milvus.io/v1beta1", "cluster")
    assert cluster["spec"].keys() <= {"mode", "components", "dependencies", "config"}
    components = cluster["spec"]["components"]
    assert components.keys() == {"image", *COMPONENTS}
    compose = (ROOT / "docker-compose.milvus.yml").read_text("utf-8")
    assert components["image"] in re.findall(r"milvusdb/milvus:v[\d.]+", compose)
    for name in COMPONENTS:
        assert components[name].keys() <= {"replicas", "resources"}
    dependencies = cluster["spec"]["dependencies"]
    assert dependencies.keys() == {"msgStreamType", "etcd", "storage"}
    assert all(dependencies[name]["inCluster"]["deletionPolicy"] == "Retain" for name in ("etcd", "storage"))
    for version in VERSIONS:
        kubernetes_validate.validate(milvus["Namespace"], version, strict=True)


def variables(container: Mapping[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["env"]}
