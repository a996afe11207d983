"""JSON as people keep it: rows by model, by query or in columns; grades a level deeper."""

import json
import math

import pytest

from routellm_core.importing import job
from routellm_core.importing.job import ImportPlan

TEXTS = [f"Who mends the {what} clock?" for what in ("tin", "oak", "wet", "red", "big", "odd")]
HERON, WREN = [1, 1, 1, 1, 1, 0], [1, 0, 1, 0, 0, 0]
PAIRS = list(zip(TEXTS, HERON, WREN, strict=True))
BOTH = {"heron": pytest.approx(5 / 6), "wren": pytest.approx(1 / 3)}
ROWS = [{"question": text, "score": heron} for text, heron, _ in PAIRS]
OF_WREN = [{"question": text, "score": wren} for text, _, wren in PAIRS]


def read(tmp_path, content, name="t.json", **plan):
    path = tmp_path / name
    if isinstance(content, list):
        path.write_text("\n".join(map(json.dumps, content)), encoding="utf-8")
    else:
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return job.read(ImportPlan((str(path),), **plan)).parts[0]


def means(part):
    return part.outcomes.groupby("model", observed=True)["quality"].mean().to_dict()


@pytest.mark.parametrize(
    "content",
    [
        {"heron": ROWS, "wren": OF_WREN},
        {"heron": {"results": ROWS}, "wren": {"results": OF_WREN}},
        {"models": {"heron": {"results": ROWS, "mean": 1}, "wren": {"results": OF_WREN}}},
        {"date": "today", "models": {"heron": ROWS, "wren": OF_WREN}},
        {"models": [{"name": "heron", "results": ROWS}, {"name": "wren", "results": OF_WREN}]},
        {"runs": [{"model": "heron", "rows": ROWS}, {"model": "wren", "rows": OF_WREN}]},
        {text: {"heron": heron, "wren": wren} for text, heron, wren in PAIRS},
        {f"q{i}": {"question": t, "heron": h, "wren": w} for i, (t, h, w) in enumerate(PAIRS)},
        {"question": TEXTS, "heron": HERON, "wren": WREN},
        {
            name: {str(i): cell for i, cell in enumerate(cells)}
            for name, cells in (("question", TEXTS), ("heron", HERON), ("wren", WREN))
        },
        [{"question": t, "models": ["heron", "wren"], "scores": [h, w]} for t, h, w in PAIRS],
        [{"question": t, "heron": {"score": h}, "wren": {"score": w}} for t, h, w in PAIRS],
        [
            {"question": t, "model": {"name": m, "provider": "lab"}, "score": s}
            for t, h, w in PAIRS
            for m, s in (("heron", h), ("wren", w))
        ],
    ],
    ids=[
        *("by model", "results", "models", "models of rows", "list of models", "runs"),
        *("by text", "by id", "columns", "pandas", "lists", "beside", "named model"),
    ],
)
def test_both_models_are_found_wherever_their_grades_lie(tmp_path, content):
    part = read(tmp_path, content)
    assert (means(part), len(part.queries)) == (BOTH, 6)
    assert sorted(part.texts["text"]) == sorted(TEXTS)


@pytest.mark.parametrize("beside", [{"model": "heron"}, {"config": {"model": {"name": "heron"}}}])
def test_the_model_may_be_named_beside_the_rows(tmp_path, beside):
    assert means(read(tmp_path, beside | {"results": ROWS})) == {"heron": BOTH["heron"]}
    nested = [{"question": row["question"], "metrics": {"right": row["score"]}} for row in ROWS]
    assert means(read(tmp_path, beside | {"results": nested})) == {"heron": BOTH["heron"]}


def test_names_of_grades_of_one_answer_are_measures_and_no_models(tmp_path):
    rows = [
        {"question": text, "answer": "Anna.", "scores": {"rightness": heron, "style": 0.5}}
        for text, heron, _ in PAIRS
    ]
    part = read(tmp_path, rows, "owl.jsonl")
    assert (means(part), part.measure) == ({"owl": BOTH["heron"]}, "rightness")
    assert means(read(tmp_path, rows, "owl.jsonl", metric="style")) == {"owl": 0.5}


def test_models_beside_the_right_answer_stay_models(tmp_path):
    rows = [
        {"question": text, "answer": "Anna.", "scores": {"heron-2": heron, "wren-1": wren}}
        for text, heron, wren in PAIRS
    ]
    assert means(read(tmp_path, rows)) == {"heron-2": BOTH["heron"], "wren-1": BOTH["wren"]}


def test_a_list_of_named_grades_holds_a_measure_each(tmp_path):
    rows = [
        {
            **{"question": text, "model": "heron", "output": "Anna."},
            "metrics": [{"name": "right", "value": heron}, {"name": "style", "value": 0.5}],
        }
        for text, heron, _ in PAIRS
    ]
    part = read(tmp_path, rows)
    assert (means(part), part.measure) == ({"heron": BOTH["heron"]}, "right")


def test_costs_and_times_may_lie_in_objects_beside_the_grades(tmp_path):
    rows = [
        {
            **{"question": text, "scores": {"heron": heron, "wren": wren}},
            **{"costs": {"heron": 0.02, "wren": 0.01}, "latency": {"heron": 1.5, "wren": 0.5}},
        }
        for text, heron, wren in PAIRS
    ]
    by_model = read(tmp_path, rows).outcomes.groupby("model", observed=True)
    assert by_model["cost_usd"].mean().to_dict() == pytest.approx({"heron": 0.02, "wren": 0.01})
    assert by_model["latency_s"].mean().to_dict() == pytest.approx({"heron": 1.5, "wren": 0.5})


def test_long_times_without_a_unit_are_asked_for_in_records_too(tmp_path):
    rows = [
        {
            "question": text,
            "results": [
                {"model": "heron", "score": heron, "latency": 850.0},
                {"model": "wren", "score": wren, "latency_ms": 400.0},
            ],
        }
        for text, heron, wren in PAIRS
    ]
    part = read(tmp_path, rows)
    by_model = part.outcomes.groupby("model", observed=True)["latency_s"].mean().to_dict()
    assert by_model == pytest.approx({"heron": math.nan, "wren": 0.4}, nan_ok=True)
    assert any("the times in 'latency'" in note and "850" in note for note in part.notes)
    found = read(tmp_path, rows, seconds_unit="ms").outcomes.groupby("model", observed=True)
    assert found["latency_s"].mean().to_dict() == pytest.approx({"heron": 0.85, "wren": 0.4})


def test_a_flag_beside_rows_or_in_them_tells_that_less_is_better(tmp_path):
    flat = [{"question": text, "model": "heron", "score": 0.2} for text in TEXTS]
    beside = {"metric": "gap", "higher_is_better": False, "results": flat}
    part = read(tmp_path, beside)
    assert (means(part), part.measure) == (pytest.approx({"heron": 0.8}), "gap")
    nested = [
        {"question": text, "lower_is_better": True, "scores": {"heron": 0.2, "wren": 0.4}}
        for text in TEXTS
    ]
    assert means(read(tmp_path, nested)) == pytest.approx({"heron": 0.8, "wren": 0.6})
    inner = [{**row, "lower_is_better": None} for row in nested]
    part = read(tmp_path, {"lower_is_better": True, "items": inner})
    assert means(part) == pytest.approx({"heron": 0.8, "wren": 0.6})
