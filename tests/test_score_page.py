"""The Score page without a browser: one query side by side, pasted lines as a set, the machine."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from routellm_core import jobs
from routellm_core.embedders.sentence import SentenceEmbedder
from routellm_core.evaluation.comparison.paper import PAIR as PAPER_PAIR
from routellm_core.jobs.progress import silent
from routellm_core.metrics import thresholds
from routellm_core.metrics.curve import routing_curve
from routellm_core.routers import load_router
from routellm_core.scoring.job import ScoringPlan
from routellm_core.store import Store
from tests.conftest import ROOT
from tests.pages import opened, own_store, said, tables
from views.cache import models, workspace
from views.components import job_progress
from views.score import one
from views.score import sets as score_sets
from views.selection.scorings import labels_of, scorings_by
from views.text.format import threshold_text

QUERY = "Prove that <b>tides</b> and [kettles](x) never meet."


def alpha_of(router_id, share):
    """From the scores themselves, on MMLU."""
    store = workspace.store()
    outcomes = store.pair_outcomes("mmlu", PAPER_PAIR)
    scores = store.strong_win_rates("mmlu", PAPER_PAIR, router_id, "in_domain")
    curve = routing_curve(scores, outcomes.quality_weak, outcomes.quality_strong)
    return thresholds.between_scores(curve, thresholds.for_share(curve, share).threshold)


@pytest.fixture
def store_path(small_store, tmp_path, monkeypatch):
    with own_store(small_store, tmp_path / "explorer.duckdb", monkeypatch) as path:
        yield path


@pytest.fixture
def open_score(store_path, monkeypatch):
    """With rates that are given, so that no model is loaded."""
    rates = {"routers/mf-golden": 0.9, "routers/sw_ranking-golden": 0.1, "routers/bert-golden": 0.5}
    monkeypatch.setattr(models, "win_rate", lambda version, folder, query: rates[folder])
    return lambda **query: opened("pages/score.py", **query)


def typed(at, text):
    return at.text_area(key="_typed_query").set_value(text).run()


def test_a_query_is_scored_by_each_router_with_an_alpha_of_its_own(open_score):
    at = typed(open_score(), QUERY)
    assert not at.exception
    body = tables(at)
    for name, goes_to in (("mf-golden", "gpt-4-1106 ■"), ("sw_ranking-golden", "Mixtral-8x7B ●")):
        assert f"{name}</th>" in body
        assert goes_to in body
        assert threshold_text(alpha_of(name, 0.3)) in body
    assert "0.9000" in body
    assert "0.1000" in body


def test_the_caption_says_on_which_benchmark_and_view_each_alpha_is_read(open_score):
    at = typed(open_score(), QUERY)
    words = said(at)
    assert "each has its own α, read on MMLU, in domain." in words
    assert "prompt tokens (counted with cl100k_base)" in words


def test_a_router_of_any_name_is_explained_by_its_kind(open_score, store_path, monkeypatch):
    with workspace.store().open_for_writing():
        entry = workspace.store().router("mf-golden")
        workspace.store().add_router(replace(entry, router_id="support_router", origin="user"))
    explained = []
    monkeypatch.setattr(models, "explanation", lambda *asked: explained.append(asked) or 1 / 0)
    at = typed(open_score(score_routers="support_router"), QUERY)
    (why,) = at.get("button_group")[-1:]
    assert [option.content for option in why.proto.options] == ["support\\_router"]


def test_two_scorings_by_one_router_have_names_of_their_own():
    table = pd.DataFrame(
        [
            ("mf-x", "small", "large", "untouched"),
            ("mf-x", "tiny", "large", "untouched"),
            ("bert-x", "small", "large", "untouched"),
        ],
        columns=["router_id", "weak_model", "strong_model", "view"],
    )
    assert labels_of(table) == [
        "mf-x · large ■ over small ● · untouched",
        "mf-x · large ■ over tiny ● · untouched",
        "bert-x",
    ]


def test_two_origins_of_alpha_are_named_with_their_routers():
    def scored(name, on):
        return one.RouterScore(name, "mf", "", PAPER_PAIR, 0.5, 0.5, on, "")

    found = [scored("a", "X, in domain"), scored("b", "Y, untouched"), scored("c", "X, in domain")]
    assert one._origins(found) == "; of a, c read on X, in domain; of b read on Y, untouched"
    assert one._origins([scored("a", "")]) == ""


def test_the_views_of_a_router_start_with_the_wanted_one(store_path):
    version = workspace.version()
    for view in ("in_domain", "unseen_slices"):
        keys = scorings_by(version, "mmlu", "mf-golden", view)
        assert keys[0].view == view
        assert {key.view for key in keys} == {"in_domain", "unseen_slices"}


def test_a_running_job_of_the_shown_set_is_drawn_once(open_score, monkeypatch):
    at = open_score()
    at.text_area(key="_typed_lines").set_value("What is a tide?").run()
    next(b for b in at.button if b.label == "Make a set of 1 queries").click().run()
    folder = workspace.current().scorings("pasted") / "1"
    plan = ScoringPlan("pasted", ("mf-golden",), PAPER_PAIR.weak, PAPER_PAIR.strong)
    told = []
    with jobs.at_work(folder, plan, silent):
        monkeypatch.setattr(
            job_progress, "watch", lambda folders, draw: told.extend(map(str, folders))
        )
        for link in ({}, {"set": "pasted"}):  # without a name the first set is shown
            told.clear()
            assert not open_score(**link).exception
            assert told == [str(folder)]


def test_scorings_of_everybody_are_counted(store_path):
    """Others' sets are not named, but they take turns with one's own."""
    plan = ScoringPlan("mine", ("mf-golden",), PAPER_PAIR.weak, PAPER_PAIR.strong)
    assert score_sets.scorings_at_work() == 0
    with jobs.at_work(workspace.current().scorings("mine") / "1", plan, silent):
        assert score_sets.scorings_at_work() == 1
        with jobs.at_work(workspace.current().scorings("theirs") / "1", plan, silent):
            assert score_sets.scorings_at_work() == 2
    assert score_sets.scorings_at_work() == 0


def test_alpha_follows_the_share(open_score):
    at = typed(open_score(), QUERY)
    for percent in (0.0, 50.0, 100.0):
        at.slider(key="_typed_share").set_value(percent).run()
        body = tables(at)
        assert threshold_text(alpha_of("mf-golden", percent / 100)) in body
        strong = {0.0: 0, 100.0: 3}.get(percent)
        assert strong is None or body.count("gpt-4-1106 ■</td>") == strong


def test_what_cannot_score_says_so_in_its_row(open_score, monkeypatch):
    from routellm_core.errors import MissingPackageError

    def missing(version, folder, query):
        raise MissingPackageError("the weights are missing: pip install <them>")

    monkeypatch.setattr(models, "win_rate", missing)
    at = typed(open_score(), QUERY)
    assert not at.exception
    assert "pip install &lt;them&gt;" in tables(at)


def test_routers_that_read_alike_read_a_query_once_and_a_moved_share_reads_nothing(
    store_path, monkeypatch
):
    asked = []

    def embed(self, queries):
        asked.append(list(queries))
        return np.ones((len(queries), 384), dtype=np.float32)

    monkeypatch.setattr(SentenceEmbedder, "embed", embed)
    at = typed(opened("pages/score.py", score_routers="mf-golden,sw_ranking-golden"), QUERY)
    assert not at.exception
    assert asked == [[QUERY]]
    at.slider(key="_typed_share").set_value(60.0).run()
    assert asked == [[QUERY]]
    expected = [
        load_router(ROOT / "data/routers" / name).strong_win_rate([QUERY])[0]
        for name in ("mf-golden", "sw_ranking-golden")
    ]
    for rate in expected:
        assert f"{rate:.4f}" in tables(at)


def test_two_tabs_that_ask_for_the_same_scoring_get_one(open_score, monkeypatch):
    at = open_score()
    at.text_area(key="_typed_lines").set_value("What is a tide?").run()
    next(b for b in at.button if b.label == "Make a set of 1 queries").click().run()
    begun = []
    monkeypatch.setattr(jobs, "start", lambda folder, plan, _: begun.append((folder, plan)))
    version = workspace.version()
    score_sets._start(version, "pasted", ("mf-golden",), None)
    ((folder, plan),) = begun
    with jobs.at_work(folder, plan):
        score_sets._start(version, "pasted", ("mf-golden",), None)
        assert len(begun) == 1
        score_sets._start(version, "pasted", ("bert-golden",), None)
        assert len(begun) == 2


def test_a_second_pasted_set_is_told_from_the_first_by_its_title(open_score):
    at = open_score()
    for text in ("What is a tide?", "What is\u2028a moth?"):
        at.text_area(key="_typed_lines").set_value(text).run()
        next(b for b in at.button if b.label == "Make a set of 1 queries").click().run()
    assert at.selectbox(key="_set").options == ["pasted", "pasted 2"]
    assert at.selectbox(key="_set").value == "pasted-2"


def test_an_empty_box_and_no_router_are_said(open_score):
    at = open_score()
    assert any("Type a query" in caption.value for caption in at.caption)
    at = typed(open_score(score_routers=""), QUERY)
    assert any("Choose a router" in caption.value for caption in at.caption)


def test_pasted_lines_become_a_private_set(open_score, store_path):
    at = open_score()
    at.text_area(key="_typed_lines").set_value("What is a tide?\n\nProve it.\n").run()
    next(b for b in at.button if b.label == "Make a set of 2 queries").click().run()
    assert not at.exception
    sets = workspace.store().benchmarks()["benchmark_id"].tolist()
    assert "pasted" not in sets  # nobody else sees it
    assert sorted(workspace.store().query_texts("pasted").values()) == [
        "Prove it.",
        "What is a tide?",
    ]
    assert at.selectbox(key="_set").value == "pasted"


def test_costs_are_of_a_thousand_such_queries():
    assert one._cost("gpt-4-1106-preview", 100) == f"{(100 * 10 + 264 * 30) / 1e3:,.2f}"
    assert one._cost("nobody's model", 100) == "–"
    assert threshold_text(math.inf) == "above 1"


def test_the_machine_is_told_when_asked(open_score):
    at = open_score()
    at.toggle(key="_machine").set_value(True).run()
    assert any("ROUTELLM\\_DEVICE" in caption.value for caption in at.caption)


def test_the_store_is_not_written_by_looking(open_score, store_path):
    version = workspace.version()
    typed(open_score(), QUERY)
    assert workspace.version() == version
    assert isinstance(workspace.store(), Store)
