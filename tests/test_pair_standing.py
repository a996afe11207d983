"""Standing of a pair: which model to call always, which two to swap, and what is not shown."""

import math

import numpy as np
import pytest

from routellm_core.evaluation.standing import standing_document, standing_lines
from routellm_core.metrics.costs import PairCosts, TokenSource
from routellm_core.statistics.pair_standing import gain_over_best, pair_standing
from routellm_core.types import Benchmark, ModelPair, PairOutcomes

N = 40
MOSTLY = np.array([1.0, 1.0, 1.0, 0.0] * 10)
RARELY = np.array([0.0, 0.0, 1.0, 0.0] * 10)


def card(unit):
    return Benchmark("rowing", "Rowing", "", "", "user", 0.0, 1.0, unit, "", "")


SHARES, POINTS = card("share right"), card("points")


def outcomes_of(weak, strong):
    unknown = np.full(len(weak), np.nan)
    return PairOutcomes(
        benchmark_id="rowing",
        model_pair=ModelPair("wren", "heron"),
        query_id=np.array([f"q{i}" for i in range(len(weak))], dtype=object),
        slice_code=np.zeros(len(weak), dtype=np.int64),
        slices=("all",),
        cluster_code=np.arange(len(weak)),
        quality_weak=weak,
        quality_strong=strong,
        prompt_tokens=unknown,
        answer_tokens_weak=unknown,
        answer_tokens_strong=unknown,
    )


def costs_of(weak_usd, strong_usd, n=N):
    return PairCosts(np.full(n, weak_usd), np.full(n, strong_usd), TokenSource("", ""))


@pytest.mark.parametrize(
    ("weak", "strong", "usd", "kind"),
    [
        (RARELY, MOSTLY, (0.001, 0.002), "usual"),
        (RARELY, MOSTLY, (0.002, 0.001), "strong_dominates"),
        (RARELY, MOSTLY, (math.nan, math.nan), "usual"),
        (MOSTLY, RARELY, (0.001, 0.002), "weak_dominates"),
        (MOSTLY, RARELY, (0.002, 0.001), "reversed"),
        (MOSTLY, RARELY, (math.nan, 0.001), "reversed"),
        (MOSTLY, np.roll(MOSTLY, 1), (0.001, 0.002), "not_shown_better"),
    ],
)
def test_a_pair_is_called_by_what_its_interval_and_money_show(weak, strong, usd, kind):
    assert pair_standing(outcomes_of(weak, strong), costs_of(*usd), SHARES).kind == kind


def test_a_better_and_cheaper_strong_model_is_to_be_called_always():
    document = standing_document(outcomes_of(RARELY, MOSTLY), costs_of(0.002, 0.001), SHARES)
    assert document["gap"] == 0.5
    assert document["announcement"].startswith("Call heron always: it is better (+50.0 points")
    assert document["announcement"].endswith(
        "costs $1.00 per 1,000 queries less. There is no trade-off."
    )
    assert document["best_single"]["model"] == "heron"
    assert document["best_single"]["usd_per_1000"] == 1.0


def test_a_worse_strong_model_is_to_be_swapped_and_a_tie_is_only_not_shown():
    swapped = standing_document(outcomes_of(MOSTLY, RARELY), costs_of(0.002, 0.001), POINTS)
    assert "heron, named as the strong model, is worse than wren" in swapped["announcement"]
    assert "Swap the two models" in swapped["announcement"]
    assert standing_lines(swapped)[1] == "to swap them: --strong wren --weak heron"
    tie = outcomes_of(MOSTLY, np.roll(MOSTLY, 1))
    unclear = standing_document(tie, costs_of(0.001, 0.002), POINTS)
    assert "is not shown to be better" in unclear["announcement"]
    assert "worse" not in unclear["announcement"]
    assert unclear["swap"] is None


def test_a_usual_pair_has_no_announcement_but_its_best_single_model():
    lines = standing_lines(
        standing_document(outcomes_of(RARELY, MOSTLY), costs_of(0.001, 0.002), SHARES)
    )
    assert len(lines) == 1
    assert lines[0].startswith("best single model: heron, quality 75.0%")


def test_routed_answers_are_held_against_the_best_single_model_query_by_query():
    outcomes = outcomes_of(RARELY, MOSTLY)
    found = pair_standing(outcomes, costs_of(0.001, 0.002), SHARES)
    always, never = np.ones(N, dtype=bool), np.zeros(N, dtype=bool)
    assert gain_over_best(found, outcomes, always).value == 0.0
    lost = gain_over_best(found, outcomes, never)
    assert lost.value == -0.5
    assert lost.interval.high < 0


def test_unknown_money_of_the_best_single_model_is_said_and_never_zero():
    document = standing_document(outcomes_of(RARELY, MOSTLY), costs_of(math.nan, math.nan), POINTS)
    assert math.isnan(document["best_single"]["usd_per_1000"])
    assert "money not known" in document["best_single"]["words"]


def test_the_interval_of_a_quality_near_the_end_of_its_scale_stays_on_the_scale():
    nearly = np.append(np.ones(N - 1), 0.0)
    found = pair_standing(outcomes_of(RARELY, nearly), costs_of(0.001, 0.002), SHARES)
    assert found.best.quality.value == 0.975
    assert found.best.quality.interval.high == 1.0
