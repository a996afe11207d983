"""Logs of evaluation tools, gateways and routers; every sentence, name and number is invented."""

import json
import pickle
import zipfile

import pandas as pd
import pytest

from routellm_core import importers
from routellm_core.errors import DataError
from routellm_core.importers.pairing import paired
from routellm_core.store import Store
from routellm_core.types import ModelPair

TEXTS = ("How high is the tide at noon?", "Sum 2 and 3.", "Name a knot.")


def json_lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def written(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path, name):
    """The parts, when the format is the one that recognises it whatever it is called."""
    assert importers.recognise(path) == name
    return importers.read(path)


def one(path, name):
    (part,) = read(path, name)
    return part


def qualities(part, model=None):
    rows = part.outcomes
    rows = rows if model is None else rows[rows["model"] == model]
    return dict(zip(rows["query_id"], rows["quality"], strict=True))


def pair_of(part, weak, strong):
    with Store() as store:
        store.add_benchmark(part.benchmark, part.queries, part.outcomes)
        store.add_texts(part.texts)
        return store.pair_outcomes(part.benchmark.benchmark_id, ModelPair(weak, strong))


# lm-evaluation-harness


def sample(i, score, filter_name="none", **changes):
    return {
        "doc_id": i,
        "doc": {"question": TEXTS[i], "answer": f"#{i}", "subject": "tides"},
        "target": f"#{i}",
        "arguments": {"gen_args_0": {"arg_0": f"Q: {TEXTS[i]}\nA:", "arg_1": {"until": ["Q:"]}}},
        "resps": [["lol"]],
        "filtered_resps": ["lol"],
        "filter": filter_name,
        "metrics": ["exact_match"],
        "doc_hash": f"d{i}",
        "exact_match": score,
    } | changes


def totals(model, *tasks, groups=None):
    return json.dumps(
        {
            "results": {task: {"exact_match,none": 0.5} for task in tasks},
            "group_subtasks": groups or {},
            "configs": {task: {"task": task} for task in tasks},
            "versions": dict.fromkeys(tasks, 1.0),
            "config": {"model": "hf", "model_args": f"pretrained={model},dtype=float16"},
            "date": 1.5,
        }
    )


def lm_eval_run(folder, model, scores, task="shore", moment="2026-01-02T03-04-05.6"):
    samples = json_lines(sample(i, score) for i, score in enumerate(scores))
    written(folder / f"results_{moment}.json", totals(model, task))
    return written(folder / f"samples_{task}_{moment}.jsonl", samples)


def test_lm_eval_samples_take_the_model_from_the_results_beside_them(tmp_path):
    part = one(lm_eval_run(tmp_path, "birds/wren", [0.0, 1.0, 1.0]), "lm_eval")
    assert part.benchmark.benchmark_id == "shore"
    assert part.outcomes["model"].unique().tolist() == ["birds/wren"]
    assert qualities(part) == {"0": 0.0, "1": 1.0, "2": 1.0}
    assert part.texts["text"].tolist() == list(TEXTS)
    assert part.queries["slice"].unique().tolist() == ["tides"]


def test_lm_eval_runs_of_two_models_in_a_folder_are_joined(tmp_path):
    lm_eval_run(tmp_path / "wren", "wren", [0, 1, 0])
    lm_eval_run(tmp_path / "heron", "heron", [1, 1, 0], moment="2026-02-02T03-04-05.6")
    part = one(tmp_path, "lm_eval")
    found = pair_of(part, "wren", "heron")
    assert (found.quality_weak.tolist(), found.quality_strong.tolist()) == ([0, 1, 0], [1, 1, 0])
    assert not any("second model" in note for note in part.notes)


def test_lm_eval_takes_one_of_several_filters_and_says_which(tmp_path):
    lines = [sample(i, s, f) for f, s in (("strict", 0.0), ("loose", 1.0)) for i in range(3)]
    part = one(written(tmp_path / "x.data", json_lines(lines)), "lm_eval")
    assert set(qualities(part).values()) == {0.0}
    assert "several filters ('strict', 'loose'): 'strict' was taken" in " ".join(part.notes)
    assert "x.data names no model" in part.notes[0]
    assert part.outcomes["model"].unique().tolist() == ["x"]


def test_lm_eval_tasks_of_a_group_are_its_slices(tmp_path):
    groups = {"coast": ["coast_sea"], "coast_sea": ["coast_ebb", "coast_flow"]}
    written(tmp_path / "results_1.json", totals("wren", "coast_ebb", "coast_flow", groups=groups))
    for task in ("coast_ebb", "coast_flow"):
        written(tmp_path / f"samples_{task}_1.jsonl", json_lines([sample(0, 1.0), sample(1, 0)]))
    part = one(tmp_path, "lm_eval")
    assert part.benchmark.benchmark_id == "coast"
    assert part.queries["slice"].tolist() == ["coast_ebb"] * 2 + ["coast_flow"] * 2
    assert part.queries["query_id"].tolist()[::2] == ["coast_ebb-0", "coast_flow-0"]


def test_lm_eval_one_model_on_two_tasks_with_the_same_texts_is_two_benchmarks(tmp_path):
    for model in ("wren", "heron"):
        written(tmp_path / model / "results_1.json", totals(model, "sums", "sums_cot"))
        for task in ("sums", "sums_cot"):
            lines = json_lines([sample(0, 1.0), sample(1, 0)])
            written(tmp_path / model / f"samples_{task}_1.jsonl", lines)
    parts = read(tmp_path, "lm_eval")
    assert [p.benchmark.benchmark_id for p in parts] == ["sums", "sums_cot"]
    assert [p.outcomes["model"].nunique() for p in parts] == [2, 2]


def test_lm_eval_older_lines_have_choices_and_lists_of_arguments(tmp_path):
    lines = [
        {
            "doc_id": i,
            "doc": {"question": text, "choices": {"text": ["low", "high"], "label": ["A", "B"]}},
            "target": 1,
            "arguments": [[f"{text} low", " low"], [f"{text} high", " high"]],
            "resps": [[[-1.0, False]], [[-0.5, True]]],
            "filtered_resps": [[-1.0, False], [-0.5, True]],
            "acc": float(i),
            "acc_norm": 1.0,
        }
        for i, text in enumerate(TEXTS[:2])
    ]
    part = one(written(tmp_path / "s.jsonl", json_lines(lines)), "lm_eval")
    assert part.texts["text"].iloc[0] == f"{TEXTS[0]}\nA. low\nB. high"
    assert qualities(part) == {"0": 0.0, "1": 1.0}
    assert "Quality is 'acc'; s.jsonl also holds acc_norm." in part.notes
    del lines[0]["doc"]["question"]
    part = one(written(tmp_path / "s.jsonl", json_lines(lines)), "lm_eval")
    assert part.texts["text"].iloc[0] == f"{TEXTS[0]} low"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([sample(0, 1.0), sample(1, None, exact_match="x")], "line 2, field 'exact_match': 'x' is"),
        ([sample(0, 1.0), sample(0, 0.0)], r"earlier row in 1 line \(2\), for example '0'"),
        ([sample(0, 1.0, metrics=["bleu"])], r"no metric is a number .*\(there are: bleu\)"),
        ([sample(0, 1.0), {"doc_id": 1, "filter": "none"}], "line 2, field 'exact_match': is miss"),
        ([sample(0, 1.0, doc={}, arguments=[])], r"line 1, field 'doc': \[\] is no text"),
    ],
)
def test_lm_eval_lines_that_are_off_are_named(tmp_path, lines, message):
    path = written(tmp_path / "samples_x.jsonl", json_lines(lines))
    with pytest.raises(DataError, match=message):
        importers.read(path, "lm_eval")


def test_lm_eval_totals_alone_say_what_is_needed(tmp_path):
    path = written(tmp_path / "r.json", totals("wren", "shore"))
    with pytest.raises(DataError, match="holds totals only; give the samples"):
        read(path, "lm_eval")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no samples; run lm_eval with --log_samples"):
        importers.read(tmp_path / "empty", "lm_eval")
    for name in ("results_a.json", "results_b.json"):
        written(tmp_path / "two" / name, totals(name, "shore"))
    samples = written(tmp_path / "two" / "samples_shore.jsonl", json_lines([sample(0, 1.0)]))
    with pytest.raises(DataError, match="several results files beside it hold task 'shore'"):
        read(samples, "lm_eval")
