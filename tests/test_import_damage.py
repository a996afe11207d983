"""Files of evaluation tools that are cut, wrapped twice or half graded; all content is invented."""

import json

import pytest

from routellm_core import importing
from routellm_core.errors import DataError
from routellm_core.importing import dearer, job
from routellm_core.importing.readers.json_stream import objects
from routellm_core.importing.readers.wrapped_rows import key_of_rows, rows_inside


def written(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def rows(n):
    return [{"query": f"Who rows boat {i}?", "model": "wren", "score": i % 2} for i in range(n)]


def lines(items):
    return "".join(json.dumps(item) + "\n" for item in items)


def together(*paths):
    (part,) = job.read(job.ImportPlan(tuple(map(str, paths)))).parts
    return part


def means(part):
    by_model = part.outcomes.groupby("model", observed=True)["quality"]
    return {str(model): round(float(mean), 4) for model, mean in by_model.mean().items()}


def says(part, words):
    return any(words in note for note in part.notes)


# Cut and damaged files


def test_a_cut_last_line_is_left_out_and_said(tmp_path):
    part = together(written(tmp_path / "t.jsonl", lines(rows(6))[:-20]))
    assert len(part.outcomes) == 5
    assert means(part) == {"wren": 0.4}
    assert "t.jsonl ends in the middle of line 6, which was left out." in part.notes


@pytest.mark.parametrize("cut", [1, 12, 30])
def test_a_list_that_ends_too_early_keeps_its_whole_items(tmp_path, cut):
    path = written(tmp_path / "t.json", json.dumps(rows(6))[:-cut])
    part = together(path)
    assert len(part.outcomes) == (6 if cut == 1 else 5)
    assert says(part, "t.json ends ")


def test_few_damaged_lines_among_many_are_left_out_and_more_are_refused(tmp_path):
    good = lines(rows(100)).splitlines(keepends=True)
    part = together(written(tmp_path / "t.jsonl", "".join([*good[:50], "{oh\n", *good[50:]])))
    assert len(part.outcomes) == 100
    assert "t.jsonl: lines that are no JSON, left out: 1 (51)." in part.notes
    with pytest.raises(DataError, match="line 2: is no JSON"):
        list(objects(written(tmp_path / "u.jsonl", "".join([good[0], "{oh\n", *good[1:10]]))))


def test_the_damage_of_a_refused_file_is_not_said_of_the_next(tmp_path):
    bad = written(tmp_path / "a.jsonl", lines([{"query": "Who?"}] * 2)[:-4])
    list(objects(bad))
    (part,) = importing.read(written(tmp_path / "b.jsonl", lines(rows(4))))
    assert not says(part, "a.jsonl")


# Rows two levels deep


def test_rows_two_levels_deep_are_found(tmp_path):
    part = together(written(tmp_path / "t.json", {"run": {"id": 1}, "data": {"rows": rows(4)}}))
    assert means(part) == {"wren": 0.5}
    found = {"data": {"columns": ["a"], "data": [[1], [2]]}}
    assert rows_inside(found, key_of_rows(found)) == [{"a": 1}, {"a": 2}]


# Directions


def case(name, score, threshold, success, metric, strict=False):
    return {
        "name": name,
        "input": f"Who rows {name}?",
        "actualOutput": "Odile.",
        "metricsData": [
            {
                "name": metric,
                "score": score,
                "threshold": threshold,
                "success": success,
                "strictMode": strict,
            }
        ],
    }


def run(model, cases):
    whole = {"testCases": cases, "metricsScores": [], "hyperparameters": {"model": model}}
    return {"testRunData": whole}


@pytest.mark.parametrize(
    ("metric", "strict", "cases", "quality"),
    [
        # Its threshold is a maximum: what lies below it passes.
        ("Slander", False, [(0.2, 0.5, True), (0.9, 0.5, False)], 0.45),
        # By its name less would be better, but what lies above passes.
        ("PII Leakage", False, [(0.8, 0.5, True), (1.0, 0.5, True)], 0.9),
        ("Slander", True, [(0.0, 0.0, True), (1.0, 0.0, False)], 0.5),
        ("Toxicity", True, [(1.0, 1.0, True), (1.0, 1.0, True)], 1.0),
    ],
)
def test_deepeval_s_verdicts_tell_whether_more_is_better(tmp_path, metric, strict, cases, quality):
    listed = [case(f"boat {i}", *one, metric, strict) for i, one in enumerate(cases)]
    part = together(written(tmp_path / "run.json", run("heron", listed)))
    assert means(part) == {"heron": quality}


def eee(i, score, **more):
    return {
        "evaluation_id": "shore.errors/heron/1",
        "evaluation_name": "shore",
        "model_id": "heron",
        "sample_id": f"s{i}",
        "input": {"raw": f"Who rows boat {i}?"},
        "output": {"raw": "Odile"},
        "evaluation": {"score": score, **more},
    }


@pytest.mark.parametrize("beside", [True, False])
def test_every_eval_ever_says_where_less_is_better(tmp_path, beside):
    more = {} if beside else {"lower_is_better": True}
    path = written(tmp_path / "a_samples.jsonl", lines(eee(i, 0.25, **more) for i in range(4)))
    totals = {
        "evaluation_id": "shore.errors/heron/1",
        "model_info": {},
        "evaluation_results": [
            {"evaluation_name": "shore", "metric_config": {"lower_is_better": True}}
        ],
    }
    paths = [path]
    if beside:
        paths.append(written(tmp_path / "a.json", totals))
    assert means(together(*paths)) == {"heron": 0.75}
    assert means(together(tmp_path)) == {"heron": 0.75}


# The dear model


def test_a_dear_model_that_is_worse_is_said(tmp_path):
    def problem(i, right):
        asked = f"Sort the {i} oars."
        return {"question_id": str(i), "question_content": asked, "pass@1": right}

    paths = []
    for name, rights in (("heron-large", (1.0, 0.0)), ("heron-mini", (1.0, 1.0))):
        items = [problem(i, right) for i, right in enumerate(rights)]
        paths.append(written(tmp_path / f"{name}.json", items))
    part = together(*paths)
    assert says(part, "Look: heron-large seems the dearer model by its name, but heron-mini is be")
    better = part.outcomes.assign(quality=[1.0, 1.0, 0.0, 1.0])
    assert dearer.notes_on(better) == []
    costs = better.assign(cost_usd=[0.1, 0.1, 0.2, 0.2])
    assert "heron-mini seems the dearer model by its cost" in dearer.notes_on(costs)[0]


# Runs that were stopped, and assertions that failed


def test_an_inspect_run_that_was_killed_says_so(tmp_path):
    log = {"version": 2, "status": "started", "eval": {"task": "shore", "model": "birds/wren"}}
    with pytest.raises(DataError, match="was stopped, or is running still, before a sample"):
        importing.read(written(tmp_path / "log.json", log))


def test_an_error_of_an_assertion_is_no_failed_call(tmp_path):
    def result(i, **more):
        return {
            "testIdx": i,
            "promptIdx": 0,
            "vars": {"query": f"Who rows boat {i}?"},
            "provider": {"id": "birds:wren", "label": "wren"},
            "success": True,
            "score": 1,
            "failureReason": 0,
            "gradingResult": {"pass": True, "score": 1, "reason": "All assertions passed"},
            "response": {"output": "Odile"},
        } | more

    error = {"error": "Error: Cost assertion does not support providers without a cost"}
    lost = result(1, failureReason=2, success=False, score=0, gradingResult=None, **error)
    del lost["response"]
    kept = result(2, failureReason=2, success=False, score=0, gradingResult=None, **error)
    path = written(tmp_path / "r.jsonl", lines([result(0), lost, kept, result(3)]))
    part = together(path)
    assert means(part) == {"wren": 1.0}
    assert len(part.outcomes) == 2
    assert says(part, "no price of the model: 2.")
    assert not says(part, "failed call")


# Words, shares and names


@pytest.mark.parametrize(("value", "quality"), [("80%", 0.8), ("3/4", 0.75), ("yes", 1.0)])
def test_a_grade_in_percent_or_as_a_part_is_a_share(tmp_path, value, quality):
    path = written(tmp_path / "a_samples.jsonl", lines(eee(i, value) for i in range(4)))
    assert means(together(path)) == {"heron": quality}


def test_deepeval_s_model_is_found_under_its_usual_names(tmp_path):
    whole = run("heron", [case("boat 0", 1.0, 0.5, True, "Right")])
    whole["testRunData"]["hyperparameters"] = {"Temperature": 0, "LLM Model": "heron"}
    assert means(together(written(tmp_path / "a.json", whole))) == {"heron": 1.0}


def test_what_is_known_beside_quality_is_said_with_its_unit(tmp_path):
    whole = run("heron", [case(f"boat {i}", 1.0, 0.5, True, "Right") for i in range(3)])
    for i, one in enumerate(whole["testRunData"]["testCases"]):
        one |= {"completionTime": 1.5} | ({"tokenCost": 0.002} if i else {})
    part = together(written(tmp_path / "a.json", whole))
    assert says(part, "quality of 3 answers: cost in US dollars of 2, time in seconds of 3.")


def graded_line(i, value):
    asked = f"Who rows boat {i}?"
    return {
        "doc_id": i,
        "doc": {"question": asked},
        "target": "Odile",
        "arguments": [[asked]],
        "resps": [["Odile"]],
        "filtered_resps": ["Odile"],
        "acc": value,
        "metrics": ["acc"],
        "filter": "none",
    }


def test_lm_eval_without_results_files_takes_the_folders_names_and_flags_that_are_words(tmp_path):
    for model, values in (("heron", ["True", "False"]), ("wren", ["False", "False"])):
        (tmp_path / model).mkdir()
        path = tmp_path / model / "samples_pier.jsonl"
        written(path, lines(graded_line(i, value) for i, value in enumerate(values)))
    assert means(together(tmp_path)) == {"heron": 0.5, "wren": 0.0}


def test_scores_in_percent_below_a_question_are_of_their_models(tmp_path):
    scores = {"heron": "80%", "wren": "60 %"}
    items = [{"question": f"Who rows boat {i}?", "scores": scores} for i in range(3)]
    part = together(written(tmp_path / "t.jsonl", lines(items)))
    assert means(part) == {"heron": 0.8, "wren": 0.6}
