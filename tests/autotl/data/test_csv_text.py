"""CSV files are read as people and programs write them, and no row is lost or taken for another thing in silence."""

from __future__ import annotations

import pytest

from autotl.data.csv_text import read_csv

ROWS = {"path": ["a.png", "b c.png"], "label": ["cat", "dog, big"]}


@pytest.fixture
def table(tmp_path):
    """Read text as a table: table("path,label\\n...", encoding="utf-16")."""

    def table(text, encoding="utf-8", **options):
        (tmp_path / "x.csv").write_bytes(text.encode(encoding))
        return read_csv(tmp_path / "x.csv", **options)

    return table


@pytest.mark.parametrize(
    "text",
    [
        'path,label\na.png,cat\nb c.png,"dog, big"\n',
        "path;label\na.png;cat\nb c.png;dog, big\n",
        "path|label\r\na.png|cat\r\nb c.png|dog, big",
        "path\tlabel\na.png\tcat\nb c.png\tdog, big\n",
        'sep=,\npath,label\na.png,cat\nb c.png,"dog, big"\n',
        '\n\npath, label\n\na.png, cat\n,\nb c.png, "dog, big"\n\n',
        'path,label,\na.png,cat,\nb c.png,"dog, big",\n',
        'path,label\na.png,cat,\nb c.png,"dog, big",,,\n',
        ',path,label\n0,a.png,cat\n1,b c.png,"dog, big"\n',
        'Unnamed: 0,path,label\n0,a.png,cat\n1,b c.png,"dog, big"\n',
        '"path","label"\n"a.png","cat"\n"b c.png","dog, big"\n',
    ],
)
def test_separators_quotes_gaps_and_marks_at_the_end_change_nothing(table, text):
    assert table(text).to_dict("list") == ROWS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_common_encoding_is_recognised(table, encoding):
    assert table("path;Größe\na.png;groß\n", encoding).to_dict("list") == {"path": ["a.png"], "Größe": ["groß"]}


def test_a_short_row_has_no_value_in_what_it_lacks(table):
    assert table("path,label,site\na.png,cat\nb.png\n").to_dict("list") == {
        "path": ["a.png", "b.png"], "label": ["cat", ""], "site": ["", ""],
    }  # fmt: skip


@pytest.mark.parametrize("first", ["a.png,cat", "/home/x/a.JPG,cat", "cat;a.png"])
def test_a_first_row_that_names_an_image_is_a_row(table, first):
    assert len(table(f"{first}\n{first}\n")) == 2
    assert table(f"{first}\n").columns.tolist() == ["column 1", "column 2"]


def test_a_first_row_may_be_read_either_way_when_it_is_known(table):
    assert table("x,y\na,b\n", header=False).to_numpy().tolist() == [["x", "y"], ["a", "b"]]
    assert table("path,cat.png\na,b\n").columns.tolist() == ["path", "cat.png"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        ("path,label\na.png,cat\nb.png,dog,big\n", "its first row has 2 cells, but row 3 has more"),
        ('path,label\na.png,"cat\nb.png,dog\nc.png,dog\nd.png,"dog"\n', "row 2 is not closed"),
        ("PK\x03\x04", "a spreadsheet or a zip by its content"),
    ],
)
def test_what_would_lose_rows_is_an_error(table, text, message):
    with pytest.raises(ValueError, match=message):
        table(text)


def test_a_cell_may_be_longer_than_the_csv_module_allows(table):
    long = "A" * 200_000
    assert table(f"image,label\n{long},cat\n")["image"][0] == long
    assert table(f"{long},cat\n", header=False)["column 1"][0] == long


# Texts in cells


def test_cells_may_have_many_lines_where_their_quotes_are_closed(table):
    long = "Dear all,\n\nthe first, the second;\nand the third.\n\n\tYours"
    text = f'label\ttext\nham\t"{long.replace(chr(34), chr(34) * 2)}"\nspam\t"Win, now"\n'
    assert table(text).to_dict("list") == {"label": ["ham", "spam"], "text": [long, "Win, now"]}


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_mark_of_the_header_counts_where_long_texts_have_others(table, mark):
    lines = [f"see a{other} b{other} c" for other in ",;|"] * 9
    rows = "".join(f'{n}{mark}"{chr(10).join(lines)}"\n' for n in range(3))
    found = table(f"label{mark}text\n{rows}")
    assert found["text"].tolist() == ["\n".join(lines)] * 3


def test_quotation_marks_are_letters_in_lines_of_as_many_cells(table):
    lines = ['ham\t"Hi there', "spam\tWin a car", 'ham\the said "no"', 'ham\t"Ok"', 'spam\t5" disk', "ham\tLast"]
    found = table("label\ttext\n" + "\n".join(lines) + "\n")
    assert found["text"].tolist() == ['"Hi there', "Win a car", 'he said "no"', '"Ok"', '5" disk', "Last"]


def test_a_quotation_mark_that_swallows_a_single_row_is_an_error(table):
    with pytest.raises(ValueError, match="row 2 is not closed"):
        table('path,label\na.png,"cat\nb.png,"dog"\n')


def test_a_text_may_be_longer_than_the_csv_module_allows_and_have_lines(table):
    long = "word, and\n" * 50_000
    assert table(f'text,label\n"{long}",a\n')["text"][0] == long


def test_tabs_divide_lines_that_commas_would_divide_alike(table):
    found = table("label\ttext, or so\nham\tHi, there\nspam\tWin, now\n")
    assert found.to_dict("list") == {"label": ["ham", "spam"], "text, or so": ["Hi, there", "Win, now"]}


def test_a_quotation_over_two_rows_is_not_a_cell_of_two_lines(table):
    rows = ["1\t0.4\tHe said:", '2\t0.1\t"It is late.', '3\t0.2\tGood night."', "4\t0.3\tShe left."]
    found = table("id\tscore\ttext\n" + "\n".join(rows) + "\n")
    assert found["id"].tolist() == ["1", "2", "3", "4"]
    assert found["text"].tolist()[1:3] == ['"It is late.', 'Good night."']
