"""What is remembered of texts that are compared."""

from rag.text.likeness import _known_stems, stems


def test_long_texts_of_callers_do_not_fill_the_memory() -> None:
    remembered = _known_stems.cache_info().currsize
    assert stems("Lamps 灯塔 " * 500) == {"lamp", "灯", "塔", "灯塔"}
    assert _known_stems.cache_info().currsize == remembered
