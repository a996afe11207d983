"""Queries in partitions and scores in partitions, without the workers in between."""

import shutil
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from routellm_core.embedders import devices
from routellm_core.errors import DataError, MissingPackageError, StoreError
from routellm_core.scoring import ray_cluster, ray_worker
from routellm_core.scoring.partitions import partitions_of, takes, write_partitions
from routellm_core.scoring.ray_engine import score_partitions
from routellm_core.scoring.ray_worker import Scorer, Work, farewell, is_lost
from routellm_core.scoring.tables import (
    Queries,
    QueryColumns,
    columns_of,
    read_queries,
    scored_table,
)
from routellm_core.store.partitions import collect, means
from tests.test_score_command import HOSTILE, workers_here  # noqa: F401  a fixture
from tests.test_scoring import OWN, routers  # noqa: F401  a fixture

QUERY = QueryColumns("query")
HASHES = {"mf-x": "0123", "random-x": "4567"}


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
    assert partitions_of(tmp_path / "**" / "2.parquet") == [found[1]._replace(first_row=1)]


SOURCES = [".", "a", "*.parquet", "a/*", "**/*.parquet", "a/**/part-*", "?/[bc]/*", "a/x.parquet"]
PLACES = ["x.parquet", ".x.parquet", "a/x.parquet", "a/_x.parquet", "a/x.csv", "a/b/part-0.parquet"]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("place", PLACES)
def test_what_would_be_a_partition_is_known_before_it_is_there(tmp_path, source, place):
    (tmp_path / "a" / "b").mkdir(parents=True)
    path = tmp_path / place
    foretold = takes(tmp_path / source, path)
    pd.DataFrame({"query": ["Why?"]}).to_parquet(path)
    try:
        assert foretold == (path in [part.path for part in partitions_of(tmp_path / source)])
    except DataError:
        assert not foretold


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
    parts, columns = write_partitions(queries, tmp_path / "out", n_partitions)
    assert parts[-1].first_row + parts[-1].n_rows - 1 == len(HOSTILE)
    assert len(parts) == min(n_partitions or 1, len(HOSTILE))
    read = [read_queries(part.path, columns) for part in parts]
    assert [text for part in read for text in part.texts] == queries.texts
    assert [name for part in read for name in part.ids] == queries.ids == ids
    assert max(len(part.texts) for part in read) - min(len(part.texts) for part in read) <= 1


def test_partitions_are_written_once_for_what_they_hold(tmp_path):
    parts, columns = write_partitions(Queries(OWN, None), tmp_path, 4)
    assert columns == QUERY
    written = [part.path.stat().st_mtime_ns for part in parts]
    assert write_partitions(Queries(OWN, None), tmp_path, 4)[0] == parts
    assert [part.path.stat().st_mtime_ns for part in parts] == written
    others = [
        write_partitions(Queries(OWN, None), tmp_path, 5)[0],
        write_partitions(Queries(OWN[1:], None), tmp_path, 4)[0],
        write_partitions(Queries(OWN, OWN), tmp_path, 4)[0],
    ]
    assert len({part.content for cut in (parts, *others) for part in cut}) == 4 + 5 + 4 + 4
    shutil.rmtree(parts[0].path.parent)
    anew = write_partitions(Queries(OWN, None), tmp_path, 4)[0]
    assert anew == parts  # although the files are others


def test_a_file_that_is_written_anew_is_another_partition(tmp_path):
    before = partitions_of(fill(tmp_path, 3))
    assert partitions_of(tmp_path) == before
    pd.DataFrame({"query": ["x", "y", "z"]}).to_parquet(tmp_path / "0.parquet")
    assert partitions_of(tmp_path) != before


def test_a_worker_scores_as_the_routers_do(tmp_path, routers):  # noqa: F811
    source = tmp_path / "in.parquet"
    pd.DataFrame({"query": OWN}).to_parquet(source)
    output = tmp_path / "out.parquet"
    work = Work(QUERY, HASHES, lambda: routers, alpha=0.5)
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
    scorer = Scorer(Work(QueryColumns("colour"), HASHES, lambda: routers))
    row = {"source": str(tmp_path / "0.parquet"), "first_row": 1, "output": "/nowhere/x.parquet"}
    assert "'colour' is missing" in scorer(row)["problem"]
    scorer = Scorer(Work(QUERY, HASHES, lambda: routers))
    assert "/nowhere/x.parquet cannot be written" in scorer(row)["problem"]


class Failing:
    """A router that raises what it is given, or answers one half."""

    def __init__(self, error):
        self.error = error

    def strong_win_rate(self, queries):
        if self.error is not None:
            raise self.error
        return np.full(len(queries), 0.5, dtype=np.float32)


class Ended(BaseException):
    """In place of the end of a process."""


def test_a_worker_tells_any_error_and_ends_only_when_its_gpu_is_lost(tmp_path, monkeypatch):
    fill(tmp_path, 3)
    output = tmp_path / "out.parquet"
    router = Failing(RuntimeError("CUDA error: device lost\nat some kernel"))
    scorer = Scorer(Work(QUERY, {"r": "0"}, lambda: {"r": router}))
    row = {"source": str(tmp_path / "0.parquet"), "first_row": 1, "output": str(output)}

    def end(status):
        raise Ended

    monkeypatch.setattr("os._exit", end)
    problem = scorer(row)["problem"]
    assert problem.startswith("RuntimeError: CUDA error: device lost (test_query_partitions.py, l")
    assert not farewell(output).exists()
    monkeypatch.setattr(ray_worker, "is_lost", lambda device: True)
    with pytest.raises(Ended):
        scorer(row)
    assert farewell(output).read_text() == problem
    router.error = None
    assert scorer(row)["problem"] == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.parquet", "out.parquet"]


def test_a_device_is_lost_when_it_answers_no_more():
    assert not is_lost("cpu")
    assert is_lost("meta")  # of torch, from which nothing can be read


def test_a_device_that_was_another_before_is_told(tmp_path, monkeypatch, workers_here):  # noqa: F811
    partitions = partitions_of(fill(tmp_path / "in", 3, 3))
    work = Work(QUERY, {"r": "0"}, lambda: {"r": Failing(None)})
    first = score_partitions(partitions, work, tmp_path / "out")
    assert first.devices == ("cpu, float32",)
    first.parts[1].unlink()
    gpu = devices.Device("cuda", "bfloat16", "invented")
    monkeypatch.setattr(devices, "device", lambda: gpu)
    second = score_partitions(partitions, work, tmp_path / "out")
    assert (second.n_kept, second.devices) == (1, ("cpu, float32", "cuda, bfloat16"))
    third = score_partitions(partitions, work, tmp_path / "out")
    assert (third.n_kept, third.devices) == (2, second.devices)


def test_a_retrained_router_takes_no_scores_of_its_former_self(tmp_path, workers_here):  # noqa: F811
    partitions = partitions_of(fill(tmp_path / "in", 3))
    work = Work(QUERY, {"r": "before"}, lambda: {"r": Failing(None)})
    score_partitions(partitions, work, tmp_path / "out")
    assert score_partitions(partitions, work, tmp_path / "out").n_kept == 1
    with pytest.raises(DataError, match="holds scores of other"):
        score_partitions(
            partitions, replace(work, checkpoints={"r": "retrained"}), tmp_path / "out"
        )


def test_scores_of_something_else_are_never_mixed_in(tmp_path):
    partitions = partitions_of(fill(tmp_path / "in", 3))
    out = tmp_path / "out"
    out.mkdir()
    (out / "part-00000-0123456789abcdef.parquet").touch()
    with pytest.raises(
        DataError, match="holds scores of other queries, partitions, routers or thresholds"
    ):
        score_partitions(partitions, Work(QUERY, {"mf": "0"}, dict), out)


def test_without_ray_the_line_to_install_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    partitions = partitions_of(fill(tmp_path / "in", 3))
    with pytest.raises(MissingPackageError, match=r"ray: pip install -r requirements-ray\.txt"):
        score_partitions(partitions, Work(QUERY, {"mf": "0"}, dict), tmp_path / "out")
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


def test_parts_that_cannot_be_collected_say_why(tmp_path):
    part = fill(tmp_path, 3) / "0.parquet"
    with pytest.raises(StoreError):
        collect([part], tmp_path / "nowhere" / "x.parquet")
