"""CSV files: dialects, encodings, lines that rows begin at, and going on from a place."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.core.errors import InvalidInput
from service.feed.rows import CsvRows


class Folder:
    """Files of a test, and who reads them; closes what it opens."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "table.csv"
        self.opened: list[CsvRows] = []

    def rows(self, content: bytes, encoding: str = "utf-8", delimiter: str | None = None) -> CsvRows:
        self.path.write_bytes(content)
        self.opened.append(CsvRows(self.path, encoding=encoding, delimiter=delimiter))
        return self.opened[-1]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    made = Folder(tmp_path)
    yield made
    for rows in made.opened:
        rows.close()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(folder: Folder, delimiter: str) -> None:
    rows = folder.rows(f"id{delimiter}how long\n1{delimiter}2\n".encode())
    assert rows.columns == ["id", "how long"]
    assert rows.read(10) == [(2, {"id": "1", "how long": "2"})]
    assert rows.read(10) == []


def test_another_delimiter_can_be_given(folder: Folder) -> None:
    assert folder.rows(b"a,b:c\n", delimiter=":").columns == ["a,b", "c"]


def test_a_mark_of_utf_8_is_no_part_of_the_first_column(folder: Folder) -> None:
    assert folder.rows("\ufeffname,id\nŽemyna,1\n".encode()).read(1) == [(2, {"name": "Žemyna", "id": "1"})]


def test_other_encodings_are_told(folder: Folder) -> None:
    content = "name,id\nJosé,1\n".encode("latin-1")
    assert folder.rows(content, "latin-1").read(1) == [(2, {"name": "José", "id": "1"})]
    with pytest.raises(InvalidInput, match=r"line 2: is not utf-8 .*; give its --encoding"):
        folder.rows(content).read(1)


def test_rows_of_several_lines_begin_where_they_begin(folder: Folder) -> None:
    rows = folder.rows(b'id,note\r\n1,"two\r\nlines"\r\n\r\n2,"say ""hello"""\r\n3\r\n')
    assert rows.read(10) == [
        (2, {"id": "1", "note": "two\r\nlines"}),
        (5, {"id": "2", "note": 'say "hello"'}),
        (6, {"id": "3"}),
    ]


def test_it_goes_on_from_its_place(folder: Folder) -> None:
    content = b'id,note\n1,"a\nb"\n2,c\n3,d\n'
    rows = folder.rows(content)
    assert len(rows.read(2)) == 2
    again = CsvRows(folder.path, encoding="utf-8", delimiter=None)
    folder.opened.append(again)
    again.go_to(rows.place)
    assert again.read(10) == [(5, {"id": "3", "note": "d"})]
    assert again.position == again.size == len(content)


def test_a_place_in_another_file_is_none(folder: Folder) -> None:
    rows = folder.rows(b"id\n1\n2\n")
    rows.read(2)
    place = rows.place
    other = folder.rows(b"id\n7\n8\n9\n")
    other.go_to(place)
    assert len(other.read(10)) == 3


def test_an_empty_file_is_refused(folder: Folder) -> None:
    with pytest.raises(InvalidInput, match="its first line must name the columns"):
        folder.rows(b"")
