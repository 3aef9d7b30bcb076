"""Whether the processor computes in bfloat16."""

from pathlib import Path

# Of x86 with AVX512 or AMX, and of ARM. Without them bfloat16 is emulated, which is slower than float32. torch knows
# them too, but has no public function that tells.
_INSTRUCTIONS = {"avx512_bf16", "amx_bf16", "bf16"}


def has_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Return whether the processor has instructions for bfloat16; False where Linux does not tell."""
    try:
        return not _INSTRUCTIONS.isdisjoint(cpuinfo.read_text(encoding="utf-8").split())
    except OSError:
        return False
