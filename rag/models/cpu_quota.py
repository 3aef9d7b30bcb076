"""How many CPUs this process may use: its affinity, and the quota of its control groups.

`docker run --cpus` and the CPU limit of a Kubernetes pod are quotas. OpenMP does not know them. With more threads than
its quota, a process is paused again and again, while its threads wait for each other.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def respect_cpu_quota(cgroups: Path = _CGROUPS, membership: Path = _MEMBERSHIP) -> None:
    """Set OMP_NUM_THREADS to the quota if there is one below the number of CPUs. A variable that is set is kept.

    Call it before anything imports a library that computes with OpenMP; child processes inherit it. The arguments are
    those of `usable_cpus`.
    """
    usable = usable_cpus(cgroups, membership)
    if usable < _cpus():
        os.environ.setdefault("OMP_NUM_THREADS", str(usable))


def usable_cpus(cgroups: Path = _CGROUPS, membership: Path = _MEMBERSHIP) -> int:
    """The number of CPUs that this process may keep busy, at least 1; a quota of 1.5 CPUs is 2.

    `cgroups` is where the control groups are mounted, and `membership` names the groups of the process.
    """
    return max(1, min([_cpus(), *(math.ceil(quota) for quota in _quotas(cgroups, membership))]))


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _quotas(cgroups: Path, membership: Path) -> Iterator[float]:
    """The quotas, in CPUs, of the groups of this process and of all groups around them."""
    for folder in _folders(cgroups, membership):
        quota = _quota_of(folder)
        if quota is not None:
            yield quota


def _folders(cgroups: Path, membership: Path) -> Iterator[Path]:
    """The folders of the groups: version 2 has one hierarchy, version 1 one for the controller `cpu`."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if not controllers:
            root = cgroups
        elif "cpu" in controllers.split(","):
            root = cgroups / "cpu"
        else:
            continue
        # In a container the mount often begins at its own group, while the name is the one on the host.
        inner = root / group.lstrip("/")
        yield from (folder for folder in (inner, *inner.parents) if folder == root or root in folder.parents)


def _quota_of(folder: Path) -> float | None:
    """The quota of one group in CPUs; None if it has none."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text().strip()
            period = (folder / "cpu.cfs_period_us").read_text()
    except OSError:  # no such group here, or no quota in the root group
        return None
    return None if quota in ("max", "-1") else int(quota) / int(period)
