"""Seconds of the routed mix in every verb and on the report's page; unknown is a dash."""

import json
import math

import numpy as np
import pytest

from routellm_core.__main__ import main
from routellm_core.evaluation.overhead.routed_seconds import (
    routed_seconds,
    seconds_document,
    seconds_lines,
)
from routellm_core.evaluation.overhead.router_times import ONE_CORE_SECONDS, OwnTime
from routellm_core.store import Store
from routellm_core.types import ModelPair, PairLatencies
from routellm_core.wording.numbers import seconds_text
from tests import oracles

PAIR = ModelPair(weak="wren", strong="heron")
SCORES = np.array([0.9, 0.1, 0.5, 0.7])
TIMES = PairLatencies(np.array([1.0, 2.0, 3.0, math.nan]), np.array([10.0, 20.0, 30.0, 40.0]))
CHOICE = ("--benchmark", "omnisbench", "--router", "mf", "--share", "0.3")


def test_routed_seconds_stand_beside_those_of_each_model_alone():
    found = seconds_document(routed_seconds(PAIR, TIMES, SCORES, 0.5, OwnTime(0.5, "typed")))
    assert (found["mean_s"], found["p50_s"], found["p95_s"]) == (14.5, 10.5, 30.5)
    assert (found["n_queries"], found["n_missing"]) == (3, 1)
    assert (found["router_s"], found["router_s_source"]) == (0.5, "typed")
    alone = [
        (found[side]["mean_s"], found[side]["p50_s"], found[side]["p95_s"])
        for side in ("always_strong", "always_weak")
    ]
    assert alone == [(20.0, 20.0, 30.0), (2.0, 2.0, 3.0)]


def test_unknown_time_of_the_router_leaves_a_dash_for_the_mix_and_not_for_the_models():
    found = routed_seconds(PAIR, TIMES, SCORES, 0.5, OwnTime(math.nan, "nobody: type it"))
    routed, strong, weak = seconds_lines(found)
    assert "mean – " in routed
    assert "p95 – " in routed
    assert "– of it the router (nobody: type it)" in routed
    assert strong.startswith("  always heron: mean 20.0 s (95% ")
    assert weak.startswith("  always wren: mean 2.00 s (95% ")


@pytest.mark.parametrize("known", [None, PairLatencies(*np.full((2, 4), math.nan))])
def test_where_nobody_measured_seconds_there_are_none(known):
    assert routed_seconds(PAIR, known, SCORES, 0.5, OwnTime(0.0, "typed")) is None


@pytest.mark.parametrize(("typed", "own"), [((), ONE_CORE_SECONDS["mf"]), (("0.25",), 0.25)])
def test_calibrate_policy_and_report_say_the_same_seconds(
    built_store, tmp_path, capsys, typed, own
):
    more = ("--json", "--store", str(built_store), *(("--router-seconds", *typed) if typed else ()))
    documents = []
    for verb, *out in (("calibrate",), ("policy", "p.json"), ("report", "r.html")):
        written = [arg for name in out for arg in ("--out", str(tmp_path / name))]
        assert main([verb, *CHOICE, *more, *written]) == 0
        documents.append(json.loads(capsys.readouterr().out))
    of_calibrate, *others = (document["seconds"] for document in documents)
    assert all(of == of_calibrate for of in others)
    with Store(built_store, read_only=True) as store:
        pair = store.scored_pairs("omnisbench")[0]
        times = store.pair_latencies("omnisbench", pair)
        row = store.router_named("omnisbench", pair, "mf")
        scores = store.strong_win_rates("omnisbench", pair, row.router_id, row.view)
    mean, p50, p95, n = oracles.routed_seconds(scores, *times, documents[0]["threshold"], own)
    assert of_calibrate["mean_s"] == pytest.approx(mean)
    assert (of_calibrate["p50_s"], of_calibrate["p95_s"]) == pytest.approx((p50, p95))
    assert (of_calibrate["n_queries"], of_calibrate["router_s"]) == (n, own)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "How long answers take" in page
    for seconds in (mean, p50, p95):
        assert seconds_text(seconds) in page


def test_a_set_without_seconds_says_none(built_store, capsys, tmp_path):
    of_mmlu = ("--benchmark", "mmlu", "--router", "mf", "--share", "0.3")
    store = ("--store", str(built_store))
    assert main(["calibrate", *of_mmlu, *store, "--json"]) == 0
    assert "seconds" not in json.loads(capsys.readouterr().out)
    out = tmp_path / "r.html"
    assert main(["report", *of_mmlu, *store, "--out", str(out)]) == 0
    assert "How long answers take" not in out.read_text(encoding="utf-8")


def test_negative_seconds_of_the_router_are_refused(built_store, capsys):
    store = ("--store", str(built_store))
    assert main(["calibrate", *CHOICE, *store, "--router-seconds", "-1"]) != 0
    assert "--router-seconds -1: give a number of seconds from 0 up" in capsys.readouterr().err
