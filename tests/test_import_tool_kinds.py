"""Less usual forms of the files of evaluation tools; sentences, models and figures are invented."""

import json

import pandas as pd
import pytest

from routellm_core.importing.notes import condensed
from routellm_core.importing.prompt_texts import without_template
from tests.test_import_evaluations import (
    cached,
    details,
    evaluated,
    json_lines,
    mean_of,
    means,
    one,
    review,
    run,
    says,
    texts,
    together,
    trace,
    written,
)
from tests.test_import_formats import helm_run, instance, lm_eval_run
from tests.test_import_formats import sample as of_lm_eval
from tests.test_import_inspect import log, usage
from tests.test_import_inspect import sample as of_inspect
from tests.test_import_promptfoo import TEXTS as ASKED
from tests.test_import_promptfoo import result, whole

TEXTS = ("Which kite flies higher?", "Who waters the figs?", "How many oars?", "Name the ferry.")
RIGHT = {"heron": (1, 1, 0, 1), "wren": (0, 1, 0, 0)}
MEANS = {"heron": 0.75, "wren": 0.25}


def of_models(tmp_path, rows_of, suffix=".jsonl"):
    """A file a model, imported together."""
    paths = []
    for model in RIGHT:
        path = tmp_path / f"{model}{suffix}"
        paths.append(written(path, json_lines(rows_of(model))))
    return together(*paths)


def statistic(name, value):
    return {"name": {"name": name}, "count": 1, "sum": value, "mean": value}


# HELM


def test_helm_messages_in_place_of_a_text_ask_their_last_user_text(tmp_path):
    folder = helm_run(tmp_path)
    states = [
        {
            "instance": {
                "id": f"id{i}",
                "input": {"text": "", "messages": [{"role": "user", "content": text}]},
            }
        }
        for i, text in enumerate(TEXTS[:3])
    ]
    written(folder / "scenario_state.json", json.dumps({"request_states": states}))
    assert texts(one(folder, "helm")) == list(TEXTS[:3])


def test_an_empty_text_is_no_query_in_any_format(tmp_path):
    folder = helm_run(tmp_path)
    states = [
        {"instance": {"id": f"id{i}", "input": {"text": "" if i == 0 else text}}}
        for i, text in enumerate(TEXTS[:3])
    ]
    written(folder / "scenario_state.json", json.dumps({"request_states": states}))
    part = one(folder, "helm")
    assert texts(part) == list(TEXTS[1:3])
    assert says(part, "without a text, left out: 1")


@pytest.mark.parametrize("metric", ["toxic_frac", "expected_max_toxicity", "toxicity_score"])
def test_a_toxic_answer_is_the_worse_one(tmp_path, metric):
    stats = [instance(f"id{i}", None) for i in range(3)]
    for one_, value in zip(stats, (0.0, 1.0, 1.0), strict=True):
        one_["stats"] = [statistic(metric, value)]
    part = one(helm_run(tmp_path, stats=stats), "helm")
    assert part.outcomes["quality"].tolist() == [1.0, 0.0, 0.0]
    assert says(part, f"of {metric} less is better")


# Chat templates and examples


@pytest.mark.parametrize(
    "prompt",
    [
        "<|im_start|>user\nAn example?<|im_end|>\n<|im_start|>assistant\nYes.<|im_end|>\n"
        "<|im_start|>user\nWho rows?<|im_end|>\n<|im_start|>assistant\n",
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nWho rows?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nWho rows? [/INST]",
        "<bos><start_of_turn>user\nWho rows?<end_of_turn>\n<start_of_turn>model\n",
        "<|user|>\nWho rows?<|end|>\n<|assistant|>\n",
        "<｜begin▁of▁sentence｜><｜User｜>Who rows?<｜Assistant｜>",
        "<|start|>user<|message|>Who rows?<|end|><|start|>assistant",
        "Who rows?",
    ],
)
def test_the_marks_of_a_chat_template_are_no_part_of_what_was_asked(prompt):
    assert without_template(prompt) == "Who rows?"


def test_lm_eval_prompts_in_a_chat_template_ask_their_last_user_turn(tmp_path):
    lines = [
        of_lm_eval(
            i,
            1.0,
            doc={"premise": "a", "hypothesis": "b"},
            arguments={
                "gen_args_0": {
                    "arg_0": f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant"
                }
            },
        )
        for i, text in enumerate(TEXTS[:3])
    ]
    path = written(tmp_path / "samples_quiz_2026-11-01T10-00-00.jsonl", json_lines(lines))
    assert texts(one(path, "lm_eval")) == list(TEXTS[:3])


def test_lighteval_s_examples_are_no_part_of_the_query(tmp_path):
    moment = "2026-11-01T10-10-10"
    path = details(tmp_path / f"details/heron/{moment}/details_f|1_{moment}.parquet", [1, 0])
    rows = pd.read_parquet(path)
    rows["doc"] = [
        doc | {"query": f"Q: One?\nA: Two.\n\nQ: {doc['query']}", "num_effective_few_shots": 1}
        for doc in rows["doc"]
    ]
    rows.to_parquet(path)
    assert texts(one(path, "lighteval")) == [f"Q: {text}" for text in TEXTS[:2]]


@pytest.mark.parametrize("value", [None, 999.0])
def test_lm_eval_runs_that_only_predict_are_bare_queries(tmp_path, value):
    lines = [of_lm_eval(i, None, metrics=["bypass"], bypass=value) for i in range(3)]
    path = written(tmp_path / "samples_quiz_2026-11-01T10-00-00.jsonl", json_lines(lines))
    part = one(path, "lm_eval")
    assert part.outcomes.empty
    assert len(part.queries) == 3


# Models of one name


def test_lm_eval_runs_of_one_model_with_other_adapters_are_two_models(tmp_path):
    for adapter, scores in (("a/heron", (1, 1, 0)), ("a/wren", (0, 1, 0))):
        lm_eval_run(tmp_path / adapter, adapter, scores)
        (path,) = (tmp_path / adapter).glob("results*.json")
        found = json.loads(path.read_text())
        found["config"]["model_args"] = f"pretrained=lab/base,lora_local_path={adapter},dtype=auto"
        path.write_text(json.dumps(found))
    part = one(tmp_path, "lm_eval")
    assert means(part) == {
        "lab/base (lora_local_path=a/heron)": 0.6667,
        "lab/base (lora_local_path=a/wren)": 0.3333,
    }
    assert says(part, "Runs of lab/base differ in lora_local_path")


def test_inspect_runs_that_think_more_or_less_are_two_models(tmp_path):
    paths = [
        written(
            tmp_path / f"{effort}.json",
            log(
                [of_inspect(i, value) for i, value in enumerate(values)],
                created=f"2026-11-01T{hour}:00:00+00:00",
                model_generate_config={"reasoning_effort": effort, "max_retries": hour},
            ),
        )
        for hour, effort, values in ((10, "high", "CCC"), (11, "low", "CII"))
    ]
    part = together(*paths)
    assert means(part) == {
        "birds/wren (reasoning_effort=high)": 1.0,
        "birds/wren (reasoning_effort=low)": 0.3333,
    }


def test_inspect_s_retries_of_a_run_differ_in_nothing_that_makes_a_model(tmp_path):
    paths = [
        written(
            tmp_path / f"{hour}.json",
            log(
                [of_inspect(i, value) for i, value in enumerate(values)],
                created=f"2026-11-01T{hour}:00:00+00:00",
                model_generate_config={"max_retries": hour},
            ),
        )
        for hour, values in ((10, "III"), (11, "CCI"))
    ]
    part = together(*paths)
    assert means(part) == {"birds/wren": 0.6667}
    assert says(part, "several runs", "left out")


# Inspect


def test_inspect_a_target_answers_and_a_red_team_does_not(tmp_path):
    roles = {"red_team": {"model": "birds/owl"}, "target": {"model": "birds/heron"}}
    part = one(
        written(tmp_path / "l.json", log([of_inspect(0)], model="none/none", model_roles=roles)),
        "inspect",
    )
    assert means(part) == {"birds/heron": 1.0}


def test_inspect_a_run_without_a_model_takes_that_of_its_outputs(tmp_path):
    samples = [of_inspect(i) for i in range(3)]
    for sample in samples:
        sample["output"]["model"] = "birds/heron"
        sample["model_usage"] = {"birds/heron": usage(7, 3)}
    part = one(written(tmp_path / "l.json", log(samples, model="none/none")), "inspect")
    assert means(part) == {"birds/heron": 1.0}
    assert part.outcomes["answer_tokens"].tolist() == [3.0, 3.0, 3.0]
    assert says(part, "that of its outputs", "none/none")


def test_inspect_samples_that_a_limit_stopped_are_counted_as_cut(tmp_path):
    limit = {"type": "token", "limit": 100}
    samples = [of_inspect(0, "I", limit=limit), of_inspect(1), of_inspect(2)]
    part = one(written(tmp_path / "l.json", log(samples)), "inspect")
    assert says(part, "1 of 3 answers of birds/wren", "cut off", "1 (n 2)")


def test_inspect_a_reducer_other_than_the_mean_is_said(tmp_path):
    samples = [of_inspect(0, value, epoch=n) for n, value in ((1, "C"), (2, "I"))]
    content = log(samples, config={"epochs": 2, "epochs_reducer": ["max"]})
    part = one(written(tmp_path / "l.json", content), "inspect")
    assert means(part) == {"birds/wren": 0.5}
    assert says(part, "reduces its epochs by max", "mean")


def test_inspect_parts_of_a_task_with_other_queries_under_the_same_ids_stay(tmp_path):
    paths = []
    for hour, part in ((10, "tide"), (11, "knot")):
        samples = [of_inspect(i, "C", input=f"Of the {part}: {TEXTS[i]}") for i in range(3)]
        content = log(samples, created=f"2026-11-01T{hour}:00:00+00:00")
        paths.append(written(tmp_path / f"{part}.json", content))
    assert len(together(*paths).queries) == 6


# promptfoo


@pytest.mark.parametrize(
    ("filled", "prompt", "query"),
    [
        ({"language": "Frisian"}, "Say 'good day' in Frisian.", "Say 'good day' in Frisian."),
        ({"picture": "file://a.png"}, ASKED[0], ASKED[0]),
        ({"message": ASKED[0]}, f"You are kind. {ASKED[0]}", ASKED[0]),
        (
            {"topic": "oars", "tone": "dry"},
            json.dumps([{"role": "system", "content": "s"}, {"role": "user", "content": ASKED[1]}]),
            ASKED[1],
        ),
    ],
)
def test_promptfoo_a_variable_that_is_a_part_of_the_question_is_not_the_query(
    tmp_path, filled, prompt, query
):
    rows = [
        result(0, 0, "wren", 1.0, vars=filled, testCase={"vars": filled}, prompt={"raw": prompt})
    ]
    assert texts(one(written(tmp_path / "p.json", whole(rows)), "promptfoo")) == [query]


# EvalScope


def test_evalscope_subsets_of_a_data_set_are_slices_of_one_benchmark(tmp_path):
    for model, rights in RIGHT.items():
        written(tmp_path / "run/reports" / model / "sea_fables.json", {"score": 0.5})
        for part in ("tides", "knots"):
            lines = [
                review(i, model, right, "success") | {"input": f"Of {part}: {TEXTS[i]}"}
                for i, right in enumerate(rights)
            ]
            path = tmp_path / "run/reviews" / model / f"sea_fables_{part}.jsonl"
            written(path, json_lines(lines))
    part = together(tmp_path / "run")
    assert part.benchmark.benchmark_id == "sea_fables"
    assert means(part) == MEANS
    assert sorted(part.queries["slice"].unique()) == ["knots", "tides"]
    assert len(part.queries) == 8


def test_evalscope_counts_all_calls_of_a_sample(tmp_path):
    line = review(0, "heron", 1)
    line["messages"] += [{"role": "tool", "content": "7"}, line["messages"][-1]]
    part = one(written(tmp_path / "r.jsonl", json_lines([line])), "evalscope")
    assert part.outcomes[["answer_tokens", "latency_s"]].to_numpy().tolist() == [[8.0, 3.0]]
    assert part.queries["prompt_tokens"].tolist() == [18.0]


# Labels and amounts among grades


def test_phoenix_labels_without_a_score_say_themselves_what_is_good(tmp_path):
    def rows(model):
        for i, right in enumerate(RIGHT[model]):
            label = "factual" if right else "hallucinated"
            yield run(i, None) | {"annotations": [{"name": "Hallucination", "label": label}]}

    assert means(of_models(tmp_path, rows)) == MEANS


def test_pydantic_evals_labels_of_right_and_wrong_are_grades(tmp_path):
    cases = [
        evaluated(i, 1) | {"assertions": {}, "scores": {}, "labels": {"verdict": {"value": word}}}
        for i, word in enumerate(("correct", "wrong", "correct"))
    ]
    report = {"name": "heron", "cases": cases, "failures": []}
    part = one(written(tmp_path / "r.json", report), "pydantic_evals")
    assert part.outcomes["quality"].tolist() == [1.0, 0.0, 1.0]


def test_mlflow_scorers_of_seconds_and_prices_are_no_measures(tmp_path):
    def rows(model):
        for i, right in enumerate(RIGHT[model]):
            yield trace(i, model, bool(right)) | {"seconds/value": 3.0, "call_usd/value": 0.5}

    part = of_models(tmp_path, rows)
    assert means(part) == MEANS
    assert [m.name for m in part.attempts.columns if not isinstance(m, str)] == ["right"]


# Answers side by side


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_automix_reads_its_table_in_every_form(tmp_path, suffix):
    rows = [
        {
            "base_ctx": "The log.",
            "question": text,
            "output": "x",
            **{f"{m}_pred_ans": "y" for m in RIGHT},
            **{f"{m}_f1": float(RIGHT[m][i]) for m in RIGHT},
            **{f"{m}_cost": 0.002 for m in RIGHT},
        }
        for i, text in enumerate(TEXTS)
    ]
    path, frame = tmp_path / f"a{suffix}", pd.DataFrame(rows)
    if suffix == ".jsonl":
        written(path, json_lines(rows))
    else:
        frame.to_csv(path, index=False) if suffix == ".csv" else frame.to_parquet(path)
    part = one(path, "automix")
    assert means(part) == MEANS
    assert mean_of(part, "cost_usd") == {"heron": 0.002, "wren": 0.002}
    assert texts(part)[0] == f"The log.\n\n{TEXTS[0]}"


def test_llmrouter_s_choices_belong_to_the_query(tmp_path):
    row = {"query": TEXTS[0], "choices": {"text": ["oak", "elm"], "labels": ["P", "Q"]}}
    row |= {"model_name": "wren", "response": "P", "performance": 1.0}
    part = one(written(tmp_path / "r.jsonl", json_lines([row])), "llmrouter")
    assert texts(part) == [f"{TEXTS[0]}\nP. oak\nQ. elm"]


def test_routerarena_s_context_and_options_belong_to_the_query_and_mixed_metrics_are_said(tmp_path):
    rows = [
        cached(0, "wren", 1.0, context="A log.", options=["oak", "elm"]),
        cached(1, "wren", 0.5),
    ]
    for row, metric in zip(rows, ("accuracy", "meteor"), strict=True):
        row["evaluation_result"]["metric"] = metric
    part = one(written(tmp_path / "r.jsonl", json_lines(rows)), "routerarena")
    assert texts(part)[0] == f"A log.\n\n{TEXTS[0]}\nA. oak\nB. elm"
    assert says(part, "several metrics", "accuracy 1", "meteor 1")


# Many subjects


def _evalscope(folder, model, subject):
    lines = [review(i, model, i % 2) | {"input": f"Of {subject}: {TEXTS[i]}"} for i in range(2)]
    written(folder / "reviews" / model / f"sea_{subject}.jsonl", json_lines(lines))
    totals = {"dataset_name": "sea", "model_name": model, "metrics": []}
    written(folder / "reports" / model / "sea.json", totals)


def _helm(folder, model, subject):
    helm_run(folder, model, subject, (0.0, 1.0, 1.0))


def _lighteval(folder, model, subject):
    moment = "2026-11-01T10-10-10"
    path = folder / f"details/{model}/{moment}/details_sea:{subject}|0_{moment}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "doc": {
                "query": f"Of {subject}: {text}",
                "id": str(i),
                "task_name": f"sea:{subject}|0",
            },
            "metric": {"em": float(i % 2)},
            "model_response": {"text": ["So."], "input_tokens": [1], "output_tokens": [[1]]},
        }
        for i, text in enumerate(TEXTS[:2])
    ]
    pd.DataFrame(rows).to_parquet(path)


@pytest.mark.parametrize("add", [_evalscope, _helm, _lighteval])
def test_a_folder_of_57_subjects_of_two_models_is_one_benchmark_told_in_15_lines(tmp_path, add):
    for model in RIGHT:
        for number in range(57):
            add(tmp_path / "runs", model, f"s{number}")
    part = together(tmp_path / "runs")
    assert part.queries["slice"].nunique() == 57
    assert sorted(part.outcomes["model"].unique()) == ["heron", "wren"]
    assert len(part.outcomes) == 2 * len(part.queries)
    assert len(condensed(part.notes)) + 1 <= 15
    assert not says(part, "no known format")


def test_fields_of_records_that_look_like_an_amount_and_are_not_read_are_named(tmp_path):
    rows = [
        {
            "question": text,
            "scores": {m: RIGHT[m][i] for m in RIGHT},
            "review": {"judge_cost": 0.5, "final_score": 7},
        }
        for i, text in enumerate(TEXTS)
    ]
    part = one(written(tmp_path / "g.json", rows), "nested_grades")
    assert means(part) == MEANS
    assert says(part, "Not used", "review.judge_cost, review.final_score")


def test_what_was_read_is_not_said_to_be_unused(tmp_path):
    rows = [
        {
            "question": text,
            "results": {m: {"score": RIGHT[m][i], "latency_ms": 250} for m in RIGHT},
        }
        for i, text in enumerate(TEXTS)
    ]
    part = one(written(tmp_path / "g.json", rows), "nested_grades")
    assert not says(part, "Not used")
