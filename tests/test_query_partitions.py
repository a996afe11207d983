"""Queries in partitions and scores in partitions, without the workers in between."""

import sys

import numpy as np
import pandas as pd
import pytest

from routellm_core.errors import DataError, MissingPackageError
from routellm_core.scoring import ray_cluster
from routellm_core.scoring.partitions import Partition, partitions_of, write_partitions
from routellm_core.scoring.ray_engine import Scorer, Work, score_partitions
from routellm_core.scoring.tables import (
    Queries,
    QueryColumns,
    columns_of,
    read_queries,
    scored_table,
)
from routellm_core.store.partitions import collect, means
from tests.test_score_command import HOSTILE
from tests.test_scoring import OWN, routers  # noqa: F401  a fixture

QUERY = QueryColumns("query")


def fill(folder, *sizes):
    """Parquet files of that many rows each, their names in order."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, size in enumerate(sizes):
        frame = pd.DataFrame({"query": [f"say {number} {i}" for i in range(size)]}, dtype="str")
        frame.to_parquet(folder / f"{number}.parquet")
    return folder


def test_rows_are_numbered_through_all_files_by_name(tmp_path):
    fill(tmp_path / "a", 2, 0, 3)
    fill(tmp_path / "b" / "day=1", 4)
    (tmp_path / "b" / "_notes.parquet").write_text("no Parquet at all")
    found = partitions_of(tmp_path)
    assert [(part.path.parent.name, part.first_row, part.n_rows) for part in found] == [
        ("a", 1, 2),
        ("a", 3, 3),
        ("day=1", 6, 4),
    ]
    assert partitions_of(tmp_path / "a" / "*.parquet") == found[:2]
    assert partitions_of(tmp_path / "**" / "2.parquet") == [Partition(found[1].path, 1, 3)]


def test_what_holds_no_query_is_a_sentence(tmp_path):
    with pytest.raises(DataError, match="no Parquet file is there"):
        partitions_of(tmp_path)
    with pytest.raises(DataError, match="no Parquet file is there"):
        partitions_of(tmp_path / "*.parquet")
    with pytest.raises(DataError, match="its 2 Parquet files have no row"):
        partitions_of(fill(tmp_path, 0, 0))


def test_a_file_whose_length_cannot_be_read_is_named(tmp_path):
    whole = (fill(tmp_path, 3, 3) / "1.parquet").read_bytes()
    (tmp_path / "1.parquet").write_bytes(whole[:-20])
    with pytest.raises(DataError, match=r"1\.parquet: is a damaged Parquet file"):
        partitions_of(tmp_path)


@pytest.mark.parametrize("n_partitions", [None, 1, 3, 100])
def test_written_partitions_hold_the_same_queries_in_order(tmp_path, n_partitions):
    file = tmp_path / "in.parquet"
    ids = [f"q{i}" if i % 3 else None for i in range(len(HOSTILE))]
    pd.DataFrame({"id": ids, "query": HOSTILE}).to_parquet(file)
    queries = read_queries(file, columns_of(file))
    folder, columns = write_partitions(queries, tmp_path / "out", n_partitions)
    parts = partitions_of(folder)
    assert len(parts) == min(n_partitions or 1, len(HOSTILE))
    read = [read_queries(part.path, columns) for part in parts]
    assert [text for part in read for text in part.texts] == queries.texts
    assert [name for part in read for name in part.ids] == queries.ids == ids
    assert max(len(part.texts) for part in read) - min(len(part.texts) for part in read) <= 1


def test_partitions_are_written_once_for_what_they_hold(tmp_path):
    folder, columns = write_partitions(Queries(OWN, None), tmp_path, 4)
    assert columns == QUERY
    written = [path.stat().st_mtime_ns for path in sorted(folder.iterdir())]
    assert write_partitions(Queries(OWN, None), tmp_path, 4)[0] == folder
    assert [path.stat().st_mtime_ns for path in sorted(folder.iterdir())] == written
    others = [
        write_partitions(Queries(OWN, None), tmp_path, 5)[0],
        write_partitions(Queries(OWN[1:], None), tmp_path, 4)[0],
        write_partitions(Queries(OWN, OWN), tmp_path, 4)[0],
    ]
    assert len({folder, *others}) == 4


def test_a_worker_scores_as_the_routers_do(tmp_path, routers):  # noqa: F811
    source = tmp_path / "in.parquet"
    pd.DataFrame({"query": OWN}).to_parquet(source)
    output = tmp_path / "out.parquet"
    work = Work(QUERY, tuple(routers), lambda: routers, alpha=0.5)
    told = Scorer(work)({"source": str(source), "first_row": 7, "output": str(output)})
    assert (told["n_rows"], told["problem"]) == (len(OWN), "")
    frame = pd.read_parquet(output)
    assert frame["row"].tolist() == list(range(7, 7 + len(OWN)))
    for name, router in routers.items():
        np.testing.assert_allclose(frame[name], router.strong_win_rate(OWN), atol=1e-6)
        assert frame[f"{name} calls_strong"].tolist() == (frame[name] >= 0.5).tolist()
    assert [path.name for path in tmp_path.glob("*out*")] == ["out.parquet"]


def test_what_a_worker_cannot_read_or_write_is_told_and_stops_nothing(tmp_path, routers):  # noqa: F811
    fill(tmp_path, 3)
    scorer = Scorer(Work(QueryColumns("colour"), tuple(routers), lambda: routers))
    row = {"source": str(tmp_path / "0.parquet"), "first_row": 1, "output": "/nowhere/x.parquet"}
    assert "'colour' is missing" in scorer(row)["problem"]
    scorer = Scorer(Work(QUERY, tuple(routers), lambda: routers))
    assert "/nowhere/x.parquet cannot be written" in scorer(row)["problem"]


def test_scores_of_something_else_are_never_mixed_in(tmp_path):
    partitions = partitions_of(fill(tmp_path / "in", 3))
    out = tmp_path / "out"
    out.mkdir()
    (out / "part-00000-0123456789abcdef.parquet").touch()
    with pytest.raises(DataError, match="holds scores of other queries, routers or thresholds"):
        score_partitions(partitions, Work(QUERY, ("mf",), dict), out)


def test_without_ray_the_line_to_install_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    partitions = partitions_of(fill(tmp_path / "in", 3))
    with pytest.raises(MissingPackageError, match=r"ray: pip install -r requirements-ray\.txt"):
        score_partitions(partitions, Work(QUERY, ("mf",), dict), tmp_path / "out")
    with pytest.raises(MissingPackageError):
        ray_cluster.imported()


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_parts_become_one_file_in_their_order(tmp_path, rng, ending):
    rates, parts, first_row = rng.random((3, 40), dtype=np.float32), [], 1
    for number, of_part in enumerate(rates):
        ids = ['a, "b"\n', None] * 20 if number else [None] * 40
        frame = scored_table({'m "f"': of_part}, ids, 0.5, first_row)
        parts.append(tmp_path / f"part-{number}.parquet")
        frame.to_parquet(parts[-1], index=False)
        first_row += len(frame)
    output = tmp_path / f"it's all{ending}"
    collect(parts, output)
    frame = pd.read_csv(output) if ending == ".csv" else pd.read_parquet(output)
    assert frame["row"].tolist() == list(range(1, 121))
    np.testing.assert_allclose(frame['m "f"'], rates.ravel(), atol=1e-7)
    assert frame['m "f" calls_strong'].tolist() == (rates.ravel() >= 0.5).tolist()
    assert frame["query_id"].notna().tolist() == [False] * 40 + [True, False] * 40
    assert set(frame["query_id"].dropna()) == {'a, "b"\n'}
    found = means(parts, ['m "f"', 'm "f" calls_strong'])
    np.testing.assert_allclose(found['m "f"'], rates.mean(), atol=1e-6)
    np.testing.assert_allclose(found['m "f" calls_strong'], (rates >= 0.5).mean())


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path):
    part = fill(tmp_path, 3) / "0.parquet"
    with pytest.raises(DataError, match="the scores are kept, try again"):
        collect([part], tmp_path / "nowhere" / "x.parquet")
