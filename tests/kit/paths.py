"""Paths in the repository."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
KNOWLEDGE = ROOT / "knowledge"
SHARED = ROOT.parent / "shared"
"""Evaluation sets that are not part of the project; without them, the tests that need them are skipped."""
