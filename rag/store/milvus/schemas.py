"""The shape of a collection, and how it is read, as Milvus's client describes them."""

from collections.abc import Mapping
from typing import Any

from pymilvus import CollectionSchema, DataType, Function, FunctionType, MilvusClient
from pymilvus.milvus_client import IndexParams

from rag.store.collection_spec import LATEST, CollectionSpec, Field, ReadTimestamp, VectorIndex


def to_milvus_schema(collection: CollectionSpec) -> CollectionSchema:
    """Return the fields of a collection, its vector and, if terms are searched, what BM25 makes of them."""
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    for position, field in enumerate(collection.fields):
        schema.add_field(field.name, **_field_options(field, collection.terms_field), is_primary=position == 0)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=collection.dimension)
    if collection.terms_field:
        schema.add_field("sparse_terms", DataType.SPARSE_FLOAT_VECTOR)
        schema.add_function(
            Function(
                name="bm25",
                function_type=FunctionType.BM25,
                input_field_names=[collection.terms_field],
                output_field_names=["sparse_terms"],
            )
        )
    return schema


def to_milvus_indexes(collection: CollectionSpec, index: VectorIndex) -> IndexParams:
    """Return the indexes of a collection, with `index` for its vectors: they are compared by inner product."""
    indexes = MilvusClient.prepare_index_params()
    indexes.add_index("vector", index_type=index.kind, metric_type="IP", params=dict(index.parameters))
    if collection.terms_field:
        indexes.add_index("sparse_terms", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
    return indexes


def consistency(since: ReadTimestamp) -> Mapping[str, Any]:
    """Return the options of a read that sees what was written before a time."""
    latest = {"consistency_level": "Strong"}
    return latest if since == LATEST else {"consistency_level": "Customized", "guarantee_timestamp": since.timestamp}


def _field_options(field: Field, terms_field: str) -> Mapping[str, Any]:
    if field.type == "integer":
        return {"datatype": DataType.INT64}
    if field.type == "json":
        return {"datatype": DataType.JSON}
    analysed = {"enable_analyzer": True, "analyzer_params": {"tokenizer": "whitespace"}}
    return {
        "datatype": DataType.VARCHAR,
        "max_length": field.max_bytes,
        **(analysed if field.name == terms_field else {}),
    }
