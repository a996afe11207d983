"""The whole bill: answers, deciding, labelling, break-even and slices."""

import math

import numpy as np
import pytest

from routellm_core.errors import DataError
from routellm_core.metrics.bill import (
    Deciding,
    Labelling,
    break_even_queries,
    days_of,
    deciding_at,
)
from routellm_core.metrics.costs import PairCosts, TokenSource
from routellm_core.metrics.curve import rank_queries
from routellm_core.metrics.thresholds import Target
from routellm_core.policy import bill as bills
from routellm_core.policy.bill import bill_of, break_even, break_even_words, document, lines
from routellm_core.policy.choice import select_threshold
from routellm_core.report.figures import figures_of
from routellm_core.report.page import page_of
from routellm_core.statistics.bootstrap import resample_weights
from routellm_core.statistics.curve_bands import ratio_band
from routellm_core.statistics.routed_money import money_by_group, routed_money
from routellm_core.types import Estimate, Interval
from tests.invented_policy import BENCHMARK, made
from tests.test_report import with_money

TOKENS = TokenSource("typed", "typed")
FREE = Deciding(0.0, "typed")


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A policy of invented models, of which no price is known."""
    return made(tmp_path_factory.mktemp("bill"))


def costs(rng, n=400):
    return PairCosts(rng.uniform(0.001, 0.002, n), rng.uniform(0.01, 0.05, n), TOKENS)


def test_money_of_a_division_is_the_mean_of_what_is_called_with_its_saving():
    pair = PairCosts(np.array([1.0, 2.0]), np.array([10.0, 30.0]), TOKENS)
    found = routed_money(np.array([0.0, 1.0]), pair, np.arange(2), router_usd=0.5)
    assert found.usd_per_query.value == pytest.approx((1.0 + 30.0) / 2 + 0.5)
    assert found.usd_per_query_strong.value == 20.0
    assert found.saved_usd.value == pytest.approx(20.0 - 16.0)
    assert found.saving.value == pytest.approx(1 - 16.0 / 20.0)


def test_its_intervals_are_those_of_the_curve_at_that_threshold(rng):
    scores, pair = rng.uniform(size=400), costs(rng)
    cluster = rng.integers(0, 150, 400)
    ranking = rank_queries(scores)
    calls = (scores >= ranking.threshold[120]).astype(float)
    found = routed_money(calls, pair, cluster)
    band = ratio_band(ranking, pair.weak, pair.strong, cluster_code=cluster)
    part = ratio_band(ranking, pair.weak, pair.strong, pair.strong, cluster_code=cluster)
    assert found.usd_per_query.interval == pytest.approx((band.low[120], band.high[120]))
    assert found.saving.interval == pytest.approx((1 - part.high[120], 1 - part.low[120]))


def test_its_intervals_agree_with_the_resamples_of_the_quality(rng):
    scores, pair = rng.uniform(size=400), costs(rng)
    cluster = rng.integers(0, 150, 400)
    calls = (scores >= 0.7).astype(float)
    routed = np.where(calls == 1.0, pair.strong, pair.weak)
    found = routed_money(calls, pair, cluster)
    weight = np.hstack(list(resample_weights(400, cluster, n_resamples=1_000)))
    for estimate, drawn in (
        (found.usd_per_query, routed @ weight / weight.sum(axis=0)),
        (found.saving, 1 - routed @ weight / (pair.strong @ weight)),
    ):
        low, high = np.quantile(drawn, [0.025, 0.975])
        width = estimate.interval.high - estimate.interval.low
        assert high - low == pytest.approx(width, rel=0.1)
        assert low == pytest.approx(estimate.interval.low, abs=0.1 * width)


def test_money_that_rests_on_something_unknown_is_undefined(rng):
    nothing = PairCosts(np.full(5, np.nan), np.ones(5), TOKENS)
    found = routed_money(np.ones(5), nothing, np.arange(5))
    assert math.isnan(found.usd_per_query.value) and math.isnan(found.saving.value)
    unknown = routed_money(np.ones(400), costs(rng), np.arange(400), router_usd=math.nan)
    assert math.isnan(unknown.usd_per_query.value) and math.isnan(unknown.saving.interval.low)


def test_the_slices_add_up_to_the_whole(rng):
    pair, calls = costs(rng), (rng.uniform(size=400) < 0.4).astype(float)
    code = rng.integers(0, 3, 400)
    groups = money_by_group(calls, pair, np.arange(400), code, ("a", "b", "none", "c"))
    whole = routed_money(calls, pair, np.arange(400))
    assert {group.name for group in groups} == {"a", "b", "none"}
    total = sum(g.money.n_queries * g.money.usd_per_query.value for g in groups)
    assert total == pytest.approx(400 * whole.usd_per_query.value)
    sizes = [group.money.n_queries for group in groups]
    assert sizes == sorted(sizes, reverse=True)


def test_break_even_is_what_was_spent_over_what_a_query_saves():
    assert break_even_queries(12.0, 0.004) == pytest.approx(3_000)
    assert break_even_queries(12.0, 0.0) == math.inf
    assert math.isnan(break_even_queries(math.nan, 0.004))
    assert math.isnan(break_even_queries(12.0, math.nan))
    assert days_of(3_000, 30_000) == pytest.approx(365.25 / 120)
    assert math.isnan(days_of(3_000, 0))


def test_the_interval_of_a_break_even_is_that_of_the_saving_turned_round():
    found = break_even(10.0, Estimate(0.01, Interval(0.005, 0.02)))
    assert found == (pytest.approx(1_000), pytest.approx((500, 2_000)))
    open_ended = break_even(10.0, Estimate(0.01, Interval(-0.01, 0.02)))
    assert open_ended.interval == (pytest.approx(500), math.inf)


def test_a_machine_costs_its_hour_over_its_queries_and_a_senseless_one_is_refused():
    assert deciding_at(0.36, 50.0, "typed").usd_per_query == pytest.approx(0.36 / 180_000)
    for machine in ((-1.0, 5.0), (1.0, 0.0), (math.inf, 5.0)):
        with pytest.raises(DataError, match="price from 0"):
            deciding_at(*machine, "typed")


def test_the_bill_of_a_choice_adds_deciding_and_pays_for_labels(here):
    choice, _ = with_money(here)
    found = bill_of(choice, Deciding(0.001, "typed"), 30_000.0, Labelling(7.0, "typed"))
    answers, total = found.answers, found.total
    assert total.usd_per_query.value == pytest.approx(answers.usd_per_query.value + 0.001)
    assert found.break_even.value == pytest.approx(7.0 / total.saved_usd.value)
    shown = document(found)
    assert shown["usd_per_month"] == pytest.approx(30_000 * total.usd_per_query.value)
    assert shown["labelling"] == {"usd": 7.0, "source": "typed"}
    assert sum(s["n_queries"] for s in shown["slices"]) == answers.n_queries
    assert "prices taken as given" in lines(found)[0]


def test_what_is_not_known_of_a_bill_is_a_dash_and_never_nan(here):
    target = Target("share", 0.4)
    unpriced = select_threshold(here.store, BENCHMARK, "mf", target)
    priced, _ = with_money(here)
    for choice, deciding in ((unpriced, FREE), (priced, Deciding(math.nan, "nobody timed it"))):
        found = bill_of(choice, deciding, 30_000.0)
        said = "\n".join(lines(found))
        assert "nan" not in said and "in all –" in said
        assert break_even_words(found).startswith("Break-even: –")
    labelled = bill_of(priced, FREE, 30_000.0)
    assert "labelling so far –" in "\n".join(lines(labelled))
    assert break_even_words(labelled) == "Break-even: –. What the labels cost is not known."


@pytest.mark.parametrize(
    ("deciding", "labels", "said"),
    [
        (1.0, 5.0, "never. A query saves nothing once the router is paid."),
        (0.0, 0.0, "from the first query on, since the labels cost nothing."),
    ],
)
def test_a_break_even_that_never_comes_or_is_there_at_once_is_said(here, deciding, labels, said):
    choice, _ = with_money(here)
    found = bill_of(choice, Deciding(deciding, "typed"), 30_000.0, Labelling(labels, "typed"))
    assert break_even_words(found) == f"Break-even: {said}"


def test_the_report_tells_the_whole_bill_and_the_money_of_each_slice(here):
    choice, policy = with_money(here)
    found = bill_of(choice, Deciding(0.001, "a small machine"), 30_000.0, Labelling(7.0, "typed"))
    html = page_of(choice, policy, figures_of(choice, policy, 30_000.0, found))
    assert "The whole bill" in html and "a small machine" in html
    assert break_even_words(found) in html and "$7.00" in html
    if len(found.slices) > 1:
        assert "answers, USD for 1,000" in html
    assert "The whole bill" not in page_of(choice, policy, figures_of(choice, policy, 30_000.0))


def test_a_set_says_what_its_labels_cost(here):
    card = here.choice.benchmark
    assert math.isnan(bills.labelling_of(card).usd)
    kept = vars(card) | {"labelling_usd": 2.5, "labelling_requests": 40}
    found = bills.labelling_of(type(card)(**kept))
    assert found.usd == 2.5 and found.source.startswith("40 requests of `label`")
    unpriced = bills.labelling_of(type(card)(**(kept | {"labelling_usd": None})))
    assert math.isnan(unpriced.usd) and "not every price" in unpriced.source
