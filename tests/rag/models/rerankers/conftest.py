"""A small cross-encoder to load."""

from pathlib import Path

import pytest

from tests.kit.pretrained_models import build_cross_encoder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a cross-encoder of random weights."""
    return build_cross_encoder(tmp_path_factory.mktemp("cross-encoder"))
