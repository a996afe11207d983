"""The same figure on every page and in every verb at the same threshold, to the last shown digit.

Once on an invented set with measured dollars, once on queries of a shipped benchmark at prices.
"""

import contextlib
import io
import json
import re

import numpy as np
import pandas as pd
import pytest

from routellm_core.__main__ import main
from routellm_core.metrics.costs import pair_costs
from routellm_core.metrics.curve import calls_strong
from routellm_core.metrics.prices import prices_of
from routellm_core.text_keys import text_hash
from routellm_core.types import Benchmark, ModelPair
from routellm_core.wording.numbers import both_ends, fixed, percent, usd_text
from tests.pages import drawn, opened, own_store, said, tables
from views.cache import workspace

MEASURED = "measured"
PAIR = ModelPair(weak="wren-nano", strong="heron-big")
N = 150
SETS = ("mmlu", MEASURED)


def add_measured(store):
    """A set whose dollars were measured, two thirds of them for the weak model; texts repeat."""
    rng = np.random.default_rng(5)
    ids = [f"q{i:03}" for i in range(N)]
    texts = [f"How deep is lake {i % 140}?" for i in range(N)]
    weak = (rng.random(N) < 0.55).astype(float)
    strong = (rng.random(N) < 0.85).astype(float)
    usd = np.concatenate([rng.gamma(4, 0.0004, N), rng.gamma(4, 0.011, N)])
    usd[:N:3] = np.nan
    store.add_benchmark(
        Benchmark(MEASURED, "Lakes", "", "", "user", 0.0, 1.0, "share right", "", ""),
        pd.DataFrame(
            {
                "query_id": ids,
                "slice": np.where(np.arange(N) % 2, "deep", "wide"),
                "cluster_id": [text_hash(text) for text in texts],
                "text_hash": [text_hash(text) for text in texts],
            }
        ),
        pd.DataFrame(
            {
                "query_id": ids * 2,
                "model": [PAIR.weak] * N + [PAIR.strong] * N,
                "quality": np.concatenate([weak, strong]),
                "cost_usd": usd,
            }
        ),
    )
    by_text = rng.random(140)[np.arange(N) % 140]
    score = np.clip(0.5 + 0.2 * (strong - weak) + 0.4 * (by_text - 0.5), 0, 1).astype(np.float32)
    store.add_strong_win_rates(
        MEASURED,
        PAIR,
        "mf-golden",
        "untouched",
        pd.DataFrame({"query_id": ids, "strong_win_rate": score}),
    )


@pytest.fixture(scope="module")
def store_path(small_store, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("agree")
        with own_store(small_store, folder / "explorer.duckdb", patch, add_measured) as path:
            yield path


@pytest.fixture(scope="module", params=SETS)
def told(request, store_path, tmp_path_factory):
    """What each verb and page says of the set, by its name."""
    return Told(request.param, store_path, tmp_path_factory.mktemp("out"))


class Told:
    def __init__(self, benchmark, store, folder):
        self.view = "untouched" if benchmark == MEASURED else "in_domain"
        self.of = ("--benchmark", benchmark, "--share", "0.3")
        self.store, self.folder = ("--store", str(store), "--json"), folder
        self.link = {"benchmark": benchmark, "router": f"mf-golden.{self.view}"}
        self.calibrated = self.said("calibrate", "--router", "mf")
        out = str(folder / "policy.json")
        self.evidence = self.said("policy", "--router", "mf", "--out", out)["policy"]["evidence"]
        self.html = folder / "report.html"
        report = self.said("report", "--router", "mf", "--out", str(self.html))
        self.option = report["options"][0]
        found = self.said("recommend")
        (self.row,) = [row for row in found["routers"] if row["router_id"] == "mf-golden"]

    def said(self, verb, *options):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert main([verb, *self.of, *options, *self.store]) == 0
        return json.loads(out.getvalue())

    def page(self, name):
        at = opened(f"pages/{name}.py", **self.link, mode="share", wanted="0.3")
        assert not at.exception
        return at


def ends(interval):
    """Of an interval, however it is kept in JSON."""
    if isinstance(interval, dict):
        return interval["low"], interval["high"]
    return tuple(interval)


def test_the_verbs_give_the_same_figures_and_intervals(told):
    row, option, evidence, calibrated = told.row, told.option, told.evidence, told.calibrated
    share, quality, pgr = (evidence[name] for name in ("strong_call_share", "quality", "pgr"))
    for name, figure in (("strong_call_share", share), ("quality", quality), ("pgr", pgr)):
        for other in (row, calibrated):
            assert other[name] == pytest.approx(figure["value"], rel=1e-12)
            assert ends(other[f"{name}_interval"]) == pytest.approx(ends(figure), rel=1e-9)
    assert option["quality"]["value"] == pytest.approx(quality["value"], rel=1e-12)
    assert ends(option["quality"]["interval"]) == pytest.approx(ends(quality), rel=1e-12)
    usd = option["usd_per_query"]
    for other in (row, calibrated):
        assert other["answers_usd_per_1000"] == pytest.approx(1000 * usd["value"], rel=1e-12)
        low, high = ends(usd["interval"])
        found = ends(other["answers_usd_per_1000_interval"])
        assert found == pytest.approx((1000 * low, 1000 * high), rel=1e-9)
        assert other["saving"] == pytest.approx(option["saving"]["value"], rel=1e-12)
        wanted = ends(option["saving"]["interval"])
        assert ends(other["saving_interval"]) == pytest.approx(wanted, rel=1e-9)
    assert evidence["usd_per_query"] == pytest.approx(usd["value"], rel=1e-12)


def test_the_tradeoff_page_draws_the_figures_of_the_verbs(told):
    (exact,) = [d["exact"] for d in drawn(told.page("tradeoff")) if "exact" in d]
    found = told.calibrated
    for name, key, scale in (
        ("share", "strong_call_share", 1),
        ("quality", "quality", 1),
        ("pgr", "pgr", 1),
        ("cost", "answers_usd_per_1000", 1),
    ):
        assert exact[name] == pytest.approx(scale * found[key], rel=1e-8)
        prefix = {"quality": ""}.get(name, f"{name}_")
        shown = exact[f"{prefix}low"], exact[f"{prefix}high"]
        assert shown == pytest.approx(ends(found[f"{key}_interval"]), rel=1e-6)
    saved = exact["saving_low"], exact["saving_high"]
    assert saved == pytest.approx(ends(found["saving_interval"]), rel=1e-6)


def test_the_evidence_page_shows_the_money_of_the_verbs(told):
    tile = r"<abbr[^>]*>([^<]*)</abbr><strong>(.*?)</strong><small>(.*?)</small>"
    tiles = {label: rest for label, *rest in re.findall(tile, tables(told.page("evidence")))}
    found = told.calibrated
    value, note = tiles["for 1,000 queries"]
    assert value == usd_text(found["answers_usd_per_1000"])
    assert both_ends(found["answers_usd_per_1000_interval"], usd_text) in note
    ((value, note),) = [
        rest for label, rest in tiles.items() if label.startswith("saved, against always")
    ]
    assert value == percent(found["saving"])
    assert both_ends(found["saving_interval"], percent) in note


def test_the_deploy_page_and_the_report_show_the_same(told):
    found = told.calibrated
    shown = tables(told.page("deploy"))
    html = told.html.read_text(encoding="utf-8")
    for text in (
        percent(found["strong_call_share"]),
        both_ends(found["strong_call_share_interval"], percent),
        percent(found["quality"]),
        both_ends(found["quality_interval"], percent),
        both_ends(found["pgr_interval"], fixed),
    ):
        assert text in shown
    assert f"{usd_text(found['answers_usd_per_1000'])} for 1,000 queries" in html
    for text in (
        percent(found["quality"]),
        both_ends(found["quality_interval"], percent),
        percent(found["saving"]),
        both_ends(found["saving_interval"], percent),
        both_ends(found["answers_usd_per_1000_interval"], usd_text),
    ):
        assert text in html


def test_compare_shows_the_point_of_the_verbs(told):
    found = told.said("compare", "--resamples", "100")
    assert found["quality_strong"] == told.evidence["quality_strong"]["value"]
    assert found["quality_weak"] == told.evidence["quality_weak"]["value"]
    assert found["n_queries"] == told.evidence["n_queries"] == told.row["n_queries"]
    assert found["money"] == told.calibrated["money"]
    benchmark = told.link["benchmark"]
    at = opened("pages/compare.py", look="suited", closely=benchmark, wish_share="0.3")
    (shown,) = drawn(at)
    (row,) = [row for row in shown["rows"] if row["router"] == "mf"]
    for name in ("quality", "strong_call_share"):
        assert row[name] == pytest.approx(told.calibrated[name], rel=1e-8)
        low, high = ends(told.calibrated[f"{name}_interval"])
        assert (row[f"{name}_low"], row[f"{name}_high"]) == pytest.approx((low, high), rel=1e-6)
    assert row["usd_per_1000"] == pytest.approx(told.row["usd_per_1000"], rel=1e-8)
    machine_usd = told.row["router_ms"] / 1000 * found_machine(told) / 3600
    answers = told.calibrated["answers_usd_per_1000"]
    assert row["usd_per_1000"] == pytest.approx(answers + 1000 * machine_usd, rel=1e-8)


def found_machine(told):
    """USD an hour of the router's machine, which the recommendation adds to the answers."""
    return told.said("recommend")["machine_usd_per_hour"]


def test_the_queries_page_wastes_the_money_of_the_curve(told):
    at = told.page("queries")
    store, pair = workspace.store(), ModelPair(**told.calibrated["model_pair"])
    known = store.pair_outcomes(told.link["benchmark"], pair)
    scores = store.strong_win_rates(told.link["benchmark"], pair, "mf-golden", told.view)
    called = calls_strong(scores, told.calibrated["threshold"])
    assert called.mean() == told.calibrated["strong_call_share"]
    costs = pair_costs(known, *prices_of(pair))
    wasted = called & (known.quality_strong <= known.quality_weak)
    extra = float((costs.strong - costs.weak)[wasted].sum())
    assert extra != 0
    assert usd_text(extra) in said(at).replace("*", "")
    assert re.search(rf"\b{int(wasted.sum()):,}\W+calls of", said(at))
