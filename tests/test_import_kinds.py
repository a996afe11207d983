"""Kinds of faults that any format can have; all sentences, models and figures are invented."""

import json

import pandas as pd
import pytest

from routellm_core import importing
from routellm_core.importing import job
from routellm_core.importing.answers import state_of
from routellm_core.importing.asked import as_asked
from tests.test_import_evaluations import cached, prediction, review
from tests.test_import_evaluations import sample as of_every_eval
from tests.test_import_formats import judged, lm_eval_run, packed
from tests.test_import_formats import sample as of_lm_eval

N = 24
TEXTS = tuple(f"Which brook runs past mill number {i}?" for i in range(N))
ROWS = [
    {"question": text, "model": model, "score": float(i % part > 0)}
    for model, part in (("heron", 4), ("wren", 2))
    for i, text in enumerate(TEXTS)
]
MEANS = {"heron": 0.75, "wren": 0.5}


def saved(rows, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(rows)
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(*paths):
    (part,) = job.read(job.ImportPlan(tuple(map(str, paths)))).parts
    return part


def means(part, column="quality"):
    found = part.outcomes.groupby("model", observed=True)[column].mean()
    return {str(model): pytest.approx(mean) for model, mean in found.items()}


def says(part, *words):
    return any(all(word in note for word in words) for note in part.notes)


def first_text(part):
    return part.texts["text"].iloc[0]


SUFFIXES = pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])


# What was asked


@SUFFIXES
@pytest.mark.parametrize(
    ("beside", "text"),
    [
        ({"passage": "A mill."}, f"A mill.\n\n{TEXTS[0]}"),
        ({"instruction": "Say it in Frisian."}, f"Say it in Frisian.\n\n{TEXTS[0]}"),
        ({"choices": '["Aa", "Oker"]'}, f"{TEXTS[0]}\nA. Aa\nB. Oker"),
        ({"option_a": "Aa", "option_b": "Oker"}, f"{TEXTS[0]}\nA. Aa\nB. Oker"),
    ],
)
def test_a_table_s_passage_instruction_and_options_are_of_the_query(tmp_path, beside, text, suffix):
    part = read(saved([row | beside for row in ROWS], tmp_path / f"t{suffix}"))
    assert first_text(part) == text
    assert means(part) == MEANS


def test_one_question_on_several_passages_is_several_queries(tmp_path):
    rows = [
        row | {"context": f"Mill {i % N}.", "question": "Which brook is it, then?"}
        for i, row in enumerate(ROWS)
    ]
    assert len(read(saved(rows, tmp_path / "t.csv")).queries) == N


@SUFFIXES
@pytest.mark.parametrize("form", [json.dumps, str])
def test_a_request_in_a_cell_is_its_last_user_text(tmp_path, form, suffix):
    def request(text):
        messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]
        return form({"messages": messages})

    rows = [row | {"question": request(row["question"])} for row in ROWS]
    assert first_text(read(saved(rows, tmp_path / f"t{suffix}"))) == TEXTS[0]


def test_reference_answers_are_no_options():
    asked = as_asked({"question": "Which brook?", "answers": ["Aa", "the Aa"]})
    assert asked == "Which brook?"


def test_options_by_letter_are_read():
    assert as_asked({"question": "Which?", "options": {"A": "Aa", "B": "Oker"}}).endswith("B. Oker")


# Errors, empty and cut answers


@SUFFIXES
@pytest.mark.parametrize(
    "fault",
    [
        {"status_code": 429},
        {"status": "timed out"},
        {"response": "ERROR: too many requests"},
        {"error": "HTTP 500"},
    ],
)
def test_a_failed_call_in_a_table_is_no_wrong_answer(tmp_path, fault, suffix):
    well = {"status_code": 200, "status": "ok", "response": "The Aa.", "error": None}
    good = {name: well[name] for name in fault}
    rows = [row | (fault | {"score": 0.0} if i == 1 else good) for i, row in enumerate(ROWS)]
    part = read(saved(rows, tmp_path / f"t{suffix}"))
    assert means(part)["heron"] == pytest.approx(17 / 23)
    assert says(part, "1 failed call was left out (1 of heron)")


def test_an_answer_that_reads_like_an_error_and_is_right_counts(tmp_path):
    rows = [row | {"response": "Error: overflow"} for row in ROWS]
    part = read(saved([r | {"score": 1.0} for r in rows], tmp_path / "t.csv"))
    assert means(part) == {"heron": 1.0, "wren": 1.0}


@pytest.mark.parametrize(
    ("answer", "stopped", "state"),
    [
        ("", None, "empty"),
        ("The Aa", "MAX_TOKENS", "cut"),
        ("The Aa", "FinishReason.MAX_TOKENS", "cut"),
        ("[No response]", None, "harness"),
        ("Agent stopped due to iteration limit.", "stop", "harness"),
        ("API Error: 529", None, "error"),
        ("Errors are human.", "stop", None),
        ("No.", "end_turn", None),
    ],
)
def test_the_state_of_an_answer(answer, stopped, state):
    assert state_of(answer, stopped) == state


def test_harness_texts_and_errors_are_told_in_lm_eval_too(tmp_path):
    path = lm_eval_run(tmp_path, "wren", [1.0, 0.0, 0.0])
    answers = [["Ebb"]], [["[no answer]"]], [["ERROR: 500"]]
    lines = [
        of_lm_eval(i, float(i == 0), resps=a, edit_distance=2.0) for i, a in enumerate(answers)
    ]
    saved([line | {"metrics": ["edit_distance", "exact_match"]} for line in lines], path)
    part = read(path)
    assert means(part) == {"wren": 0.5}
    assert says(part, "1 of 2 answers of wren is text of the harness")


def test_errors_and_cut_answers_are_told_in_nested_records_too(tmp_path):
    def answer(i):
        said = {"response": "ERROR: 503", "score": 0} if i == 0 else {"response": "x", "score": 1}
        return {"model": "wren", "finish_reason": "length" if i == 1 else "stop"} | said

    rows = [{"question": text, "results": [answer(i)]} for i, text in enumerate(TEXTS)]
    part = read(saved(rows, tmp_path / "n.jsonl"))
    assert means(part) == {"wren": 1.0}
    assert says(part, "1 of 23 answers of wren is cut off")


def test_answers_of_a_wide_table_are_looked_at(tmp_path):
    rows = [
        {
            **{"question": text, "heron": 1, "wren": int(i > 1)},
            "heron_response": "" if i < 3 else "The Aa.",
            "wren_response": "ERROR: timeout" if i < 2 else "The Oker.",
        }
        for i, text in enumerate(TEXTS)
    ]
    part = read(saved(rows, tmp_path / "w.csv"))
    assert means(part) == {"heron": 1.0, "wren": 1.0}
    assert says(part, "2 failed calls were left out (2 of wren)")
    assert says(part, "3 of 24 answers of heron are empty")


# Nothing is invented


@SUFFIXES
def test_zeros_that_stand_where_nothing_was_measured_are_unknown_and_counted(tmp_path, suffix):
    use = {"cost": 0.5, "output_tokens": 7, "latency_s": 2.0}
    rows = [row | ({k: 0 for k in use} if i < 6 else use) for i, row in enumerate(ROWS)]
    part = read(saved(rows, tmp_path / f"t{suffix}"))
    assert means(part, "cost_usd")["heron"] == 0.5
    assert means(part, "answer_tokens")["heron"] == 7
    assert means(part, "latency_s")["heron"] == 2.0
    assert says(part, "The cost of 6 of 48 answers is given as $0, so it is unknown.")


def test_a_free_model_costs_nothing(tmp_path):
    rows = [row | {"model": f"{row['model']}:free", "cost": 0} for row in ROWS]
    part = read(saved(rows, tmp_path / "t.csv"))
    assert means(part, "cost_usd") == {"heron:free": 0, "wren:free": 0}


@pytest.mark.parametrize("more", [{"total_tokens": 115}, {"reasoning_tokens": 100}])
def test_thoughts_of_a_table_are_tokens_of_the_answer(tmp_path, more):
    use = {"prompt_tokens": 10, "completion_tokens": 5}
    part = read(saved([row | use | more for row in ROWS], tmp_path / "t.csv"))
    assert means(part, "answer_tokens")["heron"] == 105
    assert says(part, "48 answers have more tokens in all")


def test_thoughts_within_the_answer_are_not_counted_twice(tmp_path):
    use = {"prompt_tokens": 10, "completion_tokens": 50, "reasoning_tokens": 40}
    part = read(saved([row | use for row in ROWS], tmp_path / "t.csv"))
    assert means(part, "answer_tokens")["heron"] == 50


@pytest.mark.parametrize("names", [("lat", "lon"), ("ttft", "queue_s"), ("bleu", "entropy")])
def test_measurements_of_a_query_are_no_models(tmp_path, names):
    rows = [{"question": text} | {n: 0.1 + i / 99 for n in names} for i, text in enumerate(TEXTS)]
    part = read(saved(rows, tmp_path / "t.csv"))
    assert not set(part.outcomes["model"]) & set(names)


def test_scores_beside_an_answer_are_metrics_and_no_models(tmp_path):
    rows = [
        {"input": text, "output": "The Aa.", "scores": {"Factuality": 0.5, "Levenshtein": 0.25}}
        for text in TEXTS
    ]
    part = read(
        saved([row | {"metadata": {"model": "wren"}} for row in rows], tmp_path / "b.jsonl")
    )
    assert means(part) == {"wren": 0.5}


def test_the_same_number_of_rows_for_each_query_are_repeats(tmp_path):
    again = [row | {"score": 0.0} for row in ROWS]
    part = read(saved([*ROWS, *again], tmp_path / "t.csv"))
    assert means(part) == {"heron": 0.375, "wren": 0.25}
    assert len(part.queries) == N
    assert says(part, "the mean is taken")


# One measure


def test_a_main_measure_that_falls_is_turned_round(tmp_path):
    for model, wer in (("heron", 0.25), ("wren", 0.5)):
        lines = []
        for i in range(4):
            line = review(i, model, 1)
            line["sample_score"]["score"] |= {
                "value": {"rouge": 0.5, "wer": wer},
                "main_score_name": "wer",
            }
            lines.append(line)
        saved(lines, tmp_path / "reviews" / model / "x.jsonl")
    part = read(*sorted(tmp_path.rglob("*.jsonl")))
    assert means(part) == {"heron": 0.75, "wren": 0.5}
    assert says(part, "Quality is 1 − wer")


def test_without_a_main_measure_a_grade_is_taken_in_whatever_order(tmp_path):
    for model, order in (("heron", ("f1", "acc")), ("wren", ("acc", "f1"))):
        lines = []
        for i in range(4):
            line = review(i, model, 1)
            values = {"f1": 0.25, "acc": float(model == "heron")}
            line["sample_score"]["score"] = {"value": {name: values[name] for name in order}}
            lines.append(line)
        saved(lines, tmp_path / "reviews" / model / "x.jsonl")
    assert means(read(*sorted(tmp_path.rglob("*.jsonl")))) == {"heron": 1.0, "wren": 0.0}


def test_a_perplexity_below_zero_is_a_log_likelihood_in_a_table_too(tmp_path):
    rows = [
        {
            "question": r["question"],
            "model": r["model"],
            "perplexity": -1.0 - (r["model"] == "wren"),
        }
        for r in ROWS
    ]
    assert means(read(saved(rows, tmp_path / "t.csv"))) == {"heron": -1.0, "wren": -2.0}


# Identity


@pytest.mark.parametrize("as_folder", [True, False])
def test_tables_of_one_name_are_models_by_their_folders(tmp_path, as_folder):
    for model in MEANS:
        rows = [
            {"question": r["question"], "correct": r["score"]} for r in ROWS if r["model"] == model
        ]
        saved(rows, tmp_path / model / "results.csv")
    paths = [tmp_path] if as_folder else sorted(tmp_path.rglob("*.csv"))
    part = read(*paths)
    assert means(part) == MEANS
    assert says(part, "heron/results.csv does not name the model")


def test_evaluations_that_number_their_samples_each_from_the_start_do_not_collide(tmp_path):
    rows = []
    for name in ("mills", "weirs"):
        for i in range(4):
            line = of_every_eval(i, "wren", float(name == "mills"))
            line |= {"evaluation_name": name, "sample_id": str(i)}
            line["input"]["raw"] = f"Of the {name}: {TEXTS[i]}"
            line["input"]["choices"] = ["Aa", "Oker"]
            rows.append(line)
    part = read(saved(rows, tmp_path / "e_samples.jsonl"))
    assert len(part.queries) == 8
    assert means(part) == {"wren": 0.5}
    assert first_text(part).endswith("A. Aa\nB. Oker")


# One bad unit


@pytest.mark.parametrize("make", [prediction, cached])
def test_one_item_without_a_text_does_not_refuse_the_rest(tmp_path, make):
    items = [make(i, "wren", 1.0) for i in range(4)]
    items[2]["prompt" if "prompt" in items[2] else "question"] = None
    path = tmp_path / "r.json"
    path.write_text(json.dumps(items))
    part = read(path)
    assert len(part.outcomes) == 3
    assert says(part, "1 item (3) with no query text")


def test_a_value_that_is_no_number_is_left_out_and_named(tmp_path):
    items = [prediction(i, "wren", 1.0) for i in range(4)]
    items[1]["accuracy"] = "well"
    path = tmp_path / "r.json"
    path.write_text(json.dumps(items))
    part = read(path)
    assert len(part.outcomes) == 3
    assert says(part, "no finite numbers", "'well' in r.json, item 2, field 'accuracy'")


def test_judgements_again_are_averaged_and_a_stray_score_is_left_out(tmp_path):
    lines = [judged(0, "wren", 1, s) for s in (9, 7)] + [judged(1, "wren", 1, s) for s in (5, 50)]
    part = read(saved(lines, tmp_path / "j" / "x.jsonl"))
    assert means(part) == {"wren": 6.5}
    assert says(part, "judged again: 2 lines (2, 4)")
    assert says(part, "outside 1 to 10 was left out: 1 line (4)")


def test_a_damaged_file_of_a_folder_does_not_refuse_the_others(tmp_path):
    lm_eval_run(tmp_path / "wren", "wren", [1.0, 0.0, 1.0])
    broken = lm_eval_run(tmp_path / "heron", "heron", [1.0, 1.0, 1.0], task="pier")
    broken.write_text(broken.read_text().replace("}\n", "\n"))
    (part,) = importing.read(tmp_path)
    assert part.outcomes["model"].unique().tolist() == ["wren"]
    assert says(part, "Left out, for it cannot be read", "samples_pier")


def test_a_damaged_file_of_a_zip_does_not_refuse_the_others(tmp_path):
    table = pd.DataFrame(ROWS).to_csv(index=False)
    path = packed(tmp_path / "x.zip", {"a.csv": table, "b.csv": "question,wren,heron\nEbb?,1\n"})
    part = read(path)
    assert means(part) == MEANS
    assert says(part, "Left out of x.zip", "b.csv")


# Words


def test_no_inner_name_of_a_column_stands_in_a_note(tmp_path):
    rows = [row | {"cost": -1 if i == 3 else 0.5} for i, row in enumerate(ROWS)]
    part = read(saved(rows, tmp_path / "t.csv"))
    assert says(part, "The cost is negative or infinite in 1 row (4)")
    assert not says(part, "cost_usd")
