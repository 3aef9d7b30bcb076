"""Whether the processor computes in bfloat16."""

from pathlib import Path

import pytest

from rag.models.bfloat16 import has_bfloat16


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 avx512_vnni", True),
        ("flags\t\t: fpu amx_bf16", True),
        ("Features\t: fp asimd i8mm bf16 dgh", True),
        ("flags\t\t: fpu avx2 avx512f", False),
    ],
)
def test_the_flags_of_the_processor_tell(line: str, expected: bool, tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(f"processor\t: 0\n{line}\n")
    assert has_bfloat16(path) is expected


def test_where_there_are_no_flags_it_is_not_used(tmp_path: Path) -> None:
    assert not has_bfloat16(tmp_path / "none")
