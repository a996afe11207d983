"""Tables of any columns as benchmarks, and runs of one task joined; all rows are invented."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from routellm_core import importing
from routellm_core.errors import DataError
from routellm_core.importing.battles import read_battles
from routellm_core.importing.columns import ColumnMapping, guess
from routellm_core.importing.formats import table
from routellm_core.importing.readers import tables
from routellm_core.importing.readers.counted_reads import watched_by
from routellm_core.importing.records import records
from routellm_core.importing.run_joining import joined, paired
from routellm_core.importing.scales import Scale
from routellm_core.importing.wide_tables import WideModel
from routellm_core.store import Store
from routellm_core.text_keys import text_hash
from routellm_core.types import ModelPair

LONG = pd.DataFrame(
    {
        "Question": ["Why do kites fly?", "Why do kites fly?", "Sum 2, 3", "Sum 2, 3"],
        "id": ["k1", "k1", "s1", "s1"],
        "Category": ["air", "air", "sums", "sums"],
        "Model Name": ["wren", "heron", "wren", "heron"],
        "is_correct": [0, 1, 1, 1],
        "inputTokens": [5, 5, 4, 4],
        "output_tokens": [20, 31, 3, 6],
        "cost": ["$0.001", "$0.02", "$0.0004", "$0.01"],
        "latency_ms": [500, 1500, 100, 900],
    }
)
WIDE = pd.DataFrame(
    {
        "prompt": ["Why do kites fly?", "Sum 2, 3", "Name a tide."],
        "wren": [True, False, True],
        "heron-2|latest": [True, True, False],
        "wren_response": ["Wind.", "6", "Ebb."],
    }
)


def written(frame, path):
    writers = {
        ".csv": lambda: frame.to_csv(path, index=False),
        ".tsv": lambda: frame.to_csv(path, index=False, sep="\t"),
        ".json": lambda: frame.to_json(path, orient="records"),
        ".jsonl": lambda: frame.to_json(path, orient="records", lines=True),
        ".parquet": lambda: frame.to_parquet(path),
        ".xlsx": lambda: frame.to_excel(path, index=False),
    }
    writers[path.suffix]()
    return path


def test_a_small_parquet_file_that_unpacks_to_gigabytes_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "packed.parquet"
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(200_000, np.int32)), ["tide " * 200])
    right = np.ones(200_000)
    pq.write_table(pa.table({"query": text, "wren": right, "heron": right}), path)
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(tables, "LARGEST_UNPACKED", 150_000_000)
    with pytest.raises(DataError, match="unpacks to more than 150,000,000 bytes by row"):
        read(path)


def test_reading_tells_how_far_it_is_and_stops_when_the_watcher_says_so(tmp_path):
    path = written(WIDE, tmp_path / "runs.csv")
    told = []
    with watched_by(told.append):
        read(path)
    assert {p.stage for p in told} == {"reading runs.csv"}
    assert told[-1].done == told[-1].total == path.stat().st_size

    def stop(progress):
        raise ZeroDivisionError

    for name in ("runs.csv", "runs.jsonl", "runs.parquet"):
        path = written(WIDE, tmp_path / name)
        with pytest.raises(ZeroDivisionError), watched_by(stop):
            read(path)


def read(path, *arguments):
    (part,) = table.read(path, *arguments)
    return part


def kept(part):
    """What a store gives back of it."""
    store = Store()
    store.add_benchmark(
        part.benchmark, part.queries, None if part.outcomes.empty else part.outcomes
    )
    store.add_texts(part.texts)
    return store


SUFFIXES = ["csv", "tsv", "json", "jsonl", "parquet", "xlsx"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_long_table_of_any_kind_is_a_benchmark(tmp_path, suffix):
    path = written(LONG, tmp_path / f"runs.{suffix}")
    renamed = path.rename(tmp_path / "runs.data")  # the name says nothing
    assert importing.recognise(renamed) == "table"
    part = read(renamed)
    assert part.queries["query_id"].tolist() == ["k1", "s1"]
    assert part.queries["slice"].tolist() == ["air", "sums"]
    assert part.queries["prompt_tokens"].tolist() == [5, 4]
    assert part.queries["text_hash"].tolist() == [text_hash(t) for t in part.texts["text"]]
    by_name = part.outcomes.set_index(["query_id", "model"])
    assert by_name.loc[("k1", "wren")].tolist() == [0.0, 20.0, 0.001, 0.5, 5.0]
    assert by_name.loc[("s1", "heron")].tolist() == [1.0, 6.0, 0.01, 0.9, 4.0]
    assert "query 'Question', id 'id', slice 'Category'" in part.notes[0]
    with kept(part) as store:
        found = store.pair_outcomes("runs", ModelPair(weak="wren", strong="heron"))
        assert found.quality_weak.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_wide_table_has_a_column_a_model(tmp_path, suffix):
    path = written(WIDE, tmp_path / f"wide.{suffix}")
    assert importing.recognise(path) == "table"
    part = read(path)
    assert part.queries["query_id"].tolist() == ["1", "2", "3"]
    by_model = part.outcomes.groupby("model", observed=True)["quality"].apply(list).to_dict()
    assert by_model == {"wren": [1.0, 0.0, 1.0], "heron-2|latest": [1.0, 1.0, 0.0]}
    assert part.benchmark.quality_unit == "share right"
    with kept(part) as store:
        assert store.n_texts("wide") == (3, 3)


def test_columns_named_after_a_model_and_what_they_hold(tmp_path):
    frame = pd.DataFrame(
        {
            "input": ["one tide", "two tides"],
            "a/wren/score": [7.5, 3],
            "a/wren/response": ["x", "y"],
            "a/wren/cost": [0.1, 0.2],
            "b/heron/score": [9, 10],
            "b/heron/latency_ms": [250, 500],
            "year": [2021, 2022],
        }
    )
    part = read(written(frame, tmp_path / "t.csv"))
    assert part.outcomes["model"].tolist() == ["a/wren"] * 2 + ["b/heron"] * 2
    assert part.outcomes["quality"].tolist() == [7.5, 3.0, 9.0, 10.0]
    assert part.outcomes["cost_usd"].tolist()[:2] == [0.1, 0.2]
    assert part.outcomes["latency_s"].tolist()[2:] == [0.25, 0.5]
    assert (part.benchmark.quality_low, part.benchmark.quality_high) == (1.0, 10.0)


def test_numbers_that_are_no_models_qualities_are_left_out():
    columns = ["Unnamed: 0", "prompt", "small", "large", "large_cost", "year", "reading_ease"]
    sample = pa.table(
        [["0"], ["Sum 2, 3"], ["0.5"], ["1"], ["0.2"], ["2020"], ["61.3"]], names=columns
    )
    found = guess(columns, sample)
    assert found.query == "prompt"
    assert found.wide == (
        WideModel("small", "small"),
        WideModel("large", "large", cost_usd="large_cost"),
    )


def test_a_mapping_can_be_handed_in_corrected(tmp_path):
    frame = pd.DataFrame(
        {"Satz": ["Ebbe?", "Flut?"], "gross": ["gut", "3"], "note": [2, 4], "wer": ["a", "b"]}
    )
    path = written(frame, tmp_path / "fragen.csv")
    found, sample = table.guessed(path)
    assert found.query is None
    assert sample.column_names == ["Satz", "gross", "note", "wer"]
    with pytest.raises(DataError, match=r"no column looks like queries \(there are: Satz"):
        read(path)
    mapping = ColumnMapping(
        query="Satz", model="wer", quality="note", scale=Scale(0.0, 6.0, "points")
    )
    part = read(path, mapping)
    assert part.outcomes["quality"].tolist() == [2.0, 4.0]
    assert part.benchmark.quality_high == 6.0
    with pytest.raises(DataError, match="column 'gross': 'gut' is no number, right or wrong in 1 "):
        read(path, ColumnMapping(query="Satz", quality="gross"))
    with pytest.raises(DataError, match="column 'x' is missing"):
        read(path, ColumnMapping(query="x"))
    with pytest.raises(DataError, match="no column is mapped"):
        read(path, ColumnMapping())
    both = ColumnMapping(query="Satz", model="wer", wide=(WideModel("a", "note"),))
    with pytest.raises(DataError, match="not both"):
        read(path, both)


def test_the_column_of_sentences_is_taken_when_no_name_is_known(tmp_path):
    frame = pd.DataFrame(
        {
            "Eingabe": ["Warum steigen Drachen am Strand?", "Wie viele Boote sind im Hafen?"],
            "klein": [1, 0],
            "groß": [1, 1],
        }
    )
    part = read(written(frame, tmp_path / "t.csv"))
    assert part.texts["text"].tolist() == frame["Eingabe"].tolist()
    assert part.outcomes["model"].unique().tolist() == ["klein", "groß"]


@pytest.mark.parametrize(
    ("values", "scale", "qualities"),
    [
        (["0", "1"], (0, 1, "share right"), [0, 1]),
        (["True", "false"], (0, 1, "share right"), [1, 0]),
        (["Wrong", " RIGHT "], (0, 1, "share right"), [0, 1]),
        (["pass", "fail"], (0, 1, "share right"), [1, 0]),
        (["50%", "12.5 %"], (0, 1, "share right"), [0.5, 0.125]),
        (["0,5", "1"], (0, 1, "share right"), [0.5, 1]),
        (["2", "5"], (1, 5, "points"), [2, 5]),
        (["3", "8.5"], (1, 10, "points"), [3, 8.5]),
        (["0", "7"], (0, 10, "points"), [0, 7]),
        (["55", "97"], (0, 100, "points"), [55, 97]),
        (["-1", "1"], (-1, 1, "points"), [-1, 1]),
        (["-40", "1e3"], (-40, 1000, "points"), [-40, 1000]),
    ],
)
def test_the_scale_is_told_from_the_qualities(tmp_path, values, scale, qualities):
    frame = pd.DataFrame({"query": ["a tide", "b tide"], "model": "wren", "score": values})
    part = read(written(frame, tmp_path / "t.csv"))
    card = part.benchmark
    assert (card.quality_low, card.quality_high, card.quality_unit) == scale
    assert part.outcomes["quality"].tolist() == qualities
    assert any("Quality was taken as" in note for note in part.notes)


def test_queries_without_outcomes_are_bare_and_the_store_holds_them(tmp_path):
    path = tmp_path / "bare.csv"
    path.write_text("question\nWhy, then, do kites fly?\nSum 2 and 3\n")
    part = read(path)
    assert part.outcomes.empty
    assert part.texts["text"].tolist() == ["Why, then, do kites fly?", "Sum 2 and 3"]
    assert "its 2 queries can be scored and compared, not evaluated" in part.notes[-1]
    with kept(part) as store:
        row = store.benchmarks().iloc[0]
        assert (row["n_queries"], row["n_models"]) == (2, 0)
        assert store.models("bare").empty


def test_traffic_without_quality_keeps_tokens_and_cost_beside_the_queries(tmp_path):
    frame = LONG.drop(columns="is_correct").drop_duplicates("id")
    part = read(written(frame, tmp_path / "t.csv"))
    assert part.outcomes.empty
    assert part.usage.to_dict("records")[0] == {
        "query_id": "k1",
        "model": "wren",
        "prompt_tokens": 5.0,
        "answer_tokens": 20.0,
        "cost_usd": 0.001,
        "latency_s": 0.5,
    }


def test_one_run_is_named_after_its_file_and_says_that_routing_needs_two(tmp_path):
    frame = LONG[LONG["Model Name"] == "wren"].drop(columns="Model Name")
    part = read(written(frame, tmp_path / "wren-1.csv"))
    assert part.outcomes["model"].unique().tolist() == ["wren-1"]
    assert "routing needs a second model" in part.notes[-1]


def test_empty_qualities_are_left_out_and_named(tmp_path):
    frame = LONG.assign(is_correct=["", "1", "NaN", "0"])
    part = read(written(frame, tmp_path / "t.csv"))
    assert len(part.outcomes) == 2
    assert any("No quality for 2 answers of wren (queries 'k1', 's1')" in n for n in part.notes)


def test_equal_texts_without_ids_are_queries_of_their_own(tmp_path):
    frame = pd.DataFrame(
        {
            "query": ["a tide"] * 4,
            "model": ["wren", "heron", "wren", "heron"],
            "score": [0, 1, 1, 1],
        }
    )
    part = read(written(frame, tmp_path / "t.csv"))
    assert part.queries["query_id"].tolist() == ["1", "3"]
    assert part.queries["cluster_id"].nunique() == 1
    assert len(part.texts) == 1
    assert any("2 rows repeat a text and model" in note for note in part.notes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"is_correct": ["1", "inf", "0", "-inf"]}, r"infinite value in 2 rows \(2, 4\)"),
        ({"is_correct": ["1", "maybe", "0", "1"]}, r"'is_correct': 'maybe' is no number.*\(2\)"),
        ({"id": ["a", "a", "a", "b"]}, r"stood for another text before in 1 row \(3\)"),
        ({"Question": [None, None, "b", " "]}, r"no query text in 3 rows \(1, 2, 4\)"),
        ({"Model Name": [None, None, None, "b"]}, r"no model in 3 rows \(1, 2, 3\)"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_row_that_is_off_is_named(tmp_path, change, message, suffix):
    path = written(LONG.assign(**change), tmp_path / f"runs.{suffix}")
    with pytest.raises(DataError, match=message) as error:
        read(path, table.guessed(written(LONG, tmp_path / "good.csv"))[0])
    assert f"runs.{suffix}" in str(error.value)


@pytest.mark.parametrize(
    ("change", "note", "n_outcomes"),
    [
        ({"cost": ["1", "x", "2", "1"]}, "'cost': no number in 1 row (2), for example 'x'", 4),
        ({"cost": ["1", "2", "-3", "1"]}, "The cost is negative or infinite in 1 row (3)", 4),
        ({"Question": ["a", None, "b", " "]}, "2 rows (2, 4) with no query text were left out", 2),
        ({"id": ["a", "b", None, "c"]}, "The id is empty in 1 row (3)", 4),
        ({"Model Name": "wren"}, "2 rows are further answers of one model to one query", 2),
        ({"Model Name": ["wren", None, "a", "b"]}, "1 row (2) with no model was left out", 3),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_row_that_is_off_is_left_out_and_named(tmp_path, change, note, n_outcomes, suffix):
    path = written(LONG.assign(**change), tmp_path / f"runs.{suffix}")
    part = read(path, table.guessed(written(LONG, tmp_path / "good.csv"))[0])
    assert note in " ".join(part.notes)
    assert len(part.outcomes) == n_outcomes
    if "cost" in change:
        assert part.outcomes["cost_usd"].isna().sum() == 1


def test_an_id_of_two_texts_in_a_wide_table_is_named(tmp_path):
    path = written(WIDE.assign(id=["a", "b", "a"]), tmp_path / "t.csv")
    with pytest.raises(DataError, match=r"stood for another text before in 1 row \(3\)"):
        read(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_and_line_ends_are_told_from_the_bytes(tmp_path, encoding, end):
    lines = ["query,id,model,score", '"Öl, Tide – \U0001f30a?",ä,wren,1', "Zwei?,b,wren,0", ""]
    path = tmp_path / "t.csv"
    path.write_bytes(end.join(lines).encode(encoding))
    assert importing.recognise(path) == "table"
    part = read(path)
    assert part.texts["text"].tolist() == ["Öl, Tide – \U0001f30a?", "Zwei?"]
    assert part.queries["query_id"].tolist() == ["ä", "b"]
    path.write_bytes((json.dumps({"query": "Öl"}, ensure_ascii=False) + end).encode(encoding))
    assert read(path).texts["text"].tolist() == ["Öl"]


def test_windows_text_is_read_and_said(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("query;score;model\nÖl – “teuer”?;1;wren\n".encode("cp1252"))
    part = read(path)
    assert part.texts["text"].tolist() == ["Öl – “teuer”?"]
    assert "t.csv is not UTF-8 (byte 19) and was read as Windows-1252" in part.notes[0]
    path.write_bytes(b"query,score\n\x81\x8d,1\n")
    with pytest.raises(DataError, match="is no table: neither text in a known encoding"):
        read(path, ColumnMapping(query="query"))


SCRIPTS = {
    "cp1251": ("Windows-1251", "Почему небо голубое?"),
    "koi8_r": ("KOI8-R", "Почему небо голубое? Сколько будет два плюс три?"),
    "cp1253": ("Windows-1253", "Γιατί ο ουρανός είναι μπλε;"),
    "cp932": ("Shift-JIS", "フランスの首都はどこですか？"),
    "gbk": ("GBK", "为什么天空是蓝色的？"),
    "big5": ("Big5", "為什麼天空是藍色的？法國的首都是哪裡？"),
    "cp949": ("EUC-KR", "하늘은 왜 파란가요? 프랑스의 수도는 어디인가요?"),
}


@pytest.mark.parametrize("encoding", SCRIPTS)
def test_a_table_in_an_encoding_of_its_script_is_read_and_said(tmp_path, encoding):
    named, text = SCRIPTS[encoding]
    for name, content in {
        "t.csv": f"query,score,model\nHow high is the tide?,1,wren\n{text},0,wren\n",
        "t.jsonl": json.dumps({"query": text, "score": 1, "model": "wren"}, ensure_ascii=False),
    }.items():
        path = tmp_path / name
        path.write_bytes(content.encode(encoding))
        part = read(path)
        assert part.texts["text"].tolist()[-1] == text
        assert f"was read as {named}" in part.notes[0]


def test_names_of_columns_have_the_encoding_of_the_rest(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("вопрос;модель;оценка\nПочему небо голубое?;wren;1\n".encode("cp1251"))
    _, sample = table.guessed(path)
    assert sample.column_names == ["вопрос", "модель", "оценка"]
    mapping = ColumnMapping(query="вопрос", model="модель", quality="оценка")
    assert read(path, mapping).texts["text"].tolist() == ["Почему небо голубое?"]


@pytest.mark.parametrize(
    "text",
    ["Größe fünf, Bären?", "Hyvää päivää, missä sää on hyvä?", "Is it 20°C – or 68 °F?", "Ж"],
)
def test_western_text_and_too_few_letters_stay_windows_1252(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_bytes(f'query,score\n"{text}",1\n'.encode("cp1251" if text == "Ж" else "cp1252"))
    part = read(path)
    assert "was read as Windows-1252" in part.notes[0]
    assert part.texts["text"].tolist() == ["Æ" if text == "Ж" else text]


def test_utf_8_with_a_damaged_byte_is_taken_for_no_other_script(tmp_path):
    path = tmp_path / "t.csv"
    whole = "query,score\nСколько будет два плюс три?,1\n".encode()
    path.write_bytes(whole.replace("ю".encode(), b"\xd1"))
    with pytest.raises(DataError, match="is no table: neither text"):
        read(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "t: is empty"),
        (b"query,score\n", "has columns but no row"),
        (
            b"query,score\na,1\nb\n\nc,1,2\n",
            r"another number of values than the header in 2 rows \(2, 3\), for example 1 for 2",
        ),
        (b'query,score\n"open,1\nb,2\n', "another number of values than the header"),
        (b"query,score\n\xff\xfe\x81,1\n", "is no table: neither text"),
        (b"\xff\xfeq\x00u", "no column looks like queries"),
        (b"\x80\x04\x95\x10", "is a pickle, which can run code"),
        (b"\x1f\x8b\x08\x00\x00", "is no table"),
        (b"PAR1 and no more", "damaged Parquet file"),
        (b"PK\x03\x04 and no more", "is an archive and no spreadsheet"),
        (b'{"query": "a"}\n{"query": \n', "t, line 2: is no JSON"),
        (b'{"query": "a"}\n[1]\n', "t, line 2: is a list, no object"),
        (b'{"query": "a"}\n{"query": "\\ud800"}\n', "half a character"),
        (b'[{"query": "a"}, 3]', "t, item 2: is a number, no object"),
        (b'[{"query": "a"} {"query": "b"}]', "item 2: after it there is neither a comma"),
        (b'[{"query": "a"}, oops, {"query": "b"}]', "t, item 2: is no JSON"),
        (b'[{"query": ' + b"[" * 100_000, "nested too deeply|no JSON"),
        (b"[]", "no column looks like queries"),
    ],
)
def test_a_file_that_is_no_whole_table_says_where(tmp_path, content, message):
    path = tmp_path / "t"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(path)


def test_a_formula_is_a_text_in_csv_and_in_a_spreadsheet_the_value_saved_with_it(tmp_path):
    frame = LONG.assign(Question=["=1+1", "=1+1", "@cmd", "@cmd"])
    assert read(written(frame, tmp_path / "t.csv")).texts["text"].tolist() == ["=1+1", "@cmd"]
    # pandas writes a formula and no value with it.
    part = read(written(frame, tmp_path / "t.xlsx"))
    assert "2 rows (1, 2) with no query text were left out." in part.notes
    path = written(LONG.assign(is_correct=["=A1>0", 1, 1, 0]), tmp_path / "f.xlsx")
    part = read(path, table.guessed(written(LONG, tmp_path / "good.csv"))[0])
    assert part.outcomes["quality"].tolist() == [1, 1, 0]
    assert any("No quality for 1 answer of wren (query 'k1')" in note for note in part.notes)


def test_of_several_sheets_the_first_with_rows_is_read(tmp_path):
    path = tmp_path / "book.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame().to_excel(book, sheet_name="empty", index=False)
        WIDE.to_excel(book, sheet_name="results", index=False, startrow=2)
        LONG.to_excel(book, sheet_name="other", index=False)
    part = read(path)
    assert len(part.queries) == 3
    assert "Of the 3 sheets of book.xlsx only 'results' was read." in part.notes


def test_names_of_columns_that_are_empty_or_twice_there_are_numbered(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(',query,a,a,\n0,"Sum, 2",1,0,x\n1,Ebb,0,0,y\n')
    part = read(path)
    assert part.outcomes["model"].tolist() == ["a", "a", "a (4)", "a (4)"]


def test_ten_thousand_columns_do_not_hang(tmp_path):
    n = 10_000
    path = tmp_path / "t.csv"
    header = ",".join(["query", *(f"m{i}" for i in range(n))])
    path.write_text(header + "\n" + "\n".join(f"query {i}" + ",1" * n for i in range(3)) + "\n")
    assert importing.recognise(path) == "table"
    part = read(path)
    assert len(part.outcomes) == 3 * n
    assert "and 9992 more" in part.notes[0]


def test_a_row_longer_than_a_block_and_json_longer_than_one_are_read(tmp_path):
    long = "tide " * 2_000_000
    path = written(pd.DataFrame({"query": ["ebb", long], "score": [1, 0]}), tmp_path / "t.csv")
    assert read(path).texts["text"].str.len().tolist() == [3, len(long)]
    path.write_text(json.dumps([{"query": text} for text in ("ebb", long, "flow")]))
    assert read(path).texts["text"].str.len().tolist() == [3, len(long), 4]


def test_parquet_of_other_types_reads_the_same(tmp_path):
    data = pa.table(
        {
            "id": pa.array([1, 2]),
            "query": pa.array(["ebb", "flow"], pa.large_string()),
            "model": pa.array(["wren", "wren"]).dictionary_encode(),
            "score": pa.array([True, None]),
            "cost_usd": pa.array([0.1, None], pa.float32()),
            "category": pa.array([None, "sea"], pa.string()),
        }
    )
    pq.write_table(data, tmp_path / "t.parquet")
    part = read(tmp_path / "t.parquet")
    assert part.queries["query_id"].tolist() == ["1", "2"]
    assert part.queries["slice"].tolist() == ["(none)", "sea"]
    assert part.outcomes["quality"].tolist() == [1.0]
    assert part.outcomes["cost_usd"].tolist() == pytest.approx([0.1])


# What is not a table of queries


def test_bytes_that_are_no_text_deep_in_a_parquet_file_are_refused_in_words(tmp_path):
    broken = pa.array([b"tide \xa9", b"ebb"], pa.binary()).view(pa.string())
    data = pa.table({"query": ["a?", "b?"], "said": pa.StructArray.from_arrays([broken], ["text"])})
    pq.write_table(data, tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"damaged Parquet file .*UTF8"):
        list(records(tmp_path / "t.parquet"))


@pytest.mark.parametrize("suffix", ["csv", "json", "jsonl", "parquet"])
def test_tables_of_battles_are_left_to_the_reader_of_battles(tmp_path, suffix):
    arena = pd.DataFrame(
        {
            "id": [1],
            "model_a": ["wren"],
            "model_b": ["heron"],
            "prompt": [json.dumps(["Ebb?"])],
            "response_a": ["x"],
            "response_b": ["y"],
            "winner_model_a": [0],
            "winner_model_b": [1],
            "winner_tie": [0],
        }
    )
    alpaca = pd.DataFrame(
        {
            "instruction": ["Ebb?"],
            "output_1": ["x"],
            "generator_1": ["wren"],
            "dataset": ["sea"],
            "output_2": ["y"],
            "generator_2": ["heron"],
            "annotator": ["owl"],
            "preference": [2.0],
        }
    )
    for frame in (arena, alpaca):
        path = written(frame, tmp_path / f"t.{suffix}")
        assert importing.is_no_benchmark(path)
        assert read_battles(path)["winner"].tolist() == ["model_b"]
        with pytest.raises(DataError, match="no known format"):
            importing.read(path)


@pytest.mark.parametrize("content", ["name,colour\nTom,grey\n", "# Notes\n\nTides come, and go.\n"])
def test_what_holds_no_queries_is_not_recognised(tmp_path, content):
    path = tmp_path / "query.csv"
    path.write_text(content)
    assert not table.recognises(path)


# Runs of one task


def run(folder, model, scores, ids=None, texts=None, name=None):
    texts = texts or [f"How high is tide {i}?" for i in range(len(scores))]
    frame = pd.DataFrame({"query": texts, "score": scores, "model": model})
    if ids is not None:
        frame.insert(0, "id", ids)
    path = folder / f"{name or model}.csv"
    frame.to_csv(path, index=False)
    return read(path)


def pair_of(part):
    with kept(part) as store:
        return store.pair_outcomes(part.benchmark.benchmark_id, ModelPair("wren", "heron"))


def test_two_runs_are_paired_by_id(tmp_path):
    ids = ["a", "b", "c"]
    (part,) = paired(
        [run(tmp_path, "wren", [0, 1, 0], ids), run(tmp_path, "heron", [1, 1, 0], ids)]
    )
    found = pair_of(part)
    assert found.quality_strong.tolist() == [1.0, 1.0, 0.0]
    assert "3 queries of a table, heron.csv matched by id." in part.notes
    assert "2 runs, 2 models: 3 queries were answered by all of them." in part.notes


def test_two_runs_are_paired_by_text_where_ids_are_only_row_numbers(tmp_path):
    texts = ["How high?", "How low?", "How  HIGH?"]
    one = run(tmp_path, "wren", [0, 1, 1], texts=texts)
    other = run(tmp_path, "heron", [1, 0, 1], texts=["How low?", "How high?", "How wide?"])
    (part,) = paired([one, other])
    found = pair_of(part)
    assert dict(zip(found.query_id, found.quality_strong, strict=True)) == {"1": 0.0, "2": 1.0}
    assert "2 queries of a table, heron.csv matched by text." in part.notes
    assert "1 query of a table, wren.csv matched none ('3')." in part.notes
    assert "1 query of a table, heron.csv matched none ('3')." in part.notes
    assert part.queries["query_id"].nunique() == len(part.queries) == 4


def test_an_id_that_says_something_else_in_the_other_run_does_not_match(tmp_path):
    ids = ["a", "b", "c"]
    texts = ["one", "two", "three"]
    one = run(tmp_path, "wren", [0, 1, 0], ids, texts)
    other = run(tmp_path, "heron", [1, 1, 1], ids, ["one", "two", "four"])
    part = joined([one, other])
    assert pair_of(part).n_queries == 2
    assert any("1 id stands for different texts" in note for note in part.notes)


def test_three_runs_make_three_models_and_other_tasks_stay_apart(tmp_path):
    runs = [run(tmp_path, model, [0, 1]) for model in ("wren", "heron", "finch")]
    other = run(tmp_path, "owl", [1, 1], texts=["Something else", "And more"])
    first, second = paired([runs[0], other, *runs[1:]])
    assert first.outcomes["model"].nunique() == 3
    assert second is other


def test_runs_that_cannot_be_joined_are_refused(tmp_path):
    one = run(tmp_path, "wren", [0, 1])
    with pytest.raises(DataError, match=r"'wren' has answered 2 of its queries .* already"):
        paired([one, one])
    with pytest.raises(DataError, match="wren has qualities from 0 to 1 and heron from 3 to 9"):
        paired([one, run(tmp_path, "heron", [3, 9])])
    (tmp_path / "x").mkdir()
    far = run(tmp_path / "x", "heron", [0, 1], ids=["p", "q"], texts=["Up", "Down"], name="wren")
    with pytest.raises(DataError, match="no query in common"):
        paired([one, far])


def test_parts_of_one_run_are_put_together(tmp_path):
    one = run(tmp_path, "wren", [0, 1], ids=["a", "b"])
    (tmp_path / "x").mkdir()
    rest = run(tmp_path / "x", "wren", [1, 1], ids=["c", "d"], texts=["Up", "Down"])
    (part,) = paired([one, rest])
    assert len(part.outcomes) == len(part.queries) == 4
    assert np.isfinite(part.outcomes["quality"]).all()


def test_a_cell_that_is_off_does_not_turn_outcomes_into_bare_queries(tmp_path):
    path = written(WIDE.assign(wren=[1, 0, "?"]).iloc[[0, 1] * 9 + [2]], tmp_path / "wide.csv")
    part = read(path)
    assert any("'wren': no number in 1 row (19), for example '?'" in note for note in part.notes)
    assert part.outcomes["model"].value_counts()["wren"] == 18
    path = written(LONG.assign(is_correct=[1, 0, 1, "?"]), tmp_path / "long.csv")
    with pytest.raises(DataError, match=r"column 'is_correct': '\?' is no number"):
        read(path)


def test_graded_conversations_are_a_table_whose_query_is_said_last(tmp_path):
    messages = [
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Ahoy."},
        {"role": "user", "content": "How high is the tide?"},
    ]
    rows = [{"messages": messages, "model": model, "score": 1} for model in ("wren", "heron")]
    path = tmp_path / "t"
    path.write_text(json.dumps(rows))
    assert importing.recognise(path) == "table"
    assert read(path).texts["text"].tolist() == ["How high is the tide?"]


def test_outcomes_may_name_their_queries_by_an_id_alone(tmp_path):
    answers = ["Because of the wind, surely.", "It is five, all in all.", "By the wind.", "Six."]
    frame = LONG.drop(columns="Question").assign(response=answers)
    path = written(frame, tmp_path / "runs.csv")
    assert importing.recognise(path) == "table"
    part = read(path)
    assert part.queries["query_id"].tolist() == ["k1", "s1"]
    assert part.texts.empty
    with Store() as store:
        store.add_benchmark(part.benchmark, part.queries, part.outcomes)
        assert store.n_texts("runs") == (0, 2)
