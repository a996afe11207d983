"""The Train page without a browser: choosing, seeing the data, starting, keeping, battles."""

import json
import os
import signal
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st

from routellm_core import jobs
from routellm_core.routers import ROUTERS
from routellm_core.routers.configs import CONFIGS
from routellm_core.store import Store
from routellm_core.text_keys import text_hash
from routellm_core.training import job as training_job
from routellm_core.training.decontamination import Similarity
from routellm_core.training.job import TrainingPlan
from routellm_core.types import Benchmark, ModelPair
from tests.long_work import write_job
from tests.pages import (
    button,
    drawn,
    emptied_to_a_number,
    errors,
    opened,
    own_store,
    read_store,
    said,
    tables,
    toasts,
)
from views.cache import training, workspace

ROOT = Path(__file__).resolve().parent.parent
PAIR = ModelPair(weak="small", strong="large")
TITLE = "Tiny <b>set</b> [x](y)"
TINY = {"golden": "tiny", "score_on": ""}
PLAN = TrainingPlan("mf", *PAIR, golden=("tiny",))
N = 40


def add_tiny(store):
    """Forty queries in two slices; the small model fails at the second."""
    texts = [f"Invented query {i} about {'soup' if i % 2 else 'proofs'}." for i in range(N)]
    queries = pd.DataFrame(
        {
            "query_id": [f"q{i:02d}" for i in range(N)],
            "slice": ["soup" if i % 2 else "proofs" for i in range(N)],
            "text_hash": [text_hash(text) for text in texts],
        }
    )
    outcomes = pd.concat(
        queries[["query_id"]].assign(model=model, quality=quality)
        for model, quality in (
            ("small", [float(i % 2) for i in range(N)]),
            ("large", [float(i % 10 > 0) for i in range(N)]),
        )
    )
    card = Benchmark("tiny", TITLE, "Invented.", "", "user", 0, 1, "share right", "", "")
    with store.atomic():
        store.add_benchmark(card, queries, outcomes)
        store.add_texts(pd.DataFrame({"text_hash": queries["text_hash"], "text": texts}))


@pytest.fixture
def store_path(small_store, tmp_path, monkeypatch):
    """A small store of the test's own with a tiny benchmark and its texts."""
    with own_store(small_store, tmp_path / "explorer.duckdb", monkeypatch, add_tiny) as path:
        yield path


@pytest.fixture
def open_page(store_path):
    return lambda script="pages/train.py", **query: opened(script, **query)


@pytest.fixture
def started(monkeypatch):
    """What was started, in place of processes."""
    found = []
    monkeypatch.setattr(jobs, "start", lambda *given: found.append(given))
    return found


def a_run(store_path, name="mf-tiny-mine", status="done", plan=PLAN, pid=0, **more):
    """A run's folder as a training leaves it."""
    folder = store_path.parent / "runs" / name
    (folder / "checkpoint").mkdir(parents=True)
    (folder / "checkpoint" / "config.json").write_text('{"embedder": "e"}')
    facts = {"recipe": "tiny", "n_queries": N, "n_battles": N, "n_dropped": 3, "stand_ins": {}}
    write_job(folder, plan, status, **{"pid": pid, "facts": facts, **more})
    lines = [
        {
            "time": 100.0 + i,
            "stage": "on everything: training",
            "done": i,
            "total": 9,
            "loss": 1 / i,
        }
        for i in range(1, 5)
    ]
    (folder / "progress.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    scores = pd.DataFrame(
        {
            "weak_model": PAIR.weak,
            "strong_model": PAIR.strong,
            "benchmark_id": "tiny",
            "query_id": [f"q{i:02d}" for i in range(N)],
            "view": "in_domain",
            "strong_win_rate": np.linspace(0, 1, N, dtype=np.float32),
            "fold": np.int16(0),
        }
    )
    scores.to_parquet(folder / "scores.parquet")
    return folder


def test_it_says_how_to_get_texts_that_are_not_here(built_store, monkeypatch):
    with read_store(built_store, monkeypatch):
        at = opened("pages/train.py", golden="mmlu,gsm8k")
    assert errors(at) == []
    assert "make texts" in said(at)
    assert "MMLU (14,042), GSM8K (1,319)" in said(at)
    assert button(at, "Start training").disabled


def test_it_shows_what_goes_in_before_anything_starts(open_page):
    at = open_page(**TINY)
    assert errors(at) == []
    assert [(m.label, m.value) for m in at.metric] == [
        *(("Queries", "40"), ("Battles", "40"), ("Ties", "60.0%"), ("Models", "2")),
    ]
    assert "large ■ strong" in tables(at)
    assert not button(at, "Start training").disabled
    assert "None yet" in said(at)


def test_a_title_that_is_markup_is_text(open_page, store_path):
    a_run(store_path)
    at = open_page(**TINY)
    assert "<b>set</b> [x](y)" in said(at)
    assert not any("[x](y)" in c.value for c in [*at.caption, *at.markdown])
    assert "<b>set" not in tables(at)


def test_start_begins_what_was_chosen_and_a_second_click_does_nothing_more(
    open_page, started, store_path
):
    at = open_page(**TINY, train_router="mf", **{"mf.n_epochs": "3"})
    button(at, "Start training").click().run()
    (folder, plan, path), *others = started
    assert others == []
    assert folder == store_path.parent / "runs" / "mf-tiny-mine"
    assert plan == TrainingPlan("mf", *PAIR, golden=("tiny",), options={"n_epochs": 3})
    assert path == store_path
    a_run(store_path, status="running", plan=plan, pid=os.getpid())
    at.run()
    assert "running" in tables(at)
    button(at, "Start training").click().run()
    assert len(started) == 1


@pytest.mark.parametrize("router", [name for name in ROUTERS if name != "random"])
def test_every_option_of_every_router_has_an_input_with_its_default(open_page, router):
    at = open_page(**TINY, train_router=router)
    assert errors(at) == []
    wanted = {f.name: f.default for f in fields(CONFIGS[router])} if router in CONFIGS else {}
    found = {}
    for widget in [*at.number_input, *at.selectbox, *at.multiselect, *at.text_input, *at.checkbox]:
        if (widget.key or "").startswith(f"_{router}."):
            value = widget.value
            found[widget.key.split(".", 1)[1]] = tuple(value) if isinstance(value, list) else value
            assert "Default: " in widget.help
            assert len(widget.help) > len("Default: ") + 8
    assert found == wanted


def test_an_option_out_of_range_is_a_sentence_and_cannot_be_started(open_page):
    at = open_page(**TINY, train_router="mf", **{"mf.n_epochs": "0"})
    assert any("n\\_epochs is 0" in e for e in errors(at))
    assert button(at, "Start training").disabled


def test_nonsense_in_a_link_falls_back_to_what_is_usual(open_page):
    at = open_page(
        **(TINY | {"score_on": "nope", "train_views": "x"}),
        train_router="random",
        train_strong="<b>",
        **{"mf.n_epochs": "nan", "mf.ties": "?", "mf.learning_rate": "x"},
    )
    assert errors(at) == []
    assert next(s for s in at.selectbox if s.label == "Router").value == "mf"


def test_a_recipe_sets_both_choices_and_another_choice_is_a_mix_of_ones_own(open_page):
    at = open_page(**TINY)
    recipe = at.get("button_group")[0]
    assert recipe.value in ("own mix", ["own mix"])
    recipe.set_value("chat").run()
    assert errors(at) == []
    assert "No battles of oasst, vicuna_bench are on this machine" in said(at)


@pytest.mark.parametrize(
    ("status", "more", "label"),
    [
        ("failed", {"message": "no battle of <i>x</i> is left"}, "Try again"),
        ("cancelled", {}, "Go on"),
        ("running", {"pid": 2**22 + 7}, "Go on"),
    ],
)
def test_a_run_that_ended_early_says_why_and_goes_on(
    open_page, store_path, started, status, more, label
):
    folder = a_run(store_path, status=status, **more)
    at = open_page(**TINY)
    assert [e.replace("\\", "") for e in errors(at)] == [m for m in [more.get("message")] if m]
    (loss,) = at.get("vega_lite_chart")  # only its loss: no figures before it is done
    assert "the latest: training 0.2500" in loss.proto.alt
    assert drawn(at) == []
    button(at, label).click().run()
    assert started == [(folder, PLAN, store_path)]


def test_a_run_at_work_is_watched_and_cancelled(open_page, store_path, monkeypatch):
    killed = []
    a_run(store_path, status="running", pid=os.getpid())
    at = open_page(**TINY)
    assert "on everything: training" in tables(at)
    assert "4 of 9 · 1.0 a second · 5 s left in this stage" in tables(at)
    monkeypatch.setattr(os, "kill", lambda pid, signal: killed.append((pid, signal)))
    button(at, "Cancel").click().run()
    assert (os.getpid(), signal.SIGTERM) in killed


def test_a_finished_run_is_kept_seen_taken_out_and_deleted(open_page, store_path):
    folder = a_run(store_path)
    at = open_page(**TINY)
    table = next(d for d in drawn(at) if d.get("caption") == "Figures of mf-tiny-mine")
    (row,) = table["rows"]
    assert (row["n"], row["view"]) == (N, "in domain")
    assert row["apgr_low"] <= row["apgr"] <= row["apgr_high"]
    assert "40 queries, 40 battles. 3 queries dropped as leaks." in table["sentence"]

    at.text_input(key="name_run_mf-tiny-mine").set_value("my.router").run()
    button(at, "Keep").click().run()
    assert toasts(at) == ["my.router is kept: Trade-off and Compare show it."]
    assert errors(at) == []
    with Store(store_path, read_only=True) as store:
        assert store.router("my.router").checkpoint == str(folder / "checkpoint")
        assert len(store.strong_win_rates("tiny", PAIR, "my.router", "in_domain")) == N

    shown = open_page("app.py", benchmark="tiny", router="my.router.in_domain")
    assert next(d for d in drawn(shown) if "points" in d)["router"] == "mf"

    assert not any(b.label == "Delete it" for b in at.button)
    button(at, "Take it out").click().run()
    assert toasts(at) == ["my.router is taken out."]
    button(at, "Delete it").click().run()
    assert not folder.exists()
    assert "None yet" in said(at)


def test_seen_on_the_tradeoff_page_it_stands_at_a_threshold_of_its_own(
    open_page, store_path, monkeypatch
):
    a_run(store_path)
    at = open_page(**TINY, mode="alpha", wanted="0.9", query="q1", slice="all", wish_quality="0.7")
    button(at, "Keep").click().run()
    switched = []
    monkeypatch.setattr(st, "switch_page", switched.append)
    button(at, "See it on the Trade-off page").click().run()
    assert switched == [str(ROOT / "pages" / "tradeoff.py")]
    for name in ("mode", "wanted", "query", "slice", "wish_quality"):
        assert name not in at.query_params
    assert at.query_params["router"] in ("mf-tiny-mine.in_domain", ["mf-tiny-mine.in_domain"])


def test_a_router_that_read_a_private_set_is_not_kept_for_everybody(
    open_page, store_path, monkeypatch
):
    monkeypatch.setattr(workspace, "owner", lambda: "ada")
    with workspace.store().open_for_writing():
        workspace.store()._write("UPDATE benchmark SET owner = 'ada' WHERE benchmark_id = 'tiny'")
    a_run(store_path)
    at = open_page(**TINY)
    assert button(at, "Keep").disabled
    assert "is private to you: save the set on My data first" in said(at)


def test_an_emptied_option_is_the_usual_one(open_page):
    at = open_page(**TINY, train_router="bert")
    assert emptied_to_a_number(at) == []
    key = next(n.key for n in at.number_input if "epochs" in n.key)
    usual = at.number_input(key=key).value
    at.number_input(key=key).set_value(usual + 3).run()
    at.number_input(key=key).set_value(None).run()
    assert at.number_input(key=key).value == usual


@pytest.mark.parametrize("name", ["", "a,b", "mf-golden", "[x](y)"])
def test_a_name_that_cannot_be_taken_is_a_sentence(open_page, store_path, name):
    a_run(store_path)
    at = open_page(**TINY)
    at.text_input(key="name_run_mf-tiny-mine").set_value(name).run()
    button(at, "Keep").click().run()
    assert errors(at) == []
    (text,) = toasts(at)
    assert "is no name for a router" in text or "there is a router 'mf-golden' already" in text


def test_a_store_in_use_elsewhere_is_a_sentence_and_the_page_goes_on(open_page, store_path):
    import subprocess
    import sys

    a_run(store_path)
    at = open_page(**TINY)
    code = (
        "import sys; from pathlib import Path; from routellm_core.store import Store\n"
        f"s = Store(Path({str(store_path)!r}), read_only=True); print('open', flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "open\n"
        button(at, "Keep").click().run()
        assert f"in use by process {other.pid}" in toasts(at)[0]
        assert errors(at) == []
        other.stdin.close()
    button(at, "Keep").click().run()
    assert "is kept" in toasts(at)[0]


def battles_csv(n=30, unjudged=0, source="mine, <b>and</b>"):
    large_is = ["model_b", "model_a"]
    rows = [
        {
            "query": f"Invented battle {i}?",
            "model_a": "large" if i % 2 else "small",
            "model_b": "small" if i % 2 else "large",
            "winner": ""
            if i < unjudged
            else ["tie", large_is[i % 2], large_is[(i + (i > 20)) % 2]][i % 3],
            "judge": "people",
            "source": source,
        }
        for i in range(n)
    ]
    return pd.DataFrame(rows).to_csv(index=False).encode()


def test_battles_are_read_looked_at_added_chosen_and_deleted(open_page, store_path):
    at = open_page(golden="", score_on="tiny")
    assert "No battles yet" in said(at)
    at.get("file_uploader")[0].upload("../x y.csv", battles_csv()).run()
    assert errors(at) == []
    assert "holds 30 battles on 30 queries between 2 models, 33.3% of them ties" in said(at)
    assert "Only 30 battles" in said(at)
    button(at, "Add them").click().run()
    assert errors(at) == []
    assert "30 battles added" in toasts(at)[0]
    assert "mine, &lt;b&gt;and&lt;/b&gt;" in tables(at)

    at = open_page(golden="", battles="mine%2C%20%3Cb%3Eand%3C%2Fb%3E", score_on="tiny")
    assert errors(at) == []
    assert ("Battles", "30") in [(m.label, m.value) for m in at.metric]
    assert "30 battles, judged by people" in said(at)
    assert f"Checked for leaks: training queries that stand in {TITLE}" in said(at)
    assert not button(at, "Start training").disabled
    button(at, "Delete them").click().run()
    assert errors(at) == []
    assert "No battles yet" in said(at)
    with Store(store_path, read_only=True) as store:
        assert store.battle_sources().empty


def test_rows_without_a_verdict_are_refused_or_left_out(open_page):
    at = open_page(**TINY)
    at.get("file_uploader")[0].upload("x.csv", battles_csv(unjudged=4)).run()
    assert len(errors(at)) == 1
    assert "winner" in errors(at)[0]
    assert not any(b.label == "Add them" for b in at.button)
    at.checkbox(key="_drop_unjudged").check().run()
    assert errors(at) == []
    assert "holds 26 battles" in said(at)


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"a,b\n1,2\n", b"[1, 2]", b"{"])
def test_a_file_that_holds_no_battles_is_a_sentence(open_page, content):
    at = open_page(**TINY)
    at.get("file_uploader")[0].upload("x.json", content).run()
    assert not at.exception
    assert len(at.error) == 1


def test_routers_of_one_name_are_told_apart_on_the_other_pages(open_page, store_path):
    for name in ("one", "two"):
        a_run(store_path, name=name)
        with Store(store_path) as store:
            training_job.keep(training_job.read_run(store_path.parent / "runs" / name), store, name)
    options = open_page("app.py", benchmark="tiny").sidebar.radio[0].options
    labels = [option.replace("\\", "").split(" · ")[0] for option in options]
    assert sorted(labels) == ["mf (one)", "mf (two)"]


def test_similarities_stand_beside_the_papers(open_page, monkeypatch):

    found = [Similarity("golden", "mmlu", 0.9876, 10, 20, "all-MiniLM-L6-v2")]
    monkeypatch.setattr(training, "similarities", lambda _: found)
    at = open_page(**TINY)
    assert "golden, ours" in tables(at)
    assert "0.988" in tables(at)
    assert "0.482" in tables(at)  # Arena and MMLU
    assert "mean over a benchmark's queries" in said(at)
