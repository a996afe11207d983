"""The verb compare and the object behind it."""

import json

import numpy as np
import pandas as pd
import pytest

from routellm_core.__main__ import main
from routellm_core.commands.compare import lines
from routellm_core.errors import UnknownNameError
from routellm_core.evaluation.benchmark import evaluate_benchmark
from routellm_core.evaluation.comparison.report import compare_routers
from routellm_core.evaluation.slice_ranks import slice_prior, within_slice
from routellm_core.metrics.curve import apgr, routing_curve
from routellm_core.types import Benchmark, ModelPair, RouterEntry

PAIR = ModelPair(weak="small", strong="large")
N = 240


@pytest.fixture
def scored(fresh_store, rng):
    """A benchmark of two slices with a good router, a blurred one of two recipes, and random."""
    ids = [f"q{i:03}" for i in range(N)]
    need = rng.random(N)
    weak, strong = (rng.random(N) > 0.9 * need).astype(float), (rng.random(N) > 0.1).astype(float)
    card = Benchmark("b", "b", "", "", "user", 0.0, 1.0, "share right", "", "")
    fresh_store.add_benchmark(
        card,
        pd.DataFrame({"query_id": ids, "slice": np.where(need > 0.5, "hard", "easy")}),
        pd.DataFrame(
            {
                "query_id": ids * 2,
                "model": ["small"] * N + ["large"] * N,
                "quality": np.concatenate([weak, strong]),
            }
        ),
    )
    for router, recipe, scores in (
        ("stacked", "golden", need),
        ("mf", "golden", need + rng.normal(0, 0.5, N)),
        ("mf", "chat", need + rng.normal(0, 0.5, N)),
        ("random", "none", rng.random(N)),
    ):
        keep(fresh_store, ids, router, recipe, np.clip(scores, 0, 1))
    return fresh_store


def keep(store, ids, router, recipe, scores, view="in_domain", fold=None):
    router_id = f"{router}-{recipe}"
    if router_id not in store.routers("b", PAIR)["router_id"].tolist():
        store.add_router(RouterEntry(router_id, router, recipe, "invented"))
    frame = pd.DataFrame({"query_id": ids, "strong_win_rate": np.float32(scores)})
    if fold is not None:
        frame["fold"] = fold
    store.add_strong_win_rates("b", PAIR, router_id, view, frame)


def test_every_pair_of_routers_has_a_verdict_and_random_a_control_only(scored):
    found = compare_routers(scored, "b", n_resamples=100)
    assert (found["n_queries"], found["n_texts"], found["n_slices"]) == (N, N, 2)
    assert {tuple(sorted(v["labels"])) for v in found["verdicts"]} == {
        ("mf (chat)", "mf (golden)"),
        ("mf (chat)", "stacked"),
        ("mf (golden)", "stacked"),
    }
    first = found["verdicts"][0]
    assert (first["router"], first["recipe"], first["over"]) == ("stacked", "golden", "mf")
    assert first["over_recipe"] in ("golden", "chat")
    labels = [router["label"] for router in found["routers"]]
    assert labels[0] == "stacked"
    assert set(labels) == {"stacked", "mf (golden)", "mf (chat)", "random", "slice_table"}


def test_the_figures_are_those_of_evaluate(scored):
    found = {r["label"]: r for r in compare_routers(scored, "b", n_resamples=100)["routers"]}
    report = evaluate_benchmark(scored, "b", n_resamples=100)
    whole = {(r["router"], r["recipe"]): r for r in report["routers"] if r["view"] == "in_domain"}
    inside = {
        (r["router"], r["recipe"]): r for r in report["routers"] if r["view"] == "within_slice"
    }
    for router in found.values():
        names = router["router"], router["recipe"]
        assert router["apgr"] == pytest.approx(whole[names]["apgr"])
        assert router["apgr_interval"] == pytest.approx(whole[names]["apgr_interval"])
        assert router["inside_slices"] == pytest.approx(inside[names]["apgr"])
        assert router["control"]["apgr"] == pytest.approx(router["apgr"])
    outcomes = scored.pair_outcomes("b", PAIR)
    prior = apgr(
        routing_curve(slice_prior(outcomes), outcomes.quality_weak, outcomes.quality_strong)
    )
    assert found["stacked"]["prior"] == pytest.approx(prior)
    assert found["slice_table"]["apgr"] == pytest.approx(prior)
    assert found["slice_table"]["inside_slices"] == pytest.approx(0.5)


def test_routers_of_unseen_slices_are_ranked_inside_their_folds(scored):
    outcomes = scored.pair_outcomes("b", PAIR)
    fold = np.arange(N) % 2
    scores = np.float32(np.linspace(0, 0.4, N) + 0.5 * fold)
    keep(scored, outcomes.query_id, "mf", "golden", scores, "unseen_slices", fold)
    found = compare_routers(scored, "b", view="unseen_slices", n_resamples=100)
    (router,) = found["routers"]
    ranks = within_slice(scores, fold)
    expected = apgr(routing_curve(ranks, outcomes.quality_weak, outcomes.quality_strong))
    assert router["apgr"] == pytest.approx(expected)
    assert found["verdicts"] == []
    assert any("nothing to compare it with" in line for line in lines(found))


def test_what_is_not_there_is_said(scored):
    with pytest.raises(UnknownNameError, match="no scores of bert on b"):
        compare_routers(scored, "b", router_names=["bert", "mf"])
    with pytest.raises(UnknownNameError, match=r"no scores of any router on b \(untouched\)"):
        compare_routers(scored, "b", view="untouched")


def run(built_store, capsys, *arguments):
    try:
        code = main(["compare", "--store", str(built_store), "--resamples", "100", *arguments])
    except SystemExit as refused:  # by argparse itself
        code = refused.code
    return code, *capsys.readouterr()


def test_the_verb_prints_one_object_and_the_known_answers_of_mmlu(built_store, capsys):
    code, out, err = run(
        built_store, capsys, "--benchmark", "mmlu", "--router", "stacked", "mf", "random", "--json"
    )
    assert (code, err) == (0, "")
    found = json.loads(out)
    verdict = next(v for v in found["verdicts"] if v["labels"] == ["stacked", "mf (golden)"])
    assert verdict["is_ahead"]
    assert verdict["words"] == "`stacked` is ahead of `mf (golden)` by 0.063 APGR"
    routers = {router["label"]: router for router in found["routers"]}
    assert routers["random"]["kind"] == "chance"
    assert routers["stacked"]["kind"] == "router"
    assert routers["stacked"]["prior"] == pytest.approx(0.68, abs=0.01)  # the subject alone
    for router in routers.values():
        assert 0.5 + router["recognising"] + router["ranking"] == pytest.approx(router["apgr"])
        assert 0.48 < router["inside_slices"] < 0.59
        assert 0.0 < router["quality_neutral_cost"] <= 1.0


def test_the_verb_says_it_in_words(built_store, capsys):
    code, out, _ = run(built_store, capsys, "--benchmark", "gsm8k")
    assert code == 0
    assert "cannot tell `stacked` from `causal_llm`: about " in out
    assert "more queries would show it" in out
    assert "one slice" in out
    row = next(line for line in out.splitlines() if "1 stacked " in line)
    assert "?" in row
    assert "+0.110" in row


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--share", "1.2"), "between 0 and 1"),
        (("--resamples", "5"), "no interval"),
        (("--seed", "-1"), "negative"),
        (("--router", "nobody"), "no scores of nobody"),
    ],
)
def test_a_wrong_target_is_refused_in_a_sentence(built_store, capsys, arguments, said):
    code, out, err = run(built_store, capsys, "--benchmark", "gsm8k", *arguments)
    assert (code, out) == (2, "")
    assert said in err
