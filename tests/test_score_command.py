"""The verb score: a row each, in order, whatever the queries hold; stopped and gone on with."""

import io
import json
import sys

import numpy as np
import pandas as pd
import pytest

from routellm_core import __main__ as command_line
from routellm_core import devices
from routellm_core.commands import score as scoring_command
from routellm_core.importing import pasted
from routellm_core.store import Store
from routellm_core.types import RouterEntry
from tests.test_scoring import OWN, routers  # noqa: F401  a fixture

HOSTILE = ["", "   ", "Why?", "prove " * 5_000, "Why?", "=1+1", "日本語 \x00", "say ropes 1"]


@pytest.fixture
def run(tmp_path, routers, word_vectors, monkeypatch, capsys):  # noqa: F811
    path = tmp_path / "store.duckdb"
    with Store.create(path) as store:
        for name, router in routers.items():
            router.save(tmp_path / "data" / name)
            kind = type(router).router_name
            entry = RouterEntry(name, kind, "golden", trained_on="sums", checkpoint=name)
            store.add_router(entry)
    monkeypatch.setattr(command_line, "DATA_DIR", tmp_path / "data")
    monkeypatch.delenv(devices.VARIABLE, raising=False)

    def run(*arguments):
        status = command_line.main(["score", "--store", str(path), *map(str, arguments)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_rows_stand_in_the_order_of_the_file(run, routers, tmp_path):  # noqa: F811
    file, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pd.DataFrame({"id": [f"q{i}" for i in range(len(HOSTILE))], "query": HOSTILE}).to_parquet(file)
    status, said, _ = run(
        "--router", "mf-x", "random-x", "--input", file, "--output", out, "--alpha", 0.5, "--json"
    )
    assert status == 0
    frame = pd.read_parquet(out)
    assert frame["row"].tolist() == list(range(1, len(HOSTILE) + 1))
    assert frame["query_id"].tolist() == [f"q{i}" for i in range(len(HOSTILE))]
    read = [query.strip() and query for query in HOSTILE]  # a blank cell is an empty one
    for name, router in routers.items():
        np.testing.assert_allclose(frame[name], router.strong_win_rate(read), atol=1e-6)
        assert frame[f"{name} calls_strong"].tolist() == (frame[name] >= 0.5).tolist()
    document = json.loads(said)
    assert (document["n_queries"], document["device"]) == (len(HOSTILE), devices.device().name)
    assert [path.name for path in tmp_path.glob("out*")] == ["out.parquet"]


def test_a_query_a_line_comes_from_stdin(run, tmp_path, monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO("Why?\n\n\xff no UTF-8\n".encode("latin-1")))
    monkeypatch.setattr(sys, "stdin", stdin)
    out = tmp_path / "out.csv"
    assert run("--router", "mf-x", "--output", out)[0] == 0
    assert len(pd.read_csv(out)) == 3


def test_a_stopped_scoring_goes_on(run, tmp_path, monkeypatch):
    monkeypatch.setattr("routellm_core.scoring.engine.CHUNK", 10)
    file, out = tmp_path / "in.csv", tmp_path / "out.csv"
    pd.DataFrame({"query": OWN}).to_csv(file, index=False)
    write = scoring_command._write

    def fail(frame, path):
        raise KeyboardInterrupt

    monkeypatch.setattr(scoring_command, "_write", fail)
    assert run("--router", "mf-x", "--input", file, "--output", out)[0] == 130
    kept = list((tmp_path / "out.csv.unfinished").glob("*.parquet"))
    assert len(kept) == -(-len(set(OWN)) // 10)
    monkeypatch.setattr(scoring_command, "_write", write)
    monkeypatch.setattr("routellm_core.scoring.engine.Reading", None)  # nothing is scored again
    assert run("--router", "mf-x", "--input", file, "--output", out)[0] == 0
    assert len(pd.read_csv(out)) == len(OWN)
    assert not (tmp_path / "out.csv.unfinished").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--router", "mf-x", "--output", "x.txt"), "end it in .parquet or .csv"),
        (("--router", "oracle", "--output", "x.csv"), "no router 'oracle'"),
        (("--router", "mf-x", "--output", "x.csv", "--alpha", "1.5"), "between 0 and 1"),
        (("--router", "mf-x", "--output", "x.csv", "--column", "colour"), "'colour' is missing"),
        (("--router", "mf-x", "--output", "/nowhere/x.csv"), "there is no folder"),
    ],
)
def test_what_cannot_be_is_a_sentence(run, tmp_path, arguments, message):
    file = tmp_path / "in.csv"
    pd.DataFrame({"query": ["Why?"]}).to_csv(file, index=False)
    status, _, error = run("--input", file, *arguments)
    assert status == 2
    assert message in error
    assert "Traceback" not in error


def test_pasted_lines_are_bare_queries():
    found = pasted("Why?\n\n  say ropes \nWhy?\n")
    assert len(found.queries) == 3
    assert found.outcomes.empty
    assert sorted(found.texts["text"]) == ["Why?", "say ropes"]
