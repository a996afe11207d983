"""Logs of evaluation tools, gateways and routers; every sentence, name and number is invented."""

import json
import pickle
import zipfile

import pandas as pd
import pytest

from routellm_core import importing
from routellm_core.errors import DataError
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
    assert importing.recognise(path) == name
    return importing.read(path)


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
    notes = " ".join(part.notes)
    assert "Quality is 'exact_match (strict)'." in notes
    assert "exact_match (strict) (x 0); exact_match (loose) (x 1)" in notes
    assert "x has 0.0% by the one and 100.0% by the other" in notes
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
    assert "Means by each measure: acc (s 0.5); acc_norm (s 1)." in part.notes
    del lines[0]["doc"]["question"]
    part = one(written(tmp_path / "s.jsonl", json_lines(lines)), "lm_eval")
    assert part.texts["text"].iloc[0] == f"{TEXTS[0]} low"


@pytest.mark.parametrize(
    ("lines", "quality", "note"),
    [
        ([sample(0, 1.0), sample(1, None, exact_match="x")], {"0": 1.0}, "1 answer of samples_x"),
        ([sample(0, 1.0), sample(0, 0.0)], {"0": 0.5}, "1 row is a further answer"),
        ([sample(0, 1.0, metrics=["bleu"])], {}, "says nothing of how good answers were"),
        (
            [sample(0, 1.0), sample(1, 0) | {"exact_match": None}],
            {"0": 1.0},
            "No quality for 1 answer of samples_x (query '1')",
        ),
    ],
)
def test_lm_eval_lines_without_a_grade_are_left_out_and_counted(tmp_path, lines, quality, note):
    path = written(tmp_path / "samples_x.jsonl", json_lines(lines))
    (part,) = importing.read(path, "lm_eval")
    assert qualities(part) == quality
    assert note in " ".join(part.notes)


def test_a_line_of_lm_eval_in_which_nothing_is_asked_is_named(tmp_path):
    lines = json_lines([sample(0, 1.0, doc={}, arguments=[])])
    with pytest.raises(DataError, match=r"no query text in 1 line \(1\)"):
        importing.read(written(tmp_path / "samples_x.jsonl", lines), "lm_eval")


def test_lm_eval_totals_alone_say_what_is_needed(tmp_path):
    path = written(tmp_path / "r.json", totals("wren", "shore"))
    with pytest.raises(DataError, match="holds totals only; give the samples"):
        read(path, "lm_eval")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no samples; run lm_eval with --log_samples"):
        importing.read(tmp_path / "empty", "lm_eval")
    for name in ("results_a.json", "results_b.json"):
        written(tmp_path / "two" / name, totals(name, "shore"))
    samples = written(tmp_path / "two" / "samples_shore.jsonl", json_lines([sample(0, 1.0)]))
    with pytest.raises(DataError, match="several results files beside it hold task 'shore'"):
        read(samples, "lm_eval")


# LiteLLM


def spend(i, **changes):
    return {
        "request_id": f"chat-{i}",
        "call_type": "acompletion",
        "api_key": "",
        "spend": 0.25 * (i + 1),
        "total_tokens": 30,
        "prompt_tokens": 10 + i,
        "completion_tokens": 20,
        "startTime": "2026-01-02 09:20:46.500000",
        "endTime": "2026-01-02 09:20:48.000000",
        "model": "birds/heron-2026",
        "model_group": "heron",
        "metadata": "{}",
        "messages": json.dumps([{"role": "user", "content": TEXTS[i]}]),
        "response": "{}",
        "proxy_server_request": "{}",
        "status": "success",
        "cache_hit": "None",
    } | changes


# RouterBench


def routerbench():
    return pd.DataFrame(
        {
            "sample_id": ["tides.1", "knots.2"],
            "prompt": [str([TEXTS[0]]), str([TEXTS[2], "And one more?"])],
            "eval_name": ["tides", "knots"],
            "birds/wren": [0.0, 0.5],
            "heron": [1.0, 0.25],
            "heron|model_response": ["['A']", "['B']"],
            "birds/wren|model_response": ["['A']", "['B']"],
            "birds/wren|total_cost": [0.001, 0.002],
            "heron|total_cost": [0.01, 0.02],
            "oracle_model_to_route_to": ["heron", "no_model_correct"],
        }
    )


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_routerbench_has_quality_and_cost_of_each_model(tmp_path, kind):
    path = tmp_path / "wide.data"
    frame = routerbench()
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    part = one(path, "routerbench")
    assert part.texts["text"].tolist() == [TEXTS[0], TEXTS[2]]
    assert part.queries["slice"].tolist() == ["tides", "knots"]
    by_name = part.outcomes.set_index(["query_id", "model"])
    assert by_name.loc[("knots.2", "birds/wren"), ["quality", "cost_usd"]].tolist() == [0.5, 0.002]
    assert set(part.outcomes["model"]) == {"birds/wren", "heron"}


def test_routerbench_texts_that_are_no_lists_stay_as_they_are(tmp_path):
    frame = routerbench().assign(prompt=["[not closed", "[" * 5000])
    path = tmp_path / "wide.csv"
    frame.to_csv(path, index=False)
    assert one(path, "routerbench").texts["text"].tolist() == ["[not closed", "[" * 5000]


class Trap:
    """Would leave a file behind if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_pickle_is_refused_unopened_with_how_to_convert_it(tmp_path, protocol):
    path = written(tmp_path / "routerbench.pkl", pickle.dumps(Trap(tmp_path / "x"), protocol))
    with pytest.raises(DataError, match=r"can run code .* pandas.read_pickle\('routerbench.pkl'\)"):
        read(path, "routerbench")
    for name in importing.IMPORTERS:
        with pytest.raises(DataError):
            importing.read(path, name)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heron": ["1", "x"]}, "column 'heron': 'x' is no number"),
        ({"sample_id": ["a", "a"]}, r"stood for another text before in 1 row \(2\)"),
        ({"prompt": ["", ""]}, r"no query text in 2 rows \(1, 2\)"),
    ],
)
def test_routerbench_rows_that_are_off_are_named(tmp_path, change, message):
    path = tmp_path / "wide.csv"
    routerbench().assign(**change).to_csv(path, index=False)
    with pytest.raises(DataError, match=message):
        importing.read(path, "routerbench")


# HELM


def instance(name, value, trial=0, perturbation=None, **stats):
    named = {"exact_match": value, "num_prompt_tokens": 30.0, "num_completion_tokens": 2.0} | stats
    entry = {
        "instance_id": name,
        "train_trial_index": trial,
        "stats": [
            {"name": {"name": k, "split": "test"}, "count": 1, "mean": v} for k, v in named.items()
        ],
    }
    return entry | ({"perturbation": {"name": "typos"}} if perturbation else {})


def helm_run(folder, model="birds/wren", subject="tides", values=(0.0, 1.0, 1.0), stats=None):
    name = f"quiz:subject={subject},method=joint,model={model.replace('/', '_')}"
    folder = folder / name.replace("/", "_")
    spec = {"name": name, "adapter_spec": {"model": model}, "groups": ["quiz"]}
    states = [
        {"instance": {"input": {"text": text}, "id": f"id{i}", "split": "test"}}
        for i, text in enumerate(TEXTS)
    ]
    stats = stats or [instance(f"id{i}", v) for i, v in enumerate(values)]
    written(folder / "run_spec.json", json.dumps(spec))
    written(folder / "scenario_state.json", json.dumps({"request_states": states}))
    written(folder / "per_instance_stats.json", json.dumps(stats))
    return folder


def test_helm_a_run_is_a_benchmark_with_tokens(tmp_path):
    folder = helm_run(tmp_path)
    part = one(folder, "helm")
    assert part.benchmark.benchmark_id == "quiz"
    assert qualities(part) == {"tides-id0": 0.0, "tides-id1": 1.0, "tides-id2": 1.0}
    assert part.queries["slice"].unique().tolist() == ["tides"]
    assert part.outcomes["answer_tokens"].unique().tolist() == [2.0]
    assert qualities(one(folder / "per_instance_stats.json", "helm")) == qualities(part)


def test_helm_runs_of_a_suite_are_joined_over_subjects_and_models(tmp_path):
    for model, values in (("birds/wren", (0, 0, 1)), ("birds/heron", (1, 1, 1))):
        for subject in ("tides", "knots"):
            helm_run(tmp_path, model, subject, values)
    part = one(tmp_path, "helm")
    assert sorted(part.queries["slice"].unique()) == ["knots", "tides"]
    assert pair_of(part, "birds/wren", "birds/heron").n_queries == 6


def test_helm_perturbed_instances_are_left_out_and_trials_averaged(tmp_path):
    stats = [
        instance("id0", 1.0),
        instance("id0", 0.0, trial=1),
        instance("id0", 0.0, perturbation=True),
        instance("id1", None),
    ]
    part = one(helm_run(tmp_path, stats=stats), "helm")
    assert qualities(part) == {"tides-id0": 0.5}
    notes = " ".join(part.notes)
    assert "Perturbed instances of" in notes
    assert "The mean of 2 trials" in notes
    assert "No quality for 1 answer of birds/wren (query 'tides-id1')" in notes


def test_helm_display_files_and_instances_do_as_well(tmp_path):
    folder = helm_run(tmp_path)
    plain = [
        {
            "instance_id": "id0",
            "train_trial_index": 0,
            "predicted_text": "x",
            "stats": {"f1_score": 0.4},
        }
    ]
    (folder / "per_instance_stats.json").unlink()
    (folder / "scenario_state.json").unlink()
    written(folder / "display_predictions.json", json.dumps(plain))
    written(folder / "instances.json", json.dumps([{"id": "id0", "input": {"text": TEXTS[0]}}]))
    part = one(folder, "helm")
    assert qualities(part) == {"tides-id0": 0.4}
    assert "Quality is 'f1_score'" in part.notes[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / "scenario_state.json").unlink(), "has neither scenario_state.json nor"),
        (lambda f: written(f / "scenario_state.json", "{}"), "none of its instances has a text"),
        (lambda f: written(f / "run_spec.json", "{"), "run_spec.json: is no JSON"),
        (
            lambda f: written(f / "per_instance_stats.json", json.dumps([3])),
            "holds no per_instance",
        ),
    ],
)
def test_helm_runs_that_are_off_say_what_is_missing(tmp_path, change, message):
    folder = helm_run(tmp_path)
    change(folder)
    with pytest.raises(DataError, match=message):
        importing.read(folder, "helm")


# FastChat


def judged(question, model, turn, score, **changes):
    return {
        "question_id": question,
        "model": model,
        "judge": ["owl-4", "single-v1"],
        "user_prompt": f"[Question]\n{TEXTS[question]}\n\n[The Start of Assistant's Answer]\nx",
        "judgment": "Fine.",
        "score": score,
        "turn": turn,
        "tstamp": 1.5,
    } | changes


JUDGED = [
    judged(q, model, turn, base + turn + q)
    for q in range(3)
    for model, base in (("wren", 1), ("heron", 5))
    for turn in (2, 1)
]
ASKED = [
    {"question_id": q, "category": "knots", "turns": [text, "And now?"]}
    for q, text in enumerate(TEXTS)
]


def test_mt_bench_judgements_average_the_turns_and_find_the_questions(tmp_path):
    written(tmp_path / "question.jsonl", json_lines(ASKED))
    path = written(tmp_path / "model_judgment" / "owl.jsonl", json_lines(JUDGED))
    part = one(path, "fastchat")
    assert qualities(part, "heron") == {"0": 6.5, "1": 7.5, "2": 8.5}
    assert (part.benchmark.quality_low, part.benchmark.quality_unit) == (1.0, "points")
    assert part.queries["slice"].unique().tolist() == ["knots"]
    assert part.texts["text"].tolist() == list(TEXTS)
    bare = one(tmp_path / "question.jsonl", "fastchat")
    assert bare.outcomes.empty
    assert bare.texts["text"].tolist() == list(TEXTS)


def test_mt_bench_judgements_without_questions_take_the_texts_from_the_prompts(tmp_path):
    part = one(written(tmp_path / "a" / "j", json_lines(JUDGED)), "fastchat")
    assert part.texts["text"].tolist() == list(TEXTS)
    lines = [line | {"user_prompt": "…"} for line in JUDGED]
    part = one(written(tmp_path / "b" / "j", json_lines(lines)), "fastchat")
    assert part.texts.empty
    assert any("put question.jsonl beside" in note for note in part.notes)


def test_mt_bench_judgements_without_a_score_are_left_out_and_one_judge_is_taken(tmp_path):
    lines = [*JUDGED[:-1], judged(2, "heron", 1, -1), judged(0, "wren", 1, 9, judge=["crow", "x"])]
    part = one(written(tmp_path / "a" / "j", json_lines(lines)), "fastchat")
    assert qualities(part, "heron")["2"] == 9.0
    assert qualities(part, "wren")["0"] == 2.5
    notes = " ".join(part.notes)
    assert "owl-4, crow judged: the scores of owl-4 were taken" in notes
    assert "Judgements without a score, left out: 1" in notes
    assert "judged in fewer turns than others: 1 of 6" in notes


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([judged(0, "wren", 1, 11)], "no judgement holds a score"),
        ([judged(0, "wren", 1, -1)], "no judgement holds a score"),
        ([judged(0, "", 1, 3)], "line 1, field 'model': '' is no text"),
        ([{"question_id": 1, "category": "x", "turns": []}], r"field 'turns': \[\] is no text"),
    ],
)
def test_mt_bench_lines_that_are_off_are_named(tmp_path, lines, message):
    path = written(tmp_path / "a" / "j", json_lines(lines))
    with pytest.raises(DataError, match=message):
        importing.read(path, "fastchat")


# Requests in OpenAI's form


def asked(i):
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": TEXTS[i]}]


LOGS = {
    "requests": [{"model": "wren", "messages": asked(i)} for i in range(3)],
    "batch": [
        {"custom_id": f"c{i}", "method": "POST", "body": {"model": "wren", "messages": asked(i)}}
        for i in range(3)
    ],
    "pairs": [
        {
            "id": f"r{i}",
            "request": {"model": "wren", "messages": asked(i)},
            "response": {"model": "wren-2", "usage": {"prompt_tokens": 9, "completion_tokens": 4}},
            "latency_ms": 500,
            "cost": 0.5,
        }
        for i in range(3)
    ],
    "responses": [
        {"model": "wren", "input": asked(i), "usage": {"input_tokens": 9, "output_tokens": 4}}
        for i in range(3)
    ],
}


# Archives


def packed(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_an_archive_holds_several_formats_and_pairs_runs(tmp_path):
    lm_eval_run(tmp_path / "runs" / "a", "wren", [0, 1, 0])
    lm_eval_run(tmp_path / "runs" / "b", "heron", [1, 1, 0])
    helm_run(tmp_path / "runs" / "h", "wren")
    sample_ = {"id": 0, "epoch": 1, "input": TEXTS[0], "scores": {"choice": {"value": "C"}}}
    log = {"status": "success", "eval": {"task": "shore", "model": "rail"}, "samples": [sample_]}
    written(tmp_path / "runs" / "log.json", json.dumps(log))
    files = {
        str(p.relative_to(tmp_path)): p.read_bytes()
        for p in (tmp_path / "runs").rglob("*")
        if p.is_file()
    }
    table = "query,wren,heron\nEbb or flow?,1,0\nWhat is a bight?,0,1\n"
    files |= {"notes/READ.md": "Hello.", "wide.csv": table, "empty/": ""}
    parts = read(packed(tmp_path / "all.zip", files), "archive")
    # Inspect's task of the same name is graded by another measure: it stays apart.
    assert [p.benchmark.benchmark_id for p in parts] == ["shore", "shore-2", "quiz", "wide"]
    assert parts[0].outcomes["model"].nunique() == 2
    assert "no measure of all models" in " ".join(parts[1].notes)
    assert "Files of all.zip of no known format: 1 (notes/READ.md)." in parts[0].notes


def test_names_that_lead_out_of_an_archive_lead_nowhere(tmp_path):
    inside = "query,wren,heron\nEbb or flow?,1,0\n"
    names = ["../../up.csv", "/etc/abs.csv", "C:\\win.csv", "a/../../b.csv"]
    path = packed(
        tmp_path / "evil.zip",
        {name: inside.replace("Ebb", f"Ebb {i}") for i, name in enumerate(names)},
    )
    parts = importing.read(path)
    assert sorted(p.benchmark.benchmark_id for p in parts) == ["abs", "b", "up", "win"]
    assert list(tmp_path.iterdir()) == [path]
    assert not (tmp_path.parent / "up.csv").exists()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no format recognises any of its files; there are: none"),
        ({"a.txt": "Hello"}, "there are: a.txt"),
        (
            {"a.csv": "query,score\nx,?\ny,1\n"},
            r"all.zip: a.csv, column 'score': '\?' is no number",
        ),
        (
            {"a/b": "query,score\nx,1\n", "a\\b": "query,score\nx,1\n"},
            "two entries are called 'a/b'",
        ),
        ({"a": "query,score\nx,1\n", "a/b": "query\nx\n"}, "two entries are called"),
        ({"..": "query\nx\n"}, "an entry has no usable name"),
        ({"v.csv": "query,model_a,model_b,winner\nx,a,b,tie\n"}, "v.csv: holds battles; import it"),
        ({"c.json": '{"models": [], "examples": []}'}, "c.json: holds battles"),
        ({"big.csv": b"query\n" + b"x" * 40_000_000}, "times its size, as only a trap does"),
    ],
)
def test_archives_that_are_off_are_refused(tmp_path, files, message):
    with pytest.raises(DataError, match=message):
        importing.read(packed(tmp_path / "all.zip", files))


def test_an_archive_in_an_archive_is_refused(tmp_path):
    inner = packed(tmp_path / "in.zip", {"a.csv": "query,score\nx,1\n"}).read_bytes()
    with pytest.raises(DataError, match=r"in.zip: is an archive in an archive"):
        importing.read(packed(tmp_path / "all.zip", {"in.zip": inner}))


def test_a_cut_or_encrypted_archive_is_refused(tmp_path):
    whole = packed(tmp_path / "all.zip", {"a.csv": "query,score\nx,1\n" * 500}).read_bytes()
    with pytest.raises(DataError, match="is no whole zip archive"):
        importing.read(written(tmp_path / "cut.zip", whole[:-30]), "archive")
    locked = bytearray(whole)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[whole.index(mark) + at] |= 1
    with pytest.raises(DataError, match=r"cannot be unpacked .*encrypted"):
        importing.read(written(tmp_path / "locked.zip", bytes(locked)), "archive")
