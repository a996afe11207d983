"""Notices of the Trade-off page: seconds, the best of all models, a swapped pair."""

import re

import numpy as np
import pandas as pd
import pytest

from routellm_core.store import Store
from routellm_core.types import Benchmark, ModelPair
from tests.conftest import PAIR
from tests.pages import button, errors, opened, own_store, read_store, said, tables

N = 60
SWAPPED = ModelPair(weak=PAIR.strong, strong=PAIR.weak)


def add_swapped(store, *pairs, origin="user", view="untouched"):
    """A set of which the model called strong is the worse one, scored for some pairs."""
    names = [f"q{i:02d}" for i in range(N)]
    card = Benchmark("rows", "Rows", "", "", origin, 0.0, 1.0, "share right", "", "")
    queries = pd.DataFrame({"query_id": names, "slice": "all", "cluster_id": names})
    right = {PAIR.weak: np.arange(N) % 4 > 0, PAIR.strong: np.arange(N) % 4 == 0}
    outcomes = pd.concat(
        pd.DataFrame({"query_id": names, "model": model, "quality": good.astype(float)})
        for model, good in right.items()
    )
    queries = queries.assign(contaminated=False, prompt_tokens=np.nan, text_hash=None)
    store.add_benchmark(card, queries, outcomes)
    for pair in pairs:
        rates = pd.DataFrame({"query_id": names, "strong_win_rate": np.linspace(0.1, 0.9, N)})
        store.add_strong_win_rates("rows", pair, "mf-golden", view, rates)


def opened_with(small_store, tmp_path, monkeypatch, *pairs, **more):
    def fill(store):
        add_swapped(store, *pairs, **more)

    return own_store(small_store, tmp_path / "explorer.duckdb", monkeypatch, fill)


def test_a_swapped_pair_is_swapped_by_a_button_where_a_router_scored_it_so(
    small_store, tmp_path, monkeypatch
):
    with opened_with(small_store, tmp_path, monkeypatch, PAIR, SWAPPED):
        at = opened("pages/tradeoff.py", benchmark="rows", strong=PAIR.strong, weak=PAIR.weak)
        assert "Swap the two models" in said(at)
        button(at, "Swap strong and weak").click()
        at.run()
        assert errors(at) == []
        assert at.sidebar.selectbox[1].value == PAIR.weak
        assert "Swap the two models" not in said(at)


@pytest.mark.parametrize(
    ("origin", "offered"),
    [("user", ["Score it on My data with the models swapped"]), ("shipped", [])],
)
def test_where_no_router_scored_it_so_that_is_said_before_a_click(
    small_store, tmp_path, monkeypatch, origin, offered
):
    with opened_with(small_store, tmp_path, monkeypatch, PAIR, origin=origin, view="in_domain"):
        at = opened("app.py", benchmark="rows")
        assert errors(at) == []
        assert "No router has been run with small as the strong model" in said(at)
        labels = [b.label for b in at.main.button if "wap" in b.label]
        assert labels == offered
        for label in offered:  # leads to the set, with the models swapped
            button(at, label).click()
            at.run()
            assert errors(at) == []
            models = [box.value for box in at.selectbox if box.label.split()[-1] in "■●"]
            assert models == [PAIR.weak, PAIR.strong]


def test_measured_seconds_stand_as_mean_median_and_slowest_twentieth(built_store, monkeypatch):
    with read_store(built_store, monkeypatch):
        at = opened("pages/tradeoff.py", benchmark="omnisbench", router="mf-golden~in_domain")
        assert errors(at) == []
        shown = tables(at)
        labels = ("mean seconds", "half are faster than", "95% are faster than")
        figures = [re.search(rf">{label}</abbr><strong>([\d.]+) s<", shown)[1] for label in labels]
        mean, p50, p95 = map(float, figures)
        with Store(built_store, read_only=True) as store:
            times = store.pair_latencies("omnisbench", store.scored_pairs("omnisbench")[0])
        assert min(map(np.min, times)) < p50 < mean < p95 < max(map(np.max, times))
        assert "The router takes 0.03" in said(at)
        at = opened("pages/tradeoff.py", benchmark="gsm8k")
        assert "mean seconds" not in tables(at)
        assert "The router takes" not in said(at)


def test_the_best_of_all_models_stands_beside_the_choice(built_store, monkeypatch):
    with read_store(built_store, monkeypatch):
        at = opened("pages/tradeoff.py", benchmark="mt_bench")
        assert errors(at) == []
        assert "Best of all 6 models that costs no more than the routed answers: " in said(at)
        assert "claude-3-5-sonnet-20240620" in said(at)
        assert "Best of all" not in said(opened("pages/tradeoff.py", benchmark="gsm8k"))
