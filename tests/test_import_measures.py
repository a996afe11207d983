"""Which of several measures is the quality, for all runs of a task; every sentence is invented."""

import json

import pandas as pd
import pytest

from routellm_core import importing
from routellm_core.__main__ import main
from routellm_core.errors import DataError
from routellm_core.importing import job
from routellm_core.importing.formats import table
from routellm_core.importing.job import ImportPlan
from routellm_core.importing.measures import Measure, NoQualityError, Wanted, chosen
from routellm_core.store import Store
from tests.test_import_formats import json_lines, packed, totals, written

N = 24


def attempts(**measures):
    """Two models' attempts: a measure a keyword, its values weak first."""
    n = len(next(iter(measures.values()))) // 2
    rows = pd.DataFrame({"model": ["weak"] * n + ["strong"] * n})
    for name, values in measures.items():
        rows[name if isinstance(name, Measure) else Measure(name)] = [float(v) for v in values]
    return rows


def line(i, grades, variant="none", **changes):
    return {
        "doc_id": i,
        "doc": {"question": f"How many oars has boat {i}?"},
        "target": "2",
        "arguments": {"gen_args_0": {"arg_0": f"How many oars has boat {i}?"}},
        "resps": [["Two."]],
        "filtered_resps": ["2"],
        "filter": variant,
        "metrics": list(grades),
        "doc_hash": f"d{i}",
        **grades,
    } | changes


def run(folder, model, lines, task="boats", **more):
    document = json.loads(totals(model, task)) | more
    written(folder / "results_2026-01-02T03-04-05.6.json", json.dumps(document))
    return written(folder / f"samples_{task}_2026-01-02T03-04-05.6.jsonl", json_lines(lines))


def means(part):
    found = part.outcomes.groupby("model", observed=True)["quality"].mean()
    return {model: pytest.approx(mean) for model, mean in found.items()}


@pytest.mark.parametrize(
    ("measures", "name"),
    [
        ({"brier_score": [0.2, 0.3, 0.1, 0.4], "acc": [1, 0, 1, 1]}, "acc"),
        ({"f1": [0.5, 0.4, 0.6, 0.7], "exact_match": [0, 1, 1, 1]}, "exact_match"),
        ({"bleu_max": [20, 30, 25, 40], "bleu_acc": [0, 1, 1, 1]}, "bleu_acc"),
        ({"perplexity": [-1.5, -2.5, -1, -2], "rouge_l": [0.1, 0.2, 0.3, 0.4]}, "rouge_l"),
        ({"acc_norm": [1, 0, 1, 1], "acc": [0, 0, 1, 1]}, "acc"),
    ],
)
def test_a_grade_comes_before_a_score_and_a_score_before_a_likelihood(measures, name):
    assert chosen(attempts(**measures), Wanted(), "f").measure.name == name


def test_the_main_measure_of_a_task_comes_first():
    rows = attempts(exact_match=[0, 1, 0, 1])
    rows[Measure("f1_score", is_main=True)] = [0.5, 0.4, 0.6, 0.7]
    assert chosen(rows, Wanted(), "f").measure.name == "f1_score"


def test_a_measure_that_one_model_lacks_is_not_taken():
    nan = float("nan")
    rows = attempts(exact_match=[nan, nan, 1, 1], f1=[0.1, 0.2, 0.3, 0.4])
    assert chosen(rows, Wanted(), "f").measure.name == "f1"
    with pytest.raises(NoQualityError, match="weak has f1; strong has exact_match"):
        chosen(attempts(exact_match=[nan, nan, 1, 1], f1=[0.1, 0.2, nan, nan]), Wanted(), "f")


@pytest.mark.parametrize("name", ["wer", "edit_distance", "Hallucination", "error_rate", "ter"])
def test_a_measure_that_falls_is_turned_round_and_said(tmp_path, name):
    lines = {"wren": [0.4, 0.2], "heron": [0.1, 0.3]}
    for model, values in lines.items():
        run(tmp_path / model, model, [line(i, {name: v}) for i, v in enumerate(values)])
    (part,) = importing.read(tmp_path)
    assert means(part) == {"wren": 0.7, "heron": 0.8}
    assert f"Quality is 1 − {name}: of {name} less is better." in part.notes


def test_a_measure_that_falls_without_a_worst_value_is_refused_with_the_reason(tmp_path):
    path = run(tmp_path, "wren", [line(i, {"ter": 40.0 + i}) for i in range(3)])
    with pytest.raises(DataError, match=r"of ter less is better, and its values \(40 to 42\)"):
        importing.read(path)
    found = job.read(ImportPlan((str(path),), scale=(0.0, 100.0)))
    assert found.parts[0].outcomes["quality"].tolist() == [60.0, 59.0, 58.0]


def test_the_direction_beside_the_samples_counts_and_perplexity_of_a_line_is_a_likelihood(tmp_path):
    rises = {"higher_is_better": {"boats": {"snr": False, "perplexity": False}}}
    for model, values in (("wren", (0.25, -3.0)), ("heron", (0.75, -1.0))):
        grades = [{"snr": values[0], "perplexity": values[1]} for _ in range(2)]
        run(tmp_path / model, model, [line(i, g) for i, g in enumerate(grades)], **rises)
    (part,) = importing.read(tmp_path)
    # A likelihood that rises is taken before a measure of which less is better.
    assert part.measure == "perplexity"
    (part,) = job.read(ImportPlan((str(tmp_path),), metric="snr")).parts
    assert means(part) == {"wren": 0.75, "heron": 0.25}


def test_one_filter_is_taken_for_all_runs_whatever_order_their_lines_have(tmp_path):
    def lines(strict, loose, order):
        by_filter = {"strict": strict, "loose": loose}
        return [
            line(i, {"exact_match": float(i < by_filter[name] * N)}, name)
            for name in order
            for i in range(N)
        ]

    run(tmp_path / "a", "strong", lines(0.25, 0.875, ("strict", "loose")))
    run(tmp_path / "b", "weak", lines(0.5, 0.625, ("loose", "strict")))
    (part,) = importing.read(tmp_path)
    assert part.measure == "exact_match (strict)"
    assert means(part) == {"strong": 0.25, "weak": 0.5}
    notes = " ".join(part.notes)
    assert "exact_match (strict) (strong 0.25, weak 0.5)" in notes
    assert "exact_match (loose) (strong 0.875, weak 0.625)" in notes
    assert "strong has 25.0% by the one and 87.5% by the other" in notes
    (part,) = job.read(ImportPlan((str(tmp_path),), variant="loose")).parts
    assert means(part) == {"strong": 0.875, "weak": 0.625}
    with pytest.raises(DataError, match=r"no measure 'f1'; there are: exact_match \(strict\), ex"):
        job.read(ImportPlan((str(tmp_path),), metric="f1"))


def test_a_filter_by_which_a_model_never_scores_is_not_taken(tmp_path):
    lines = [line(i, {"exact_match": 0.0}, "strict") for i in range(N)]
    lines += [line(i, {"exact_match": float(i < 18)}, "loose") for i in range(N)]
    (part,) = importing.read(run(tmp_path, "strong", lines))
    assert means(part) == {"strong": 0.75}
    assert any("75.0% by the one and 0.0% by the other" in note for note in part.notes)


def test_runs_of_few_and_no_examples_are_joined_by_what_they_hold(tmp_path):
    def lines(shots):
        examples = "How many?\nTwo.\n\n" * shots
        return [
            line(i, {"acc": float(i % 2)}, doc={"n": i}, arguments=[[f"{examples}Boat {i}?"]])
            for i in range(4)
        ]

    run(tmp_path / "a", "strong", lines(0))
    run(tmp_path / "b", "weak", lines(3), **{"n-shot": {"boats": 3}})
    (part,) = importing.read(tmp_path)
    assert len(part.queries) == 4
    assert part.texts["text"].tolist() == [f"Boat {i}?" for i in range(4)]


def test_the_later_of_two_runs_of_a_model_counts(tmp_path):
    for moment, grade in (("2026-01-02T03-04-05.6", 0.0), ("2026-03-02T03-04-05.6", 1.0)):
        written(tmp_path / f"results_{moment}.json", totals("wren", "boats"))
        lines = json_lines([line(i, {"acc": grade}) for i in range(3)])
        written(tmp_path / f"samples_boats_{moment}.jsonl", lines)
    (part,) = importing.read(tmp_path)
    assert means(part) == {"wren": 1.0}
    assert any("that of 2026-03-02T03-04-05.6" in note for note in part.notes)


def test_a_name_that_lm_eval_made_up_is_not_the_models(tmp_path):
    more = {"model_name": "qdpv68r5", "config": {"model": "hf", "model_args": "weights=wren-7b"}}
    (part,) = importing.read(run(tmp_path, "x", [line(0, {"acc": 1.0})], **more))
    assert means(part) == {"weights=wren-7b": 1.0}


def test_a_task_without_a_grade_does_not_refuse_the_rest_of_a_folder(tmp_path):
    for model in ("wren", "heron"):
        run(tmp_path / model, model, [line(i, {"acc": 1.0}) for i in range(3)])
        ungraded = [line(i, {"word_perplexity": [-9.0, 12]}) for i in range(3)]
        written(tmp_path / model / "samples_pages_1.jsonl", json_lines(ungraded))
    (part,) = importing.read(tmp_path)
    assert part.outcomes["model"].nunique() == 2
    assert "Left out, for nothing in it can be a quality: pages_1." in part.notes


def test_a_group_of_many_tasks_is_told_in_few_lines(tmp_path, capsys):
    names = [f"coast_{i}" for i in range(57)]
    for model in ("wren", "heron"):
        written(tmp_path / model / "results_1.json", totals(model, *names, groups={"coast": names}))
        for name in names:
            lines = [line(i, {"acc": float(i % 2), "acc_norm": 1.0}) for i in range(2)]
            written(tmp_path / model / f"samples_{name}_1.jsonl", json_lines(lines))
    store = tmp_path.parent / f"{tmp_path.name}.duckdb"
    Store.create(store).close()
    main(["import", str(tmp_path), "--store", str(store)])
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "coast: 114 queries imported (heron 0.5, wren 0.5)"
    assert len(said) <= 15


# Scales


def tables(folder, **qualities):
    paths = []
    for model, values in qualities.items():
        texts = [f"How tall is mast {i}?" for i in range(len(values))]
        path = folder / f"{model}.csv"
        frame = pd.DataFrame({"query": texts, "model": model, "score": values})
        frame.to_csv(path, index=False)
        paths.append(str(path))
    return ImportPlan(tuple(paths))


def test_runs_that_fill_a_scale_differently_have_one(tmp_path):
    (part,) = job.read(tables(tmp_path, wren=[1, 2, 3, 5], heron=[0, 6, 9, 10])).parts
    card = part.benchmark
    assert (card.quality_low, card.quality_high, card.quality_unit) == (0.0, 10.0, "points")


def test_shares_do_not_meet_points_unless_the_scale_is_named(tmp_path):
    plan = tables(tmp_path, wren=[0.2, 0.9, 0.4], heron=[4, 9, 7])
    with pytest.raises(DataError, match=r"wren has qualities from 0.2 to 0.9 and heron from 4"):
        job.read(plan)
    named = ImportPlan(plan.paths, scale=(0.0, 10.0))
    assert job.read(named).parts[0].benchmark.quality_high == 10.0


@pytest.mark.parametrize("stray", [-0.03, 1.04, -1])
def test_a_stray_value_among_shares_is_left_out_and_named(tmp_path, stray):
    values = [0.5, 1.0, 0.25, 0.0] * 30
    values[7] = stray
    (part,) = job.read(tables(tmp_path, wren=values)).parts
    assert (part.benchmark.quality_low, part.benchmark.quality_high) == (0.0, 1.0)
    assert len(part.outcomes) == 119
    assert any(f"for example {stray:g} of wren on query '008'" in note for note in part.notes)


# Tables


def read_table(folder, **columns):
    path = folder / "t.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    (part,) = importing.read(path)
    return part


def test_times_ids_lengths_and_counts_never_become_models(tmp_path):
    part = read_table(
        tmp_path,
        query=["How deep is the lock?", "Who keeps the gate?", "Where is the key?"],
        request_time=[1.79e12, 1.79e12, 1.8e12],
        execution_duration=[0.3, 0.9, 0.5],
        span_id=["0000000000000000"] * 3,
        answer_length=[1, 0, 1],
        n_words=[0, 1, 1],
        step=[1, 2, 3],
        __index_level_0__=[0, 1, 0],
    )
    assert part.outcomes.empty
    assert any("Not used: request_time, execution_duration" in note for note in part.notes)


def test_a_wide_table_by_ids_alone_is_two_models(tmp_path):
    ids = [f"v1:{i}" for i in range(6)]
    part = read_table(tmp_path, query_id=ids, wren=[1, 0, 1, 0, 1, 1], heron=[1, 1, 1, 1, 0, 1])
    assert means(part) == {"wren": 4 / 6, "heron": 5 / 6}


def test_chosen_models_of_a_router_are_the_models(tmp_path):
    part = read_table(
        tmp_path,
        canonical_id=["a", "b"] * 2,
        dataset="sums",
        selected_model=["wren", "wren", "heron", "heron"],
        correct=[1, 0, 1, 1],
        cost=[0.1, 0.1, 0.2, 0.2],
        latency_ms=[700.0, 700.0, 900.0, 900.0],
    )
    assert means(part) == {"wren": 0.5, "heron": 1.0}
    assert part.outcomes["latency_s"].tolist() == [0.7, 0.7, 0.9, 0.9]
    assert (
        "Columns: id 'canonical_id', slice 'dataset', model 'selected_model', quality 'correct', "
        "US dollars 'cost', milliseconds 'latency_ms'."
    ) in part.notes


def test_answers_of_several_runs_are_averaged_and_said(tmp_path):
    part = read_table(
        tmp_path,
        query=["Who keeps the gate?"] * 4 + ["Where is the key?"] * 4,
        model=["wren", "wren", "heron", "heron"] * 2,
        run=[1, 2] * 4,
        score=[1, 0, 1, 1, 0, 0, 1, 0],
    )
    assert len(part.queries) == 2
    assert means(part) == {"wren": 0.25, "heron": 0.75}
    assert any("(up to 2 in all): the mean is taken" in note for note in part.notes)


def test_failed_calls_are_no_wrong_answers_and_empty_or_cut_ones_are_counted(tmp_path):
    part = read_table(
        tmp_path,
        query=[f"How long is rope {i}?" for i in range(8)],
        model="wren",
        score=[1, 1, 0, 0, 0, 1, 0, 0],
        error=[None] * 7 + ["rate limit"],
        response=["Long.", "Long.", "", " ", "x", "y", "z", None],
        finish_reason=["stop"] * 6 + ["length", None],
    )
    assert len(part.outcomes) == 7
    notes = " ".join(part.notes)
    assert "1 failed call was left out (1 of wren)" in notes
    assert "2 of 7 answers of wren are empty: without them its quality is 0.6 (n 5)" in notes
    assert "1 of 7 answers of wren is cut off at the limit of tokens" in notes


def test_a_cached_answer_has_no_cost_and_no_time_of_its_own(tmp_path):
    part = read_table(
        tmp_path,
        query=["Who keeps the gate?", "Where is the key?"],
        model="wren",
        score=[1, 0],
        cost_usd=[0.0, 0.004],
        latency_s=[0.002, 0.9],
        cached=[True, False],
    )
    assert part.outcomes["cost_usd"].mean() == 0.004
    assert part.outcomes["latency_s"].mean() == 0.9
    assert any("1 answer out of a cache" in note for note in part.notes)


def test_an_id_that_most_rows_lack_names_nothing(tmp_path):
    part = read_table(
        tmp_path,
        task_id=[None, "t2", None, None],
        query=["Who?", "Who?", "Where?", "Where?"],
        model=["wren", "heron"] * 2,
        score=[1, 0, 1, 1],
    )
    assert len(part.queries) == 2
    assert means(part) == {"wren": 1.0, "heron": 0.5}


def test_roles_scales_and_dropped_columns_can_be_named(tmp_path, capsys):
    path = tmp_path / "t.csv"
    frame = pd.DataFrame(
        {"frage": ["Wer?", "Wo?"] * 2, "wer": ["wren"] * 2 + ["heron"] * 2, "note": [3, 4, 9, 2]}
    )
    frame.to_csv(path, index=False)
    store = tmp_path / "s.duckdb"
    Store.create(store).close()
    arguments = ["--map", "query=frage", "model=wer", "quality=note", "--scale", "0..10"]
    main(["import", str(path), "--store", str(store), "--json", "--name", "noten", *arguments])
    (found,) = json.loads(capsys.readouterr().out)["imported"]
    assert found["benchmark"] == "noten"
    assert found["qualities"] == {"wren": 3.5, "heron": 5.5}
    with Store(store) as opened:
        assert opened.benchmark("noten").quality_high == 10.0
    guess, _ = table.guessed(path, ["note"])
    assert guess.quality is None


def test_an_unknown_table_is_told_by_what_was_seen(tmp_path):
    path = written(tmp_path / "t.csv", "llm,right_or_wrong,colour\nwren,1,red\n")
    with pytest.raises(DataError, match="query: none, id: none, model: llm, quality: none"):
        job.read(ImportPlan((str(path),)))


def test_files_of_one_name_are_told_apart_and_never_collide(tmp_path):
    for name, model, texts in (
        ("a/runs", "wren", ["Who?", "Where?"]),
        ("b/runs", "owl", ["When?", "Why?"]),
        ("other", "rook", ["Which?", "How?"]),
    ):
        rows = "".join(f"{text},1,0\n" for text in texts)
        written(tmp_path / f"{name}.csv", f"query,{model},heron-{model}\n{rows}")
    found = job.read(ImportPlan((str(tmp_path),))).parts
    assert [part.benchmark.benchmark_id for part in found] == ["runs", "runs-2", "other"]
    assert "no query in common" in " ".join(found[0].notes)


def test_a_first_object_of_several_megabytes_is_seen_whole(tmp_path):
    long = "tide " * 600_000
    lines = [line(i, {"acc": 1.0}, doc={"question": f"{long}{i}?"}) for i in range(2)]
    path = written(tmp_path / "s.jsonl", json_lines(lines))
    assert importing.recognise(path) == "lm_eval"


def test_a_check_tells_of_empty_answers_long_after_the_import(tmp_path):
    lines = {
        model: [
            line(i, {"acc": float(i >= 4)}, resps=[["" if i < empty else "Two."]])
            for i in range(20)
        ]
        for model, empty in (("wren", 4), ("heron", 0))
    }
    for model, rows in lines.items():
        run(tmp_path / model, model, rows)
    files = {
        str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*.json*")
    }
    path = packed(tmp_path / "all.zip", files)
    from routellm_core.evaluation.data_quality import check, sentences
    from routellm_core.types import ModelPair

    pair = ModelPair(weak="wren", strong="heron")
    with Store() as store:
        job.add(store, job.read(ImportPlan((str(path),))))
        found = {f.kind: f for f in check(store, "boats", pair)}
        said = sentences.finding(found["empty_answers"], store.benchmark("boats"), pair)
    assert found["empty_answers"].severity == "warning"
    assert said.startswith("4 of 20 answers of wren are empty: it reaches 100.0% on the 16")
