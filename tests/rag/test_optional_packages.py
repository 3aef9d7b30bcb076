"""What says that an extra is missing, and how to install it."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rag.errors import ConfigError
from rag.optional_packages import install_command, require_extra
from tests.kit.missing_packages import environment_without
from tests.kit.python_process import run_python


def test_an_installed_extra_passes_without_an_import() -> None:
    program = (
        "import sys; from rag.errors import ConfigError; from rag.optional_packages import require_extra;"
        "require_extra('x', ['torch', 'opentelemetry.sdk'], purpose='a setting', error=ConfigError);"
        "print({'torch', 'opentelemetry.sdk'} & set(sys.modules))"
    )
    assert run_python(program) == "set()\n"


def test_the_message_names_the_purpose_the_extra_and_the_command() -> None:
    with pytest.raises(ConfigError) as raised:
        require_extra("some", ["json", "no_such.part"], purpose="a.setting: x", error=ConfigError)
    assert str(raised.value) == (
        "a.setting: x needs the extra `some`, which is not installed; "
        f"run: {sys.executable} -m pip install 'zhiwen[some]'"
    )


def test_the_command_is_understood_by_pip() -> None:
    command = shlex.split(install_command("documents"))
    done = subprocess.run([*command, "--dry-run", "--no-index"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "does not provide the extra" not in done.stderr


def test_without_pip_the_command_is_one_of_uv(tmp_path: Path) -> None:
    program = "from rag.optional_packages import install_command; print(install_command('backup'))"
    printed = run_python(program, **environment_without(tmp_path / "hidden", "pip"))
    assert printed == f"uv pip install --python {sys.executable} 'zhiwen[backup]'\n"
