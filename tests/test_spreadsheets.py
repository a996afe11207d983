"""Spreadsheets of every kind, as real programs save them; see spreadsheets/README.md."""

from pathlib import Path

import openpyxl
import pytest

from routellm_core import importing
from routellm_core.errors import DataError
from routellm_core.importing.readers import zip_limits
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.readers.tables import read_columns, read_sample, read_typed

FOLDER = Path(__file__).parent / "spreadsheets"
KINDS = ("ods", "xls", "xlsb", "xlsx")


@pytest.fixture(params=KINDS)
def results(request, tmp_path):
    """The table of one kind, under a name that says nothing."""
    path = tmp_path / "results"
    path.write_bytes((FOLDER / f"results.{request.param}").read_bytes())
    return path


def test_every_kind_holds_the_same_texts(results):
    assert sniff(results).kind == "spreadsheet"
    sample = read_sample(results).to_pydict()
    assert sample["Question"][1:3] == ["Why do kites fly?", "Wie hoch ist die Flut – für Bären?"]
    assert sample["id"] == ["7", "7", "8", "8"]
    assert sample["cost_usd"] == ["0.0015", "0.02", "0.0004", "0.01"]
    assert sample["asked on"] == ["2026-03-01"] * 2 + ["2026-03-02"] * 2
    assert sample["remark"] == [None, None, "潮の高さは？", None]  # the first is 1 / 0


def test_every_kind_is_the_same_benchmark_with_the_values_of_its_formulas(results):
    assert importing.recognise(results) == "table"
    (part,) = importing.read(results)
    assert part.queries["query_id"].tolist() == ["7", "8"]
    by_name = part.outcomes.set_index(["query_id", "model"])["quality"]
    assert by_name.to_dict() == {
        ("7", "wren"): 0.0,
        ("7", "heron"): 1.0,
        ("8", "wren"): 1.0,
        ("8", "heron"): 0.0,
    }
    assert any("sheets of results only 'results' was read." in note for note in part.notes)


def test_rows_are_counted_below_the_header_and_an_empty_cell_is_missing(results):
    table = read_columns(results, ["remark", "id"])
    assert table.where.row.tolist() == [1, 2, 3, 4]
    assert table.data.column_names == ["remark", "id"]
    frame = read_typed(results, ["remark", "colour", "model"])
    assert frame["model"].tolist() == ["wren", "heron"] * 2
    assert frame["remark"].isna().tolist() == [True, True, False, True]
    with pytest.raises(DataError, match="column 'colour' is missing"):
        read_columns(results, ["colour"])


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_half_a_spreadsheet_is_refused(results, share):
    content = results.read_bytes()
    results.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"results: is (no whole|an archive and no) "):
        read_sample(results)


def test_a_spreadsheet_with_a_password_is_refused():
    with pytest.raises(DataError, match=r"it is encrypted.*without a password"):
        read_sample(FOLDER / "encrypted.xlsx")


def test_an_old_document_that_is_no_spreadsheet_is_refused(tmp_path):
    path = tmp_path / "letter.doc"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000))
    with pytest.raises(DataError, match="no whole spreadsheet"):
        read_sample(path)
    assert importing.is_no_benchmark(path)


def test_a_spreadsheet_without_any_cell_is_refused(tmp_path):
    openpyxl.Workbook().save(tmp_path / "t.xlsx")
    with pytest.raises(DataError, match="no sheet holds a table"):
        read_sample(tmp_path / "t.xlsx")


def test_two_cells_far_apart_end_the_reading_process_alone(tmp_path):
    """calamine asks for 550 GB of memory at once, which ends the process that asks."""
    book = openpyxl.Workbook()
    book.active["A1"] = "query"
    book.active["XFD1048576"] = 1
    book.save(tmp_path / "corners.xlsx")
    with pytest.raises(DataError, match="needs more than 4,294,967,296 bytes of memory"):
        read_sample(tmp_path / "corners.xlsx")


def test_what_unpacks_to_too_much_is_not_opened(monkeypatch):
    monkeypatch.setattr(zip_limits, "LARGEST_SUM", 10_000)
    with pytest.raises(DataError, match="too much"):
        read_sample(FOLDER / "results.xlsx")
