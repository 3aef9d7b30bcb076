"""Records of documents come out of a manifest as they went in."""

from hypothesis import given, settings
from hypothesis import strategies as st

from rag.store.manifest import pack_manifest
from rag.store.records import COPIED, DocumentRecord

hashes = st.binary(min_size=32, max_size=32).map(bytes.hex) | st.text("0aF=#", max_size=4) | st.just("A" * 64)


@settings(deadline=None, derandomize=True)
@given(hashes, st.sampled_from(["", "p1"]), st.integers(), st.text("a\0潮"), st.sampled_from(["", COPIED]))
def test_a_record_comes_out_as_it_went_in(
    content_hash: str, fingerprint: str, modified_ns: int, title: str, dated_by: str
) -> None:
    record = DocumentRecord("a/b.md", content_hash, fingerprint, 7, modified_ns, title, 3, "2026-01-31", dated_by)
    assert pack_manifest([record]) == {"a/b.md": record}
