"""The page to hand on: figures of the policy, nothing that is loaded or run, names as text."""

import base64
import dataclasses
import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from scipy.stats import beta

from routellm_core.__main__ import main
from routellm_core.metrics.costs import Price
from routellm_core.metrics.curve import calls_strong
from routellm_core.metrics.thresholds import Target
from routellm_core.policy.build import policy_of
from routellm_core.policy.choice import select_threshold
from routellm_core.policy.document import parse_policy
from routellm_core.report import page, words
from routellm_core.report.figures import figures_of
from routellm_core.report.page import report_page
from routellm_core.report.picture import _ticks
from routellm_core.statistics.routed_point import saving_over_mix
from routellm_core.types import Estimate, Interval, ModelPair
from tests.invented_policy import BENCHMARK, MOMENT, made

PRICES = Price(1.0, 2.0, "typed"), Price(10.0, 20.0, "typed")
SHOWN = ("--benchmark", "mmlu", "--router", "mf", "--share", "0.3")
HOSTILE = "<script src=//x>alert(1)</script>\"'&"


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A policy of invented models, of which no price is known."""
    return made(tmp_path_factory.mktemp("report"))


def with_money(here, target=None):
    """The same at typed prices: choice and policy."""
    target = target or Target("share", 0.4)
    choice = select_threshold(here.store, BENCHMARK, "mf", target, prices=PRICES)
    return choice, policy_of(choice, here.checkpoint, created_at=MOMENT, n_resamples=100)


class Read(HTMLParser):
    """Tags, attributes and texts of a page, as a browser takes them."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.texts, self.open = [], [], [], []
        self.feed(html)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_data(self, data):
        self.texts.append(data)


def test_its_figures_are_those_of_the_policy(small_store, tmp_path, capsys):
    out, beside = tmp_path / "a" / "report.html", tmp_path / "policy.json"
    store = ("--store", str(small_store), "--json")
    assert main(["report", *SHOWN, "--out", str(out), *store]) == 0
    found = json.loads(capsys.readouterr().out)
    assert main(["policy", *SHOWN, "--out", str(beside), *store]) == 0
    policy = json.loads(capsys.readouterr().out)["policy"]
    own, evidence = found["options"][0], policy["evidence"]
    assert found["policy"]["evidence"] == evidence
    assert own["strong_call_share"] == evidence["strong_call_share"]["value"]
    assert own["usd_per_query"]["value"] == evidence["usd_per_query"]
    *_, strong, weak = found["options"]
    for option, name in ((own, "quality"), (strong, "quality_strong"), (weak, "quality_weak")):
        assert option["quality"]["value"] == pytest.approx(evidence[name]["value"], rel=1e-12)
        ends = option["quality"]["interval"]
        assert (ends["low"], ends["high"]) == (evidence[name]["low"], evidence[name]["high"])
    shown = Read(out.read_text(encoding="utf-8")).text
    assert f"{100 * evidence['quality']['value']:.1f}%" in shown
    assert f"${100_000 * evidence['usd_per_query']:,.2f}" in shown
    assert f"${1_000 * evidence['usd_per_query']:,.2f} for 1,000 queries" in shown
    saved = 1 - evidence["usd_per_query"] / evidence["usd_per_query_strong"]
    assert own["saving"]["value"] == pytest.approx(saved)
    assert f"{100 * saved:.1f}%" in found["decision"]
    assert found["decision"] in shown
    assert f"n = {evidence['n_queries']:,} queries" in shown
    assert "assumed tokens, 264 an answer as in the paper, times a price" in shown


def test_nothing_is_loaded_or_run(here):
    read = Read(report_page(*with_money(here)))
    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & set(read.tags)
    links = [value[:29] for _, name, value in read.attributes if name in ("href", "src")]
    assert links == ["data:application/json;base64,"]
    assert not [name for _, name, _ in read.attributes if name.startswith("on")]
    assert "http" not in report_page(*with_money(here))
    assert "url(" not in report_page(*with_money(here))


def test_hostile_names_are_text(here):
    choice, policy = with_money(here)
    names = ModelPair(f"weak{HOSTILE}", f"strong{HOSTILE}")
    outcomes = dataclasses.replace(
        choice.outcomes,
        model_pair=names,
        slices=tuple(f"{name}{HOSTILE}" for name in choice.outcomes.slices),
    )
    source = choice.costs.weak_source._replace(price=Price(1.0, 2.0, HOSTILE))
    choice = dataclasses.replace(
        choice, outcomes=outcomes, costs=dataclasses.replace(choice.costs, weak_source=source)
    )
    pair = policy.model_pair
    policy = policy.model_copy(
        update={
            "model_pair": pair.model_copy(
                update={
                    "weak": pair.weak.model_copy(update={"name": names.weak}),
                    "strong": pair.strong.model_copy(update={"name": names.strong}),
                }
            ),
            "router": policy.router.model_copy(update={"router_id": HOSTILE}),
            "evidence": policy.evidence.model_copy(update={"title": HOSTILE}),
        }
    )
    html = report_page(choice, policy)
    read = Read(html)
    assert "<script" not in html
    assert "script" not in read.tags
    assert {name for _, name, _ in read.attributes} == {
        name for _, name, _ in Read(report_page(*with_money(here))).attributes
    }
    assert read.text.count("<script src=//x>") > 10


def test_unknown_money_is_a_dash_and_said_to_be_unknown(here):
    figures = figures_of(here.choice, here.policy, 100_000.0)
    assert math.isnan(figures.policy.usd_per_query.value)
    assert math.isnan(figures.saving_over_mix.value)
    shown = Read(report_page(here.choice, here.policy)).text
    assert "Money a month, 100,000 queries – 95% –" in shown
    assert "Saved, against always large – 95% –" in shown
    assert "what it costs is not known" in shown
    assert "of small and large neither dollars nor a price are known" in shown
    assert "$" not in shown
    assert "nan" not in shown.lower()


def test_money_is_for_the_months_queries(here):
    choice, policy = with_money(here)
    shown = Read(report_page(choice, policy, 2_000_000.0)).text
    assert "Money a month, 2,000,000 queries" in shown
    assert f"${2e6 * policy.evidence.usd_per_query:,.2f}" in shown


def test_the_page_holds_the_policy_as_a_file(here):
    html = report_page(here.choice, here.policy)
    (inside,) = re.findall(r"base64,([A-Za-z0-9+/=]+)", html)
    inside = parse_policy(base64.b64decode(inside), "inside")
    assert inside.as_bytes() == here.policy.as_bytes()
    assert here.policy.policy_id in html
    assert here.policy.content_sha256 in html


def test_alternatives_are_points_of_the_curve_compared_on_the_same_queries(here):
    choice, policy = with_money(here)
    figures = figures_of(choice, policy, 1.0)
    own, *others = figures.options
    outcomes, curve = choice.outcomes, choice.curve
    assert own.gain.value == 0.0
    for option in others:
        (i,) = np.flatnonzero(curve.strong_call_share == option.strong_call_share)
        assert option.quality.value == curve.quality[i]
        assert option.usd_per_query.value == choice.cost[i]
        assert option.gain.value == pytest.approx(option.quality.value - own.quality.value)
    named = {option.name: option for option in others}
    share = own.strong_call_share
    assert named["Half of the strong calls"].strong_call_share <= share / 2
    assert share < named["Half of the weak calls"].strong_call_share <= (1 + share) / 2
    baseline = named["No router: always large ■"].saving
    assert (baseline.value, *baseline.interval) == pytest.approx((0.0, 0.0, 0.0), abs=1e-6)
    assert named["No router: always small ●"].quality.value == outcomes.quality_weak.mean()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_one_model_alone_is_named_once(here, share):
    choice, policy = with_money(here, Target("share", share))
    figures = figures_of(choice, policy, 1.0)
    assert figures.policy.strong_call_share == share
    shares = [option.strong_call_share for option in figures.options]
    assert len(set(shares)) == len(shares)
    assert {0.0, 1.0} <= set(shares)
    decision = words.decision(policy, figures)
    assert decision.startswith(f"Send every query to {'large' if share else 'small'}: quality is")
    assert report_page(choice, policy)


def test_better_is_said_only_where_the_interval_shows_it(here):
    own = figures_of(*with_money(here), 1.0).policy
    half = own._replace(name="Half of the weak calls", usd_per_query=own.usd_per_query)

    def said(low, usd):
        option = half._replace(
            gain=Estimate(0.1, Interval(low, 0.2)), usd_per_query=Estimate(usd, Interval(usd, usd))
        )
        return words.option_words(option, own)

    assert said(0.01, 9.0) == "Better: half of the weak calls"
    assert said(-0.01, 9.0) == "Half of the weak calls"
    assert said(-0.01, 0.0) == "Cheaper: half of the weak calls"
    assert said(-0.01, math.nan) == "Half of the weak calls"


def test_the_saving_over_a_mix_has_the_interval_of_the_bootstrap(here, rng):
    choice, _ = with_money(here)
    n = 2_000
    weak = rng.integers(0, 2, n).astype(float)
    strong = np.maximum(weak, rng.integers(0, 2, n))
    scores = np.round(0.5 * (strong - weak) + rng.random(n), 6)
    costs = dataclasses.replace(choice.costs, weak=rng.random(n), strong=5 + 5 * rng.random(n))
    called = calls_strong(scores, 0.9)

    def saving(w):
        usd = w @ np.where(called, costs.strong, costs.weak)
        gap = w @ (strong - weak)
        share = w @ (np.where(called, strong, weak) - weak) / gap
        return 1 - usd / (w @ costs.weak + share * (w @ (costs.strong - costs.weak)))

    outcomes = dataclasses.replace(
        choice.outcomes, quality_weak=weak, quality_strong=strong, cluster_code=np.arange(n)
    )
    _, found = saving_over_mix(calls_strong(scores, 0.9), outcomes, costs)
    assert found.value == pytest.approx(saving(np.ones(n)))
    drawn = [saving(rng.poisson(1.0, n).astype(float)) for _ in range(2_000)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert found.interval.low == pytest.approx(low, abs=0.1 * (high - low))
    assert found.interval.high == pytest.approx(high, abs=0.1 * (high - low))


def test_a_slice_of_right_and_wrong_has_an_exact_interval(here):
    figures = figures_of(here.choice, here.policy, 1.0)
    assert sum(found.n_queries for found in figures.slices) == here.choice.outcomes.n_queries
    found = figures.slices[0]
    n, right = found.n_queries, round(found.quality.value * found.n_queries)
    low = 0.0 if right == 0 else beta.ppf(0.025, right, n - right + 1)
    high = 1.0 if right == n else beta.ppf(0.975, right + 1, n - right)
    assert found.quality.interval == pytest.approx((low, high))


def test_what_is_not_known_is_listed(here):
    choice, policy = with_money(here, Target("pgr", 0.5))
    found = " ".join(words.not_known(policy, choice))
    for said in (
        "Your own traffic: all figures are of kettles.",
        "There is no guarantee",
        "The threshold was chosen on these same queries",
        "n is only 60",
        "The length of the answers of small and large: nobody counted their tokens",
        "The router's own machine: it is not in the money",
    ):
        assert said in found
    assert "Contaminated" not in found
    left_out = policy.evidence.model_copy(update={"n_contaminated": 7, "n_queries": 5_000})
    other = policy.model_copy(update={"evidence": left_out})
    found = " ".join(words.not_known(other, choice))
    assert "Contaminated queries: 7 of the benchmark" in found
    assert "n is only" not in found


def test_short_names_with_a_hyphen_stay_in_one_line():
    assert page._text("always gpt-4-1106 ■") == "always <span class=word>gpt-4-1106</span> ■"
    assert page._text("a - b") == "a - b"
    assert page._text("held-out") == "held-out"
    assert page._text("<a-1>") == "<span class=word>&lt;a-1&gt;</span>"
    assert "span" not in page._text("long-1" * 10)


def test_ticks_are_round_and_hold_all():
    assert _ticks(68.1, 80.9) == [65.0, 70.0, 75.0, 80.0, 85.0]
    assert _ticks(3.0, 3.0)[0] <= 2.5
    assert all(4 <= len(_ticks(0.0, high)) <= 8 for high in (0.013, 0.9, 1.0, 7.3, 10.0, 99.0))


def test_a_page_that_cannot_be_written_is_said_to_be(small_store, tmp_path, capsys):
    out = tmp_path / "folder"
    out.mkdir()
    assert main(["report", *SHOWN, "--out", str(out), "--store", str(small_store)]) == 2
    assert f"{out} cannot be written" in capsys.readouterr().err
