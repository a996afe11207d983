import dataclasses
import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from benchmarks import check as simulation
from routellm_core.__main__ import main
from routellm_core.errors import DataError
from routellm_core.evaluation.benchmark import evaluate_benchmark
from routellm_core.evaluation.data_quality import DataFinding, check, effect_of_excluding, sentences
from routellm_core.evaluation.data_quality.answers import (
    answer_findings,
    below_chance,
    constant_quality,
    contaminated_queries,
    lacking_answers,
    missing_answers,
    same_length,
)
from routellm_core.evaluation.data_quality.findings import Suspicion, told
from routellm_core.evaluation.data_quality.languages import is_non_english, non_english
from routellm_core.evaluation.data_quality.pairs import (
    always_equal,
    copied_tokens,
    pair_findings,
    reversed_gaps,
    swapped_models,
)
from routellm_core.metrics.curve import apgr, routing_curve
from routellm_core.store import Store
from routellm_core.store.selection import default_pair
from routellm_core.types import Benchmark, ModelPair
from tests.test_slices import make

CARD = Benchmark("b", "b", "", "", "user", 0.0, 1.0, "share right", "", "")
PAIR = ModelPair("small", "large")


def answers_of(qualities, slices=None, tokens=np.nan):
    """The table of `Store.answers` from {model: list of qualities}, None for no answer."""
    rows = [
        (model, f"q{i:03}", slices[i] if slices else "all", f"c{i}", quality, tokens)
        for model, of_model in qualities.items()
        for i, quality in enumerate(of_model)
        if quality is not None
    ]
    columns = ["model", "query_id", "slice", "cluster_id", "quality", "answer_tokens"]
    return pd.DataFrame(rows, columns=columns)


def sound(rng, n_slices=8, n=100):
    """A benchmark without a fault: right or wrong by chance, the strong model better everywhere."""
    return make({f"slice{i}": (rng.random(n) < 0.6, rng.random(n) < 0.8) for i in range(n_slices)})


def said(finding):
    return sentences.finding(finding, CARD, PAIR)


def by_kind(findings):
    return {finding.kind: finding for finding in findings}


@pytest.fixture(scope="module")
def store(built_store):
    with Store(built_store, read_only=True) as store:
        yield store


def test_the_published_mmlu_outcomes_hold_a_broken_slice_and_105_repeats(store):
    findings = check(store, "mmlu", default_pair(store, "mmlu"))
    found = by_kind(findings)
    assert [f.severity for f in findings[:2]] == ["error", "error"]
    for kind in ("broken_slice", "below_chance"):
        assert found[kind].slices == ("high_school_mathematics",)
        assert len(found[kind].query_id) == 270
        assert found[kind].p_value < 1e-10
    assert "gpt-4-1106-preview is right on 2.96% of the 270" in sentences.finding(
        found["below_chance"], CARD, default_pair(store, "mmlu")
    )
    assert len(found["repeated_queries"].query_id) == 105
    assert len(found["contaminated"].query_id) == 5
    assert found["missing_tokens"].severity == "warning"


def test_other_shipped_benchmarks_hold_no_error(store):
    kinds = {
        name: {f.kind for f in check(store, name, default_pair(store, name))}
        for name in ("gsm8k", "mt_bench", "mmlu_pro")
    }
    assert kinds["gsm8k"] == {"contaminated"}
    assert kinds["mt_bench"] == {"no_gap", "tiny_slice", "contaminated"}
    assert kinds["mmlu_pro"] == {"missing_tokens", "contaminated"}


def test_unreadable_answers_of_mmlu_pro_are_no_random_ones(store):
    pair = ModelPair("Mixtral-8x7B-Instruct-v0.1", "Meta-Llama-3_1-70B-Instruct")
    found = by_kind(check(store, "mmlu_pro", pair))["missing_answers"]
    outcomes = store.pair_outcomes("mmlu_pro", pair)
    assert found.severity == "warning"
    assert len(found.query_id) == 5222 - outcomes.n_queries
    assert not set(found.query_id) & set(outcomes.query_id)


@pytest.mark.parametrize("gap", [0.0, 0.15])
def test_sound_sets_raise_hardly_any_alarm(gap):
    """At most 1% do; of 50, more than 3 would be one chance in 600 if it were just that."""
    alarms = [simulation.alarms(partial(simulation.sound, gap=gap), seed) for seed in range(50)]
    assert sum(map(bool, alarms)) <= 3


def test_thirteen_slices_without_a_gap_look_broken_in_no_set():
    """By a 95% interval and the point estimate alone, 17 of 100 such sets did."""
    make = partial(simulation.sound, gap=0.0, sizes=np.full(13, 77))
    alarms = [simulation.alarms(make, seed) for seed in range(20)]
    assert not any("broken_slice" in kinds for kinds in alarms)


def test_a_broken_slice_like_that_of_mmlu_is_found_in_every_set_and_five_points_in_none():
    make = partial(simulation.broken, n=270, strong=0.03, weak=0.32)
    assert all("broken_slice" in simulation.alarms(make, seed) for seed in range(10))
    make = partial(simulation.broken, n=270, strong=0.55, weak=0.60)
    assert not any(simulation.alarms(make, seed) for seed in range(10))


def test_all_tests_of_a_check_are_adjusted_together():
    kinds = ["below_chance", "swapped_models", "reversed_gap"]
    suspicions = [
        Suspicion(p, lambda adjusted, kind=kind: DataFinding(kind, "error", (), p_value=adjusted))
        for kind, p in zip(kinds, (0.004, 0.001, 1.0), strict=True)
    ]
    noted = DataFinding("contaminated", "note", ("q",))
    found = by_kind(told([suspicions[0], noted, *suspicions[1:], Suspicion(0.5, lambda p: None)]))
    assert [*found] == ["below_chance", "contaminated", "swapped_models", "reversed_gap"]
    assert found["swapped_models"].p_value == pytest.approx(4 * 0.001)
    assert found["below_chance"].p_value == pytest.approx(3 * 0.004)
    assert found["reversed_gap"].p_value == 1.0
    assert found["contaminated"] is noted


def test_a_reversed_slice_is_a_warning_and_has_the_sign_tests_p(rng):
    better, worse = [0] * 40 + [1] * 60, [1] * 40 + [1] * 60
    slices = {c: (better, worse) for c in "abc"}
    slices["lowest"] = ([0] * 100, [0] * 90 + [1] * 10)
    slices["turned"] = ([1] * 60 + [0] * 40, [0] * 30 + [1] * 34 + [0] * 36)
    (found,) = told(reversed_gaps(make(slices)))
    assert (found.kind, found.severity, found.slices) == ("reversed_gap", "warning", ("turned",))
    assert len(found.query_id) == 100
    assert found.p_value == pytest.approx(5 * binomtest(4, 34, alternative="less").pvalue)


def test_models_that_were_swapped_are_an_error_and_have_the_sign_tests_p():
    right_way = {"a": ([0] * 30 + [1] * 70, [1] * 20 + [0] * 10 + [1] * 70)}
    wrong_way = {name: (strong, weak) for name, (weak, strong) in right_way.items()}
    (found,) = told(swapped_models(make(wrong_way)))
    assert (found.kind, found.severity, len(found.query_id)) == ("swapped_models", "error", 100)
    assert found.p_value == pytest.approx(binomtest(0, 20, alternative="less").pvalue)
    assert "large, named as the strong model, reaches 70.0%, below the 90.0%" in said(found)
    assert not list(told(swapped_models(make(right_way))))


def test_a_lead_within_chance_is_no_swap():
    assert not list(told(swapped_models(make({"a": ([1] * 6 + [0] * 4, [0] * 3 + [1] * 7)}))))
    assert not list(told(swapped_models(make({"a": ([1] * 9 + [0] * 5, [0] * 9 + [1] * 5)}))))


def test_a_broken_slice_is_told_once_and_as_an_error():
    fine = ([0, 1] * 50, [1, 1] * 50)
    broken = ([0, 1, 0] * 40, [0] * 118 + [1, 0])
    found = list(told(pair_findings(make({"a": fine, "b": fine, "c": fine, "d": broken}), CARD)))
    about_d = [f for f in found if f.slices == ("d",)]
    assert [(f.kind, f.severity) for f in about_d] == [("broken_slice", "error")]
    assert "reaches 0.8%, below the 33.3% of small" in said(about_d[0])


def test_repeats_name_the_later_ones_and_say_whether_outcomes_agree():
    outcomes = make({"a": ([0, 0, 1, 1, 0], [1, 1, 1, 0, 1])})
    outcomes = dataclasses.replace(outcomes, cluster_code=np.array([3, 3, 1, 1, 0]))
    found = by_kind(told(pair_findings(outcomes, CARD)))["repeated_queries"]
    assert found.query_id == ("1", "3")
    assert "2 of 5 queries" in said(found)
    assert "1 of the 2 repeated texts have different outcomes" in said(found)
    assert found.severity == "warning"


def test_equal_models_are_an_error_once_they_are_no_chance():
    """Of models that differ on 2% of queries, 5% tie on all of 150; 1e-4 on all of 500."""
    (few,) = told(always_equal(make({"a": ([0, 1, 1] * 50, [0, 1, 1] * 50)})))
    (many,) = told(always_equal(make({"a": ([0, 1] * 250, [0, 1] * 250)})))
    assert (few.severity, few.p_value) == ("note", pytest.approx(0.98**150))
    assert (many.severity, len(many.query_id)) == ("error", 500)
    assert not list(told(always_equal(make({"a": ([0, 1], [0, 0])}))))


def test_qualities_off_the_scale_and_nan_are_errors():
    outcomes = make({"a": ([0.0, 2.0, np.nan, 1.0], [1.0, 1.0, 1.0, 1.0])})
    found = by_kind(told(pair_findings(outcomes, CARD)))["off_scale"]
    assert found.query_id == ("1", "2")
    assert found.models == ("small",)


def test_slices_without_a_gap_and_small_ones_are_notes():
    sure, flat, small = ([0] * 40, [1] * 40), ([0, 1] * 20, [1, 0] * 20), ([0] * 29, [1] * 29)
    found = by_kind(told(pair_findings(make({"sure": sure, "flat": flat, "small": small}), CARD)))
    assert found["no_gap"].slices == ("flat",)
    assert found["tiny_slice"].slices == ("small",)
    assert len(found["tiny_slice"].query_id) == 29


def test_missing_and_copied_token_counts():
    outcomes = make({"a": ([0] * 12, [1] * 12)})
    counted = np.arange(100.0, 112.0)
    with_gaps = np.where(counted < 102, np.nan, counted)
    copied = dataclasses.replace(
        outcomes, prompt_tokens=counted, answer_tokens_weak=counted, answer_tokens_strong=with_gaps
    )
    found = by_kind(told(pair_findings(copied, CARD)))
    assert found["copied_tokens"].query_id == tuple(map(str, range(2, 12)))
    assert found["missing_tokens"].query_id == ("0", "1")
    assert "2 of 12 answers of large" in said(found["missing_tokens"])
    honest = dataclasses.replace(copied, answer_tokens_strong=counted + (counted > 110))
    assert not {"copied_tokens", "missing_tokens"} & set(by_kind(told(pair_findings(honest, CARD))))


def test_letters_of_one_length_are_no_copy():
    outcomes = make({"a": ([0] * 40, [1] * 40)})
    letters = np.ones(40)
    of_letters = dataclasses.replace(
        outcomes, answer_tokens_weak=letters, answer_tokens_strong=letters
    )
    assert not list(copied_tokens(of_letters))


def test_a_constant_slice_is_judged_by_the_models_other_outcomes_and_by_its_size():
    slices = ["half"] * 400 + ["full"] * 400
    mixed = [0.0, 1.0] * 200 + [1.0] * 400
    (found,) = told(constant_quality(answers_of({"m": mixed}, slices)))
    assert (found.severity, found.slices, len(found.query_id)) == ("warning", ("full",), 400)
    assert found.p_value == pytest.approx(4 * 0.98**400)  # four tests: measure, model, two slices
    short = ["half"] * 40 + ["full"] * 20
    assert not list(told(constant_quality(answers_of({"m": mixed[:40] + [1.0] * 20}, short))))
    nearly_always = [1.0] * 399 + [0.0] + [1.0] * 400
    assert not list(told(constant_quality(answers_of({"m": nearly_always}, slices))))


def test_a_model_that_is_constant_on_everything_is_an_error_once_it_is_no_chance():
    others = {"other": [0.5, 1.0, 0.0]}
    (found,) = told(constant_quality(answers_of({"m": [0.5] * 3} | others)))
    assert (found.severity, found.models, len(found.query_id)) == ("note", ("m",), 3)
    others = {"other": [0.5, 1.0] * 200}
    (found,) = told(constant_quality(answers_of({"m": [0.5] * 400} | others)))
    assert (found.severity, found.models, len(found.query_id)) == ("error", ("m",), 400)


def test_a_measure_that_never_varies_is_told_once_for_all_models():
    (found,) = told(constant_quality(answers_of({"m": [1.0] * 400, "other": [1.0] * 400})))
    assert (found.kind, found.severity) == ("constant_measure", "error")
    assert said(found).startswith("All 2 models have 100.0% on all 400 queries")


def test_below_chance_counts_each_text_once():
    answers = answers_of({"m": [0.0] * 30}, ["a"] * 30)
    (found,) = told(below_chance(answers, 0.25))
    assert found.p_value == pytest.approx(0.75**30)
    assert not list(told(below_chance(answers.assign(cluster_id="one text"), 0.25)))
    assert not list(told(below_chance(answers_of({"m": [0.0] * 20 + [1.0] * 10}), 0.25)))


def test_nothing_is_held_against_guessing_where_qualities_are_graded():
    graded = answers_of({"m": [0.0] * 39 + [0.5]}, ["a"] * 40)
    assert not [f for f in told(answer_findings(graded, 0.25)) if f.kind == "below_chance"]


def test_many_answers_of_one_length_are_cut_off_or_not_counted():
    answers = answers_of({"m": [1.0] * 50})
    tokens = np.r_[np.full(15, 512.0), np.arange(35)]
    (found,) = same_length(answers.assign(answer_tokens=tokens))
    assert "15 of 50 answers of m have 512 tokens, none more" in said(found)
    assert len(found.query_id) == 15
    assert not list(same_length(answers.assign(answer_tokens=np.arange(50.0))))
    assert not list(same_length(answers))


def test_letters_of_one_length_are_no_finding_and_counts_of_nothing_are():
    answers = answers_of({"m": [1.0] * 50})
    assert not list(same_length(answers.assign(answer_tokens=1.0)))
    (found,) = same_length(answers.assign(answer_tokens=0.0))
    assert len(found.query_id) == 50


def test_empty_answers_are_a_warning_once_they_are_surely_more_than_2_percent():
    def found(n_empty, n=200):
        states = ["empty"] * n_empty + ["whole"] * (n - n_empty)
        return [*told(lacking_answers(answers_of({"m": [1.0] * n}).assign(state=states)))]

    assert found(0) == []
    assert [(f.kind, f.severity, len(f.query_id)) for f in found(6)] == [
        ("empty_answers", "note", 6)
    ]
    (many,) = found(20)
    assert many.severity == "warning"
    assert many.p_value == pytest.approx(2 * binomtest(20, 200, 0.02, "greater").pvalue)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Wie groß ist die Summe der ersten zehn Zahlen und wie ist sie auf Papier?", True),
        ("¿Cuál es el nombre de los barcos que van por el río?", True),
        ("为什么天空是蓝色的?", True),
        ("Сколько лодок в гавани?", True),
        ("How many boats lie in the harbour of Rio de la Plata?", False),
        ("What does el barco mean in English?", False),
        ("2 + 2 = ?", False),
        ("", False),
    ],
)
def test_a_text_is_not_english_by_its_letters_or_its_short_words(text, expected):
    assert is_non_english(text) == expected


def test_texts_that_are_not_english_are_a_note_from_1_percent_and_a_warning_beyond_5():
    def found(n_other, n=200):
        texts = {f"q{i}": "你好吗" if i < n_other else "How are you?" for i in range(n)}
        return [*told(non_english(texts))]

    assert found(0) == found(1) == []
    assert [(f.severity, f.query_id) for f in found(2)] == [("note", ("q0", "q1"))]
    (many,) = found(40)
    assert (many.severity, len(many.query_id)) == ("warning", 40)
    assert "40 of 200 queries with a text are not in English" in said(many)
    assert [*told(non_english({}))] == []


def test_missing_answers_are_a_warning_only_where_they_are_no_random_ones():
    large = [1.0] * 100 + [0.0] * 40
    random = answers_of({"small": ([0.0] * 9 + [None]) * 14, "large": large})
    (found,) = told(missing_answers(random, PAIR))
    assert (found.severity, len(found.query_id)) == ("note", 14)
    hard = answers_of({"small": [1.0] * 110 + [None] * 30, "large": large})
    (found,) = told(missing_answers(hard, PAIR))
    assert found.severity == "warning"
    assert "large reaches 0.0% on 30 of them and 90.9% on the rest" in said(found)


def test_texts_that_stand_often_are_no_further_evidence_on_missing_answers():
    """Five hard texts, each asked ten times: 50 such queries were no chance, five texts are."""
    large = [1.0] * 12 + [0.0] * 3
    once = answers_of({"small": [1.0] * 10 + [None] * 5, "large": large})
    (alone,) = told(missing_answers(once, PAIR))
    often = pd.concat([once.assign(query_id=once["query_id"] + f"-{i}") for i in range(10)])
    (found,) = told(missing_answers(often, PAIR))
    assert len(found.query_id) == 50
    assert found.p_value == pytest.approx(alone.p_value)
    assert (alone.severity, found.severity) == ("note", "note")


def test_contaminated_queries_are_named_and_counted():
    (found,) = contaminated_queries(["q1", "q2"], 8)
    assert (found.query_id, found.severity) == (("q1", "q2"), "note")
    assert said(found).startswith("2 of 10 queries")
    assert not list(contaminated_queries([], 8))


def test_excluding_the_broken_slice_gives_the_figures_that_evaluate_prints(store):
    pair = default_pair(store, "mmlu")
    outcomes = store.pair_outcomes("mmlu", pair)
    scores = store.strong_win_rates("mmlu", pair, "mf-golden", "in_domain")
    broken = by_kind(check(store, "mmlu", pair))["broken_slice"]
    effect = effect_of_excluding(broken, outcomes, scores, n_resamples=100)
    report = evaluate_benchmark(store, "mmlu", router_names=["mf"], n_resamples=100)
    (expected,) = (
        r["apgr"]
        for r in report["without_broken"]["routers"]
        if (r["recipe"], r["view"]) == ("golden", "in_domain")
    )
    assert effect.after.apgr == expected
    assert effect.n_excluded == 270
    assert effect.after.n_queries == 13_767
    assert effect.before.apgr == apgr(
        routing_curve(scores, outcomes.quality_weak, outcomes.quality_strong)
    )
    low, high = effect.apgr_change_interval
    assert low < effect.apgr_change < high < 0


def test_the_interval_of_the_change_is_that_of_the_literal_resamples(rng):
    outcomes = sound(rng, n_slices=3, n=60)
    outcomes = dataclasses.replace(outcomes, cluster_code=np.arange(180) // 2)
    scores = rng.integers(0, 9, 180) / 8  # many ties
    first = DataFinding("off_scale", "note", tuple(outcomes.query_id[:60]))
    effect = effect_of_excluding(first, outcomes, scores, n_resamples=2000)
    slow = []
    for _ in range(1000):
        times = rng.poisson(1.0, 90)[outcomes.cluster_code]
        drawn = np.repeat(np.arange(180), times)
        kept = drawn[drawn >= 60]
        whole, part = (
            apgr(
                routing_curve(
                    scores[rows], outcomes.quality_weak[rows], outcomes.quality_strong[rows]
                )
            )
            for rows in (drawn, kept)
        )
        slow.append(part - whole)
    expected = np.quantile(slow, [0.025, 0.975])
    width = expected[1] - expected[0]
    assert effect.apgr_change_interval == pytest.approx(tuple(expected), abs=0.15 * width)


def test_excluding_nothing_changes_nothing_and_excluding_all_is_refused(rng):
    outcomes = sound(rng, n_slices=2)
    scores = rng.random(200)
    elsewhere = DataFinding("contaminated", "note", ("not there",))
    effect = effect_of_excluding([elsewhere], outcomes, scores, n_resamples=100)
    assert (effect.n_excluded, effect.apgr_change) == (0, 0.0)
    assert effect.apgr_change_interval == (0.0, 0.0)
    assert effect.before == effect.after
    everything = DataFinding("always_equal", "error", tuple(outcomes.query_id))
    with pytest.raises(DataError, match="all 200 queries would be left out"):
        effect_of_excluding(everything, outcomes, scores)


def test_the_command_prints_findings_and_what_excluding_them_does(built_store, capsys):
    def run(*arguments):
        code = main(["check", "--store", str(built_store), *arguments])
        return code, *capsys.readouterr()

    code, out, _ = run("--benchmark", "mmlu", "--router", "mf")
    assert code == 0
    assert "right on 2.96% of the 270 queries of high_school_mathematics" in out
    assert "mf without 270: APGR 0.6" in out
    code, out, _ = run("--benchmark", "gsm8k", "--json")
    document = json.loads(out)
    assert [f["kind"] for f in document["findings"]] == ["contaminated"]
    assert len(document["findings"][0]["query_id"]) == 12
    assert document["findings"][0]["p_value"] is None
    code, _, err = run("--benchmark", "gsm8k", "--router", "mf")
    assert code == 2
    assert "no finding of kind broken_slice, below_chance on gsm8k" in err
