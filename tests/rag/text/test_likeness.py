"""What is remembered of texts that are compared."""

from rag.text.likeness import stems


def test_long_texts_of_callers_do_not_fill_the_memory() -> None:
    remembered = vars(stems)["__wrapped__"].cache_info().currsize
    assert stems("Lamps 灯塔 " * 500) == {"lamp", "灯", "塔", "灯塔"}
    assert vars(stems)["__wrapped__"].cache_info().currsize == remembered
