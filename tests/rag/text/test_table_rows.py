"""Rows of a table as their cells."""

from rag.text.table_rows import Cell, TableRow, column_headers, read_rows


def test_the_first_cell_is_a_label_only_if_all_rows_share_it() -> None:
    labelled = read_rows(["茶 › 名称: 红茶", "茶 › 名称: 绿茶"])
    assert labelled == [TableRow("茶", (Cell("名称", "红茶"),)), TableRow("茶", (Cell("名称", "绿茶"),))]
    bare = read_rows(["红茶 › 价格: 30", "绿茶 › 价格: 40"])
    assert bare[0] == TableRow("", (Cell("", "红茶"), Cell("价格", "30")))


def test_headers_of_empty_cells_keep_their_place() -> None:
    rows = read_rows(["名称: 红茶 › 产地: 云南", "名称: 绿茶 › 价格: 40 › 产地: 浙江"])
    assert column_headers(rows) == ["名称", "价格", "产地"]
