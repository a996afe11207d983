"""Files of evaluation tools as benchmarks; all sentences, models and figures are invented."""

import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from routellm_core import importing
from routellm_core.errors import DataError
from routellm_core.importing import job

TEXTS = ("Which kite flies higher?", "Who waters the figs?", "How many oars?", "Name the ferry.")
RIGHT = {"heron": (1, 1, 0, 1), "wren": (0, 1, 0, 0)}


def json_lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def written(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content, indent=1)
    path.write_text(text, encoding="utf-8")
    return path


def together(*paths):
    """The one benchmark of files given together."""
    (part,) = job.read(job.ImportPlan(tuple(map(str, paths)))).parts
    return part


def one(path, name):
    """The one benchmark of a file, which that format recognises."""
    assert importing.recognise(path) == name
    (part,) = importing.read(path)
    return part


def means(part):
    return part.outcomes.groupby("model", observed=True)["quality"].mean().round(4).to_dict()


def mean_of(part, column):
    return part.outcomes.groupby("model", observed=True)[column].mean().round(6).to_dict()


def texts(part):
    of = dict(zip(part.texts["text_hash"], part.texts["text"], strict=True))
    return [of[one] for one in part.queries["text_hash"]]


def says(part, *words):
    return any(all(word in note for word in words) for note in part.notes)


# The one list of rows inside an object


ROWS = [{"query": t, "model": m, "score": RIGHT[m][i]} for m in RIGHT for i, t in enumerate(TEXTS)]


@pytest.mark.parametrize("key", ["results", "data", "items", "rows", "samples", "all_of_them"])
@pytest.mark.parametrize("indent", [None, 2])
def test_the_one_list_of_rows_in_an_object_is_read_as_a_table(tmp_path, key, indent):
    whole = {"meta": {"run": 1}, key: ROWS}
    part = one(written(tmp_path / "w.json", json.dumps(whole, indent=indent)), "table")
    assert means(part) == {"heron": 0.75, "wren": 0.25}


def test_a_table_of_lists_beside_its_columns_is_read(tmp_path):
    whole = {"columns": [*ROWS[0]], "data": [[*row.values()] for row in ROWS]}
    assert means(one(written(tmp_path / "w.json", whole), "table")) == {"heron": 0.75, "wren": 0.25}


def test_objects_over_several_lines_are_read_one_after_the_other(tmp_path):
    text = "\n".join(json.dumps(row, indent=2) for row in ROWS)
    part = one(written(tmp_path / "w.json", text), "table")
    assert means(part) == {"heron": 0.75, "wren": 0.25}


def test_a_list_inside_one_line_of_many_is_no_table(tmp_path):
    rows = [{"query": t, "hits": [{"page": 1}, {"page": 2}]} for t in TEXTS]
    assert len(one(written(tmp_path / "w.jsonl", json_lines(rows)), "table").queries) == 4


# Grades a level deeper


def test_grades_by_model_below_a_question_are_of_all_models(tmp_path):
    rows = [{"question": t, "scores": {m: RIGHT[m][i] for m in RIGHT}} for i, t in enumerate(TEXTS)]
    part = one(written(tmp_path / "g.json", rows), "nested_grades")
    assert means(part) == {"heron": 0.75, "wren": 0.25}
    assert texts(part) == list(TEXTS)


def test_results_by_model_keep_cost_tokens_and_seconds(tmp_path):
    def result(m, i):
        return {
            "passed": bool(RIGHT[m][i]),
            "cost_usd": 0.02,
            "output_tokens": 7,
            "latency_ms": 250,
        }

    items = [
        {
            "item_id": f"k{i}",
            "dataset": "sea",
            "query": t,
            "results": {m: result(m, i) for m in RIGHT},
        }
        for i, t in enumerate(TEXTS)
    ]
    part = one(written(tmp_path / "g.json", {"items": items}), "nested_grades")
    assert means(part) == {"heron": 0.75, "wren": 0.25}
    assert mean_of(part, "cost_usd")["heron"] == 0.02
    assert mean_of(part, "answer_tokens")["wren"] == 7
    assert mean_of(part, "latency_s")["wren"] == 0.25
    assert part.queries["slice"].unique().tolist() == ["sea"]


def test_a_list_of_answers_leaves_out_the_one_that_failed(tmp_path):
    rows = [
        {"prompt": t, "responses": [{"model": m, "correct": bool(RIGHT[m][i])} for m in RIGHT]}
        for i, t in enumerate(TEXTS)
    ]
    rows[0]["responses"][1] = {"model": "wren", "error": "timeout", "correct": False}
    part = one(written(tmp_path / "g.json", rows), "nested_grades")
    assert means(part) == {"heron": 0.75, "wren": 0.3333}
    assert says(part, "1 failed call", "1 of wren")


def test_metrics_below_an_answer_are_measures_of_its_model(tmp_path):
    rows = [
        {"question": t, "model": m, "evaluation": {"score": RIGHT[m][i] / 2, "reason": "so"}}
        for m in RIGHT
        for i, t in enumerate(TEXTS)
    ]
    part = one(written(tmp_path / "g.jsonl", json_lines(rows)), "nested_grades")
    assert means(part) == {"heron": 0.375, "wren": 0.125}


# EvalScope and lighteval


def review(i, model, right, status="success"):
    answer = {"role": "assistant", "content": "So.", "model": model}
    answer["perf_metrics"] = {"latency": 1.5, "input_tokens": 9, "output_tokens": 4}
    score = {"value": {"f1": 0.2, "acc": right}, "status": status, "main_score_name": "acc"}
    return {
        "index": i,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": TEXTS[i]}]},
            answer,
        ],
        "sample_score": {"score": score, "sample_id": i, "group_id": i, "generation_index": 0},
    }


def test_evalscope_reviews_of_two_models_are_paired_by_their_main_score(tmp_path):
    paths = [
        written(
            tmp_path / "reviews" / m / "fables_default.jsonl",
            json_lines([review(i, m, right) for i, right in enumerate(RIGHT[m])]),
        )
        for m in RIGHT
    ]
    part = together(*paths)
    assert means(part) == {"heron": 0.75, "wren": 0.25}
    assert texts(part) == list(TEXTS)
    assert mean_of(part, "latency_s") == {"heron": 1.5, "wren": 1.5}
    assert part.queries["prompt_tokens"].unique().tolist() == [9]


def test_an_evalscope_score_that_the_judge_did_not_give_is_no_zero(tmp_path):
    lines = [review(i, "wren", 1) for i in range(3)] + [review(3, "wren", 0, "parse_error")]
    part = one(written(tmp_path / "r.jsonl", json_lines(lines)), "evalscope")
    assert means(part) == {"wren": 1.0}
    assert len(part.outcomes) == 3


def test_evalscope_without_a_model_takes_the_folder_s_name(tmp_path):
    lines = [review(i, None, 1) for i in range(2)]
    part = one(written(tmp_path / "reviews/heron/f.jsonl", json_lines(lines)), "evalscope")
    assert means(part) == {"heron": 1.0}


def details(path, rights, **changes):
    rows = [
        {
            "doc": {"query": TEXTS[i], "choices": ["x"], "id": str(i), "task_name": "fables|0"},
            "metric": {"extractive_match": float(right)},
            "model_response": {
                "input_tokens": [1] * 7,
                "text": ["So."],
                "output_tokens": [[1, 2, 3]],
                "logprobs": [],
            }
            | changes,
        }
        for i, right in enumerate(rights)
    ]
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_lighteval_details_take_the_model_from_their_folders(tmp_path):
    moment = "2026-11-01T10-10-10.123456"
    name = f"{moment}/details_fables|0_{moment}.parquet"
    part = together(*(details(tmp_path / "details/lab" / m / name, RIGHT[m]) for m in RIGHT))
    assert part.benchmark.benchmark_id == "fables"
    assert means(part) == {"lab/heron": 0.75, "lab/wren": 0.25}
    assert mean_of(part, "answer_tokens") == {"lab/heron": 3, "lab/wren": 3}
    assert texts(part) == list(TEXTS)


def test_lighteval_options_that_are_only_weighed_have_no_answer_tokens(tmp_path):
    path = details(tmp_path / "d/details_f_2026-11-01T10-10-10.parquet", [1, 0], logprobs=[-0.5])
    part = one(path, "lighteval")
    assert part.outcomes["answer_tokens"].isna().all()


# Every Eval Ever and LiveCodeBench


def sample(i, model, right):
    return {
        "schema_version": "0.3.0",
        "evaluation_id": f"lab/{model}/1",
        "model_id": model,
        "evaluation_name": "lab.fables",
        "sample_id": f"s{i}",
        "input": {"raw": TEXTS[i], "formatted": f"Q: {TEXTS[i]}", "reference": ["the secret"]},
        "output": {"raw": ["So."]},
        "evaluation": {"score": float(right), "is_correct": bool(right)},
        "token_usage": {"input_tokens": 12, "output_tokens": 5, "total_tokens": 30},
        "performance": {"generation_time_ms": 900.0},
    }


def test_every_eval_ever_samples_are_paired_without_the_reference_answer(tmp_path):
    paths = [
        written(
            tmp_path / f"{m}_samples.jsonl",
            json_lines([sample(i, m, right) for i, right in enumerate(RIGHT[m])]),
        )
        for m in RIGHT
    ]
    part = together(*paths)
    assert means(part) == {"heron": 0.75, "wren": 0.25}
    assert texts(part) == list(TEXTS)
    assert part.queries["slice"].unique().tolist() == ["lab.fables"]
    assert mean_of(part, "latency_s")["heron"] == 0.9
    assert (
        mean_of(part, "answer_tokens")["heron"] == 18
    )  # the total holds thoughts beside the parts


def problems(rights):
    return [
        {
            "question_id": f"p{i}",
            "question_content": TEXTS[i],
            "difficulty": "easy",
            "pass@1": right,
        }
        for i, right in enumerate(rights)
    ]


@pytest.mark.parametrize("name", ["Scenario.codegeneration_1_0.2_eval_all.json", "night.json"])
def test_livecodebench_files_of_one_name_are_told_apart_by_their_folders(tmp_path, name):
    part = together(*(written(tmp_path / m / name, problems(RIGHT[m])) for m in RIGHT))
    assert means(part) == {"heron": 0.75, "wren": 0.25}
    assert says(part, "Quality is 'pass@1'")


# DeepEval


def case(i, score, **changes):
    metric = {"name": "Correctness [GEval]", "threshold": 0.5, "success": True, "score": score}
    metric |= {"evaluationModel": "owl", "evaluationCost": 0.5}
    style = {"name": "Style [GEval]", "score": 1.0}
    return {
        "name": f"test_case_{i}",
        "input": TEXTS[i],
        "actualOutput": "So.",
        "metricsData": [style, metric],
        "evaluationCost": 0.5,
        "runDuration": 9.0,
    } | changes


def test_deepeval_runs_are_paired_by_correctness_and_not_by_the_judge_s_cost(tmp_path):
    paths = []
    for m in RIGHT:
        run = {"testCases": [case(i, right) for i, right in enumerate(RIGHT[m])]}
        run |= {"metricsScores": [], "hyperparameters": {"model": m}}
        paths.append(written(tmp_path / f"run_{m}.json", {"testRunData": run, "testRunLink": None}))
    part = together(*paths)
    assert means(part) == {"heron": 0.75, "wren": 0.25}
    assert part.outcomes["cost_usd"].isna().all()
    assert part.outcomes["latency_s"].isna().all()


def test_a_deepeval_run_without_a_model_is_called_after_its_file(tmp_path):
    run = {"testCases": [case(0, 1.0, tokenCost=0.25, completionTime=2.0)], "metricsScores": []}
    part = one(written(tmp_path / "test_run_heron.json", run), "deepeval")
    assert means(part) == {"heron": 1.0}
    assert says(part, "does not name the model")
    assert part.outcomes[["cost_usd", "latency_s"]].to_numpy().tolist() == [[0.25, 2.0]]


def test_a_deepeval_metric_that_raised_has_no_score(tmp_path):
    raised = [{"name": "Right", "success": False, "error": "ValueError: nothing"}]
    right = [{"name": "Right", "score": 1.0}]
    cases = [case(0, 0, metricsData=raised), case(1, 0, metricsData=right)]
    run = {"testCases": cases, "metricsScores": [], "hyperparameters": {"model": "wren"}}
    part = one(written(tmp_path / "r.json", run), "deepeval")
    assert means(part) == {"wren": 1.0}
    assert len(part.outcomes) == 1


def test_a_deepeval_link_alone_says_what_is_needed(tmp_path):
    path = written(tmp_path / "r.json", {"testRunLink": "https://example.invalid/x"})
    with pytest.raises(DataError, match=r"only a link to a test run.*latest_test_run\.json"):
        importing.read(path)


# MLflow


def trace(i, model, right, state="OK"):
    usage = {"input_tokens": 40, "output_tokens": 6, "total_tokens": 46}
    return {
        "trace_id": f"tr-{model}-{i}",
        "length/value": 500.0,
        "right/value": right,
        "expected_response/value": "ferry",
        "state": state,
        "request_time": 1796050158430,
        "execution_duration": 250,
        "request": {"model": model, "messages": [{"role": "user", "content": TEXTS[i]}]},
        "response": {"choices": [{"message": {"content": "So."}}], "model": f"{model}-0611"},
        "trace_metadata": {"mlflow.trace.tokenUsage": json.dumps(usage)},
    }


@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
def test_mlflow_evaluations_of_two_models_are_one_benchmark(tmp_path, form):
    paths = []
    for m in RIGHT:
        rows = [trace(i, m, bool(right)) for i, right in enumerate(RIGHT[m])]
        path = tmp_path / f"eval_{m}.{form}"
        if form == "json":
            written(path, rows)
        elif form == "csv":
            pd.DataFrame(rows).to_csv(path, index=False)
        else:
            pd.DataFrame(rows).to_parquet(path)
        paths.append(path)
    part = together(*paths)
    assert means(part) == {"heron": 0.75, "wren": 0.25}
    assert texts(part) == list(TEXTS)
    assert mean_of(part, "latency_s") == {"heron": 0.25, "wren": 0.25}
    assert mean_of(part, "answer_tokens") == {"heron": 6, "wren": 6}
    assert part.queries["prompt_tokens"].unique().tolist() == [40]
    assert says(part, "No grades", "length/value", "expected_response/value")


def test_an_mlflow_error_is_no_wrong_answer(tmp_path):
    rows = [trace(0, "wren", True), trace(1, "wren", False, state="ERROR")]
    part = one(written(tmp_path / "e.json", rows), "mlflow_eval")
    assert means(part) == {"wren": 1.0}
    assert says(part, "1 failed call was left out")


# Phoenix


def run(i, right, repetition=1, error=None):
    return {
        "example_id": f"ex{i}",
        "repetition_number": repetition,
        "input": {"question": TEXTS[i]},
        "reference_output": {"answer": "ferry"},
        "output": "So.",
        "error": error,
        "latency_ms": 500.0,
        "prompt_token_count": None,
        "completion_token_count": None,
        "annotations": [
            {"name": "length", "score": 9.0, "error": None},
            {"name": "right", "score": right, "error": None},
        ],
    }


def test_phoenix_repetitions_are_averaged_and_failed_tasks_left_out(tmp_path):
    rows = [run(0, 1.0), run(0, 0.0, 2), run(1, 1.0), run(2, 0.0, error="refused")]
    part = one(written(tmp_path / "experiment_wren.json", rows), "phoenix")
    assert part.outcomes["quality"].tolist() == [0.5, 1.0]
    assert part.outcomes["model"].unique().tolist() == ["wren"]
    assert texts(part) == list(TEXTS[:2])
    assert part.outcomes["latency_s"].tolist() == [0.5, 0.5]


def test_a_phoenix_csv_reads_as_its_json_does(tmp_path):
    rows = []
    for i in range(3):
        row = run(i, 1.0 if i else 0.0)
        del row["annotations"]
        row["input"] = json.dumps(row["input"])
        row |= {"annotation_length_score": 9.0, "annotation_right_score": 1.0 if i else 0.0}
        rows.append(row | {"annotation_right_error": None})
    path = tmp_path / "experiment_wren.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    part = one(path, "phoenix")
    assert part.outcomes["quality"].tolist() == [0.0, 1.0, 1.0]
    assert texts(part) == list(TEXTS[:3])


def test_what_phoenix_run_experiment_returns_is_read_by_ids_alone(tmp_path):
    tasks = [{"id": f"r{i}", "dataset_example_id": f"ex{i}", "output": "So."} for i in range(2)]
    graded = [
        {"experiment_run_id": f"r{i}", "name": "right", "result": {"score": float(i)}}
        for i in range(2)
    ]
    whole = {"experiment_id": "e", "task_runs": tasks, "evaluation_runs": graded}
    whole["experiment_metadata"] = {"model": "heron"}
    part = one(written(tmp_path / "ran.json", whole), "phoenix")
    assert part.outcomes[["query_id", "quality"]].to_numpy().tolist() == [
        ["ex0", 0.0],
        ["ex1", 1.0],
    ]
    assert part.texts.empty


# pydantic-evals


def evaluated(i, right, name=None):
    return {
        "name": name or f"q{i}",
        "inputs": TEXTS[i],
        "metadata": {"topic": "sea"},
        "output": "So.",
        "metrics": {"input_tokens": 40, "cost": 0.002},
        "attributes": {},
        "scores": {"near": {"name": "near", "value": 1.0}},
        "assertions": {"Right": {"name": "Right", "value": bool(right)}},
        "task_duration": 0.5,
        "source_case_name": f"q{i}",
    }


def test_pydantic_evals_reports_are_paired_by_assertion_and_failures_are_left_out(tmp_path):
    paths = []
    for m in RIGHT:
        cases = [evaluated(i, right) for i, right in enumerate(RIGHT[m])]
        failures = []
        if m == "wren":
            gone = cases.pop()
            failures = [{k: gone[k] for k in ("name", "inputs", "source_case_name")}]
            failures[0]["error_message"] = "refused"
        report = {"name": "night", "cases": cases, "failures": failures, "dataset_name": "ferries"}
        report["experiment_metadata"] = {"model": m}
        paths.append(written(tmp_path / f"{m}.json", report))
    part = together(*paths)
    assert means(part) == {"heron": 0.75, "wren": 0.3333}
    assert mean_of(part, "cost_usd") == {"heron": 0.002, "wren": 0.002}
    assert mean_of(part, "latency_s") == {"heron": 0.5, "wren": 0.5}
    assert part.queries["slice"].unique().tolist() == ["sea"]
    assert says(part, "1 failed call was left out (1 of wren)")


def test_repeats_of_a_pydantic_evals_case_are_averaged(tmp_path):
    cases = [evaluated(0, 1, "q0 [1/2]"), evaluated(0, 0, "q0 [2/2]"), evaluated(1, 1)]
    report = {"name": "wren", "cases": cases, "failures": []}
    part = one(written(tmp_path / "r.json", report), "pydantic_evals")
    assert part.outcomes["quality"].tolist() == [0.5, 1.0]
    assert part.outcomes["model"].unique().tolist() == ["wren"]
    (alone,) = importing.read(written(tmp_path / "cases_wren.json", cases))
    assert alone.outcomes["quality"].tolist() == [0.5, 1.0]


# Braintrust, llmrouter-lib, AutoMix


def test_braintrust_trials_of_one_input_are_averaged_and_errors_left_out(tmp_path):
    def row(i, right, error=None):
        scores = {} if error else {"right": right, "near": 0.5}
        facts = {"model": "wren", "topic": "sea"}
        result = {"input": TEXTS[i], "output": "So.", "expected": "ferry", "scores": scores}
        return result | {"metadata": facts, "error": error}

    rows = [row(0, 1.0), row(0, 0.0), row(1, 1.0), row(2, None, "refused")]
    part = one(written(tmp_path / "b.jsonl", json_lines(rows)), "braintrust")
    assert part.outcomes["quality"].tolist() == [0.5, 1.0]
    assert part.outcomes["model"].unique().tolist() == ["wren"]
    assert texts(part) == list(TEXTS[:2])


def test_llmrouter_s_failed_calls_are_left_out_and_a_rare_id_names_no_query(tmp_path):
    rows = [
        {
            "task_name": "sea",
            "query": text,
            "task_id": "T/1" if i == 0 else None,
            "metric": "em",
            "model_name": m,
            "response": "So.",
            "input_tokens": 9,
            "output_tokens": 4,
            "response_time": 0.5,
            "performance": float(RIGHT[m][i]),
        }
        for i, text in enumerate(TEXTS)
        for m in RIGHT
    ]
    rows[1] |= {"response": "ERROR: timeout", "performance": 0.0, "output_tokens": 0}
    part = one(written(tmp_path / "r.jsonl", json_lines(rows)), "llmrouter")
    assert means(part) == {"heron": 0.75, "wren": 0.3333}
    assert mean_of(part, "answer_tokens") == {"heron": 4, "wren": 4}
    assert len(part.queries) == 4


def test_automix_answers_without_grades_say_whose_they_are(tmp_path):
    rows = [
        {
            "base_ctx": "The log.",
            "question": t,
            "output": "x",
            "wren_pred_ans": "y",
            "heron_pred_ans": "x",
        }
        for t in TEXTS
    ]
    part = one(written(tmp_path / "a.jsonl", json_lines(rows)), "automix")
    assert part.outcomes.empty
    assert texts(part)[0] == f"The log.\n\n{TEXTS[0]}"
    assert says(part, "heron, wren", "no grade")
    rows = [row | {"wren_f1": 0.25, "heron_f1": 0.5} for row in rows]
    part = one(written(tmp_path / "a.jsonl", json_lines(rows)), "automix")
    assert means(part) == {"heron": 0.5, "wren": 0.25}


# RouterArena


def prediction(i, model, accuracy, **changes):
    return {
        "global index": f"Shore_{i}",
        "prompt": TEXTS[i],
        "prediction": model,
        "generated_result": {
            "generated_answer": "x",
            "success": True,
            "token_usage": {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13},
        },
        "cost": 0.001,
        "accuracy": accuracy,
    } | changes


def cached(i, model, score, **changes):
    return {
        "global_index": f"Shore_{i}",
        "question": TEXTS[i],
        "llm_selected": model,
        "generated_answer": "x",
        "token_usage": {"input_tokens": 9, "output_tokens": 4},
        "success": True,
        "evaluation_result": {"score": score, "inference_cost": 0.002},
    } | changes


def test_routerarena_predictions_are_a_trace_and_say_so(tmp_path):
    rows = [prediction(0, "wren", 1.0), prediction(1, "heron", 0.0), prediction(2, "wren", None)]
    rows += [prediction(0, "heron", 1.0, for_optimality=True)]
    part = one(written(tmp_path / "p", rows), "routerarena")
    assert part.outcomes["query_id"].tolist() == ["Shore_0", "Shore_1"]
    assert part.outcomes["quality"].tolist() == [1.0, 0.0]
    assert part.queries["slice"].unique().tolist() == ["Shore"]
    assert part.outcomes["cost_usd"].tolist() == [0.001, 0.001]
    assert "a router's trace" in part.notes[0]


def test_routerarena_cached_results_of_two_models_are_paired(tmp_path):
    paths = []
    for model, score in (("wren", 0.0), ("heron", 1.0)):
        rows = [cached(i, model, score) for i in range(2)] + [cached(2, model, 1.0, success=False)]
        paths.append(written(tmp_path / model, json_lines(rows)))
    part = together(*paths)
    assert means(part) == {"heron": 1.0, "wren": 0.0}
    assert len(part.outcomes) == 4
    assert says(part, "1 failed call was left out (1 of wren)")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([prediction(0, None, 1)], "no model in 1 item"),
        ([cached(0, "wren", 1, evaluation_result=3)], "'evaluation_result': is no object"),
        ([prediction(0, "wren", 1, for_optimality=True)], "holds no result"),
    ],
)
def test_routerarena_items_that_are_off_are_named(tmp_path, rows, message):
    with pytest.raises(DataError, match=message):
        importing.read(written(tmp_path / "p", rows), "routerarena")


def test_routerarena_tokens_above_the_parts_are_thoughts_and_no_usage_is_unknown(
    tmp_path,
):
    usage = {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}
    rows = [
        cached(0, "wren", 1.0, token_usage=usage | {"total_tokens": 500}),
        cached(1, "wren", 1.0, token_usage={}, evaluation_result={"score": 1, "inference_cost": 0}),
        cached(2, "wren", 0.0, token_usage=usage | {"output_tokens": 0, "total_tokens": 9}),
    ]
    part = one(written(tmp_path / "p", rows), "routerarena")
    assert part.outcomes["answer_tokens"].fillna(-1).tolist() == [491, -1, -1]
    assert part.outcomes["cost_usd"].fillna(-1).tolist() == [0.002, -1, -1]
    assert part.outcomes["quality"].tolist() == [1.0, 1.0, 0.0]
    assert says(part, "exceeds prompt and answer: 1")
    assert says(part, "cost is unknown: 2 (wren 2)")


def test_routerarena_choices_without_answers_are_bare_queries_apart_from_outcomes(tmp_path):
    bare = [prediction(i, "wren", None, generated_result=None, cost=None) for i in range(3)]
    part = one(written(tmp_path / "robust", bare), "routerarena")
    assert part.benchmark.benchmark_id == "routerarena-robustness"
    assert part.outcomes.empty and part.usage is None
    assert says(part, "what a router chose, without answers", "wren 3")
