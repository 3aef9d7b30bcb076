"""The number of threads follows the CPU quota of the container."""

import os
from pathlib import Path

import pytest

from rag.models.cpu_quota import respect_cpu_quota, usable_cpus

CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def write(folder: Path, files: dict[str, str]) -> tuple[Path, Path]:
    """Files of control groups below `folder`, and one named `membership`. Returns the arguments of `usable_cpus`."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content + "\n")
    return folder, folder / "membership"


def version_1(quota: str, group: str = "/") -> dict[str, str]:
    files = {"cpu/cpu.cfs_quota_us": quota, "cpu/cpu.cfs_period_us": "100000"}
    return files | {"membership": f"3:memory:{group}\n4:cpu,cpuacct:{group}"}


def version_2(quota: str) -> dict[str, str]:
    return {"cpu.max": f"{quota} 100000", "membership": "0::/"}


def test_without_a_quota_all_cpus_are_usable(tmp_path: Path) -> None:
    assert usable_cpus(tmp_path, tmp_path / "membership") == CPUS, "not Linux"
    assert usable_cpus(*write(tmp_path, {"membership": "0::/"})) == CPUS, "the root group has no file"
    assert usable_cpus(*write(tmp_path / "2", version_2("max"))) == CPUS
    assert usable_cpus(*write(tmp_path / "1", version_1("-1"))) == CPUS


@pytest.mark.parametrize(("quota", "expected"), [("100000", 1), ("10000", 1), ("150000", 2), ("99900000", CPUS)])
def test_the_quota_of_either_version_bounds_them(tmp_path: Path, quota: str, expected: int) -> None:
    expected = min(CPUS, expected)
    assert usable_cpus(*write(tmp_path / "2", version_2(quota))) == expected
    # In a container the mount begins at its own group, and the name is the one on the host.
    assert usable_cpus(*write(tmp_path / "1", version_1(quota, group="/docker/1f"))) == expected


def test_the_tightest_group_around_the_process_counts(tmp_path: Path) -> None:
    files = {"cpu.max": "max 100000", "pods/cpu.max": "100000 100000", "pods/one/cpu.max": "9900000 100000"}
    assert usable_cpus(*write(tmp_path, files | {"membership": "0::/pods/one"})) == 1
    assert usable_cpus(*write(tmp_path, files | {"membership": "0::/elsewhere"})) == CPUS


@pytest.mark.parametrize(("given", "expected"), [("", "1"), ("7", "7")])
def test_openmp_gets_as_many_threads_unless_it_is_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, expected: str
) -> None:
    if CPUS < 2:
        pytest.skip("on a machine with one CPU no quota is below that")
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    if not given:
        monkeypatch.delenv("OMP_NUM_THREADS")
    respect_cpu_quota(*write(tmp_path, version_2("100000")))
    assert os.environ["OMP_NUM_THREADS"] == expected


def test_without_a_quota_openmp_decides_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    respect_cpu_quota(*write(tmp_path, version_2("max")))
    assert "OMP_NUM_THREADS" not in os.environ
