"""Honest scores: what scores a query never learned from it, from an equal text or from a leak."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from routellm_core.errors import DataError
from routellm_core.routers.configs import MatrixFactorizationConfig, StackedConfig
from routellm_core.routers.stacked import StackedRouter
from routellm_core.text_keys import group_key, text_hash
from routellm_core.training import cross_fitting as training_module
from routellm_core.training.cross_fitting import Trained, folds_of, groups_of_slices, train
from routellm_core.training.recipes import Recipe, benchmark_part, training_set
from routellm_core.types import ModelPair
from tests.conftest import PAIR
from tests.invented import SLICES, WordVectors, add_golden, golden_texts, verdicts

GOLDEN = Recipe("golden", ("sums", "rivers"), ())
MIXED = Recipe("mixed", ("sums", "rivers"), ("chat",))
COLUMNS = [
    *("weak_model", "strong_model", "benchmark_id", "query_id", "view", "strong_win_rate", "fold")
]


class TextNumbers:
    """A vector is the number of a text, so that a router can be asked which texts it saw."""

    name = "numbers"

    def __init__(self):
        self.texts = []

    def embed(self, queries):
        self.texts += [query for query in queries if query not in self.texts]
        return np.array([[self.texts.index(query)] for query in queries], dtype=np.float32)

    def read(self, vectors):
        return [self.texts[int(number)] for (number,) in vectors]


class Spy:
    """Stands for a router's class: every fit is remembered with what it saw and scored."""

    def __init__(self, embedder):
        self.embedder = embedder
        self.fits = []

    def fit(self, model_pair, features, battles, **_):
        fitted = Fitted(self.embedder, self.embedder.read(features[np.unique(battles.query_code)]))
        self.fits.append(fitted)
        return fitted


class Fitted:
    def __init__(self, embedder, seen):
        self.embedder = embedder
        self.seen = seen
        self.scored = []

    def strong_win_rate_of(self, features):
        """Depends on the text and on what was seen."""
        self.scored += self.embedder.read(features)
        return (features[:, 0] + len(self.seen)) / 1000

    def remember_queries(self, text_hashes):
        """Those that lost their battles to the leak check are named too."""
        assert {text_hash(query) for query in self.seen} <= set(text_hashes)


@pytest.fixture
def spy(monkeypatch, word_vectors):
    embedder = TextNumbers()
    spy = Spy(embedder)
    monkeypatch.setattr(training_module, "embedder_of", lambda *_: embedder)
    monkeypatch.setattr(training_module, "router_class", lambda _: spy)
    return spy


@pytest.fixture
def store(fresh_store):
    """Two golden benchmarks, a quiz, and verdicts; some texts stand in several places."""
    sums = golden_texts("sums")
    # In another slice, in the same slice, and in another benchmark; each in another look.
    sums[20], sums[12] = sums[3].upper(), f" {sums[0]}"
    rivers = golden_texts("rivers")
    rivers[5] = sums[4].replace(" ", "  ")
    add_golden(fresh_store, "sums", sums)
    add_golden(fresh_store, "rivers", rivers)
    add_golden(fresh_store, "quiz", [f"guess {i} of the box{i}" for i in range(20)])
    fresh_store.add_battles(verdicts(60, ("small", "middling", "large")))
    return fresh_store


@pytest.fixture
def run(tmp_path):
    """Trains in a folder of its own."""

    def run(training, router_name="mf", **options):
        usual = {"cache_dir": tmp_path / "cache", "work_dir": tmp_path / "work"}
        return train(training, router_name, **(usual | {"views": ["in_domain"]} | options))

    return run


def keys(texts):
    return {group_key(text) for text in texts}


# Out of fold


@pytest.mark.parametrize("view", ["in_domain", "unseen_slices"])
def test_what_scores_a_query_saw_neither_it_nor_an_equal_text(store, spy, run, view):
    training = training_set(store, MIXED, PAIR)
    run(training, views=[view])
    *of_folds, last = spy.fits
    assert sorted(t for fitted in of_folds for t in fitted.scored) == sorted(
        training.queries[: training.n_golden]
    )
    for fitted in of_folds:
        assert not keys(fitted.scored) & keys(fitted.seen)
    assert last.scored == []


def test_a_fold_learns_from_all_others_and_from_every_verdict(store, spy, run):
    training = training_set(store, MIXED, PAIR)
    run(training)
    *of_folds, last = spy.fits
    assert len(of_folds) == 5
    for fitted in of_folds:
        assert set(fitted.seen) | set(fitted.scored) == set(training.queries)
    assert set(last.seen) == set(training.queries)


def test_an_unseen_slice_and_a_further_benchmark_are_scored_from_others_alone(store, spy, run):
    training = training_set(store, GOLDEN, PAIR)
    scores = run(training, views=["unseen_slices"]).scores
    *of_folds, _ = spy.fits
    where = {}
    for part in training.parts:
        codes = part.outcomes.slice_code if part.benchmark_id == "sums" else [0] * 60
        names = zip(part.queries, codes, strict=True)
        where |= {text: (part.benchmark_id, code) for text, code in names}
    for fitted in of_folds:
        assert not {where[t] for t in fitted.scored} & {where[t] for t in fitted.seen}
    assert len(of_folds) == 6
    assert set(scores["fold"]) == {0, 1, 2, 3, 4, 5}
    assert set(scores.loc[scores["benchmark_id"] == "rivers", "fold"]) == {5}


def test_slices_are_dealt_whole_into_groups_of_like_size(store):
    first = benchmark_part(store, "sums", PAIR).outcomes
    group = groups_of_slices([first], 3)
    assert np.bincount(group).tolist() == [20, 20, 20]
    for code in range(len(SLICES)):
        assert len(set(group[first.slice_code == code])) == 1


def test_verdicts_belong_to_no_fold(store):
    training = training_set(store, MIXED, PAIR)
    for view in ("in_domain", "unseen_slices"):
        fold = folds_of(training, view)
        assert (fold[: training.n_golden] >= 0).all()
        assert set(fold[training.n_golden :]) == {-1}


def test_scores_stand_beside_their_query_view_and_fold(store, spy, run):
    training = training_set(store, GOLDEN, PAIR)
    scores = run(training, views=["in_domain", "unseen_slices"]).scores
    assert scores.columns.tolist() == COLUMNS
    assert len(scores) == 2 * 120
    assert set(zip(scores["weak_model"], scores["strong_model"], strict=True)) == {PAIR}
    fold = folds_of(training, "in_domain")
    in_domain = scores[scores["view"] == "in_domain"]
    start = 0
    for part in training.parts:
        rows = in_domain[in_domain["benchmark_id"] == part.benchmark_id]
        assert rows["query_id"].tolist() == part.outcomes.query_id.tolist()
        place = slice(start, start + len(rows))
        assert rows["fold"].tolist() == fold[place].tolist()
        n_seen = [len(spy.fits[k].seen) for k in rows["fold"]]
        numbers = spy.embedder.embed(part.queries)[:, 0]
        np.testing.assert_allclose(rows["strong_win_rate"], (numbers + n_seen) / 1000, rtol=1e-6)
        start = place.stop


# Untouched


def test_what_gave_no_label_is_scored_by_the_router_that_saw_everything(store, spy, run):
    training = training_set(store, GOLDEN, PAIR)
    quiz = benchmark_part(store, "quiz", PAIR)
    trained = run(training, scored=[quiz])
    assert trained.router is spy.fits[-1]
    assert trained.router.scored == quiz.queries
    rows = trained.scores[trained.scores["benchmark_id"] == "quiz"]
    assert rows["query_id"].tolist() == quiz.outcomes.query_id.tolist()
    assert set(rows["view"]) == {"untouched"}
    assert set(rows["fold"]) == {-1}


def test_a_benchmark_of_another_pair_is_scored_for_that_pair(store, spy, run):
    add_golden(store, "other", [f"name {i} of it" for i in range(12)], models=("wren", "hawk"))
    pair = ModelPair("wren", "hawk")
    part = benchmark_part(store, "other", pair)
    scores = run(training_set(store, GOLDEN, PAIR), scored=[part], views=[]).scores
    assert set(zip(scores["weak_model"], scores["strong_model"], strict=True)) == {pair}


def test_verdicts_alone_give_a_router_though_nothing_can_be_scored(store, spy, run):
    trained = run(training_set(store, Recipe("chat", (), ("chat",)), PAIR))
    assert trained.router is spy.fits[-1]
    assert trained.scores.empty
    assert trained.scores.columns.tolist() == COLUMNS


# Leaks


def test_leaks_are_dropped_before_anything_is_learned_and_counted(store, spy, run):
    quiz = benchmark_part(store, "quiz", PAIR)
    sums = benchmark_part(store, "sums", PAIR)
    table = verdicts(60, source="leaky")
    planted = [f"  {quiz.queries[3]}", sums.queries[9].upper()]
    table["query"] = planted + table["query"].tolist()[2:]
    store.add_battles(table)
    training = training_set(store, Recipe("x", ("sums",), ("leaky",)), PAIR)
    trained = run(training, scored=[quiz])
    assert trained.n_dropped == 2
    for fitted in spy.fits:
        assert not set(planted) & set(fitted.seen)
    assert set(spy.fits[-1].seen) == set(training.queries) - set(planted)


def test_a_golden_query_that_stands_in_a_benchmark_to_be_scored_is_dropped_and_still_scored(
    store, spy, run
):
    sums = benchmark_part(store, "sums", PAIR)
    add_golden(store, "exam", [sums.queries[8], "where is the box of the mast"])
    training = training_set(store, Recipe("x", ("sums",), ()), PAIR)
    trained = run(training, scored=[benchmark_part(store, "exam", PAIR)])
    assert trained.n_dropped == 1
    assert all(sums.queries[8] not in fitted.seen for fitted in spy.fits)
    assert (trained.scores["view"] == "in_domain").sum() == 60


# Stopped and going on


class StopNow(KeyboardInterrupt):
    pass


def test_a_stopped_training_fits_only_the_folds_that_are_missing(store, spy, run, tmp_path):
    training = training_set(store, GOLDEN, PAIR)
    whole = run(training).scores
    n_whole = len(spy.fits)

    def stop(progress):
        if progress.stage.startswith("in domain, fold 4"):
            raise StopNow

    with pytest.raises(StopNow):
        run(training, on_progress=stop)
    assert len(spy.fits) - n_whole == 3
    resumed = run(training).scores
    assert len(spy.fits) - n_whole == 6  # two folds and the last fit were missing
    pd.testing.assert_frame_equal(resumed, whole)
    assert not (tmp_path / "work").exists()


# Real routers


@pytest.mark.parametrize("router_name", ["mf", "sw_ranking"])
def test_out_of_fold_scores_find_the_queries_that_need_the_strong_model(
    store, run, word_vectors, router_name
):
    training = training_set(store, GOLDEN, PAIR)
    config = MatrixFactorizationConfig(n_epochs=30, batch_size=16) if router_name == "mf" else None
    trained = run(training, router_name, config=config)
    hard = np.concatenate([part.outcomes.quality_weak == 0 for part in training.parts])
    assert roc_auc_score(hard, trained.scores["strong_win_rate"]) > 0.95


def test_what_cannot_be_trained_is_said_before_queries_are_read(fresh_store, monkeypatch, run):
    fresh_store.add_battles(verdicts(78 * 2, tuple(f"m{i:02}" for i in range(13))))
    monkeypatch.setattr(
        training_module, "read_features", lambda *_: pytest.fail("queries are read")
    )
    ratings = training_set(fresh_store, Recipe("chat", (), ("chat",)), ModelPair("m00", "m12"))
    close = ratings._replace(ratings=np.repeat([0.0, 1.0], [12, 1]))._replace(
        model_pair=ModelPair("m00", "m05")
    )
    with pytest.raises(DataError, match="are in one tier"):
        run(close, "sw_ranking")


# Stacked


class Silent:
    """A member that must not be asked: its out-of-fold scores are there."""

    def strong_win_rate_of(self, features):
        pytest.fail("a member scored queries that it has learned from")


def member(training, quiz, rng, knows):
    """Scores of a member that finds the hard queries of some slices only."""
    frames = []
    for view, parts in (("in_domain", training.parts), ("untouched", [quiz])):
        for part in parts:
            hard = part.outcomes.quality_weak == 0
            known = np.array([text.split()[1] in knows for text in part.queries])
            noise = rng.random(len(hard))
            scores = np.where(known, 0.25 + 0.5 * hard + 0.1 * noise, noise)
            frames.append(training_module.score_frame(part, view, scores))
    frame = pd.concat(frames)
    return Trained(Silent(), frame.sample(frac=1, random_state=0), 0)


@pytest.fixture
def stackable(fresh_store, rng):
    """A training set, a quiz, and two members that know half of the slices each."""
    add_golden(fresh_store, "sums", golden_texts("sums", 300))
    quiz_texts = [text.replace("sums", "quiz") + " or then" for text in golden_texts("sums", 120)]
    add_golden(fresh_store, "quiz", quiz_texts)
    training = training_set(fresh_store, Recipe("x", ("sums",), ()), PAIR)
    quiz = benchmark_part(fresh_store, "quiz", PAIR)
    known = {"mf": member(training, quiz, rng, SLICES[:3])}
    known["sw_ranking"] = member(training, quiz, rng, SLICES[3:])
    return training, quiz, known


STACK = StackedConfig(members=("mf", "sw_ranking"))


def of_view(scores, view):
    rows = scores[scores["view"] == view].sort_values(["benchmark_id", "query_id"])
    return rows["strong_win_rate"].to_numpy()


def test_a_stack_beats_members_that_know_different_queries(stackable, run, word_vectors):
    training, quiz, known = stackable
    scores = run(training, "stacked", scored=[quiz], config=STACK, known=known).scores
    for view, part in (("in_domain", training.parts[0]), ("untouched", quiz)):
        hard = part.outcomes.quality_weak == 0
        members = [roc_auc_score(hard, of_view(m.scores, view)) for m in known.values()]
        assert roc_auc_score(hard, of_view(scores, view)) > max(members) + 0.03, view


def test_a_stack_learns_from_out_of_fold_scores_of_its_members_alone(
    stackable, run, word_vectors, monkeypatch
):
    training, quiz, known = stackable
    fits = []
    fit = StackedRouter.fit.__func__

    def spied(cls, model_pair, features, battles, **options):
        fits.append(features)
        return fit(cls, model_pair, features, battles, **options)

    monkeypatch.setattr(StackedRouter, "fit", classmethod(spied))
    scores = run(training, "stacked", scored=[quiz], config=STACK, known=known).scores
    expected = np.stack([of_view(m.scores, "in_domain") for m in known.values()], axis=1)
    fold = folds_of(training, "in_domain")
    np.testing.assert_array_equal(fits[0], expected)
    for k, features in enumerate(fits[1:]):
        np.testing.assert_array_equal(features, expected[fold != k])
    assert len(fits) == 6
    assert scores["fold"][:300].tolist() == fold.tolist()


def test_a_stack_trains_the_members_that_are_missing(store, run, word_vectors):
    training = training_set(store, GOLDEN, PAIR)
    quiz = benchmark_part(store, "quiz", PAIR)
    config = StackedConfig(members=("sw_ranking", "mf"))
    stages = []
    trained = run(
        training,
        "stacked",
        scored=[quiz],
        config=config,
        on_progress=lambda p: stages.append(p.stage),
    )
    assert {stage.split(",")[0] for stage in stages} >= {"sw_ranking", "mf"}
    assert set(trained.scores["view"]) == {"in_domain", "untouched"}
    assert np.isfinite(trained.scores["strong_win_rate"]).all()
    rates = trained.router.strong_win_rate(quiz.queries)
    assert rates.shape == (len(quiz.queries),)


def test_a_stopped_stack_does_not_train_a_finished_member_again(store, run, word_vectors):
    training = training_set(store, GOLDEN, PAIR)
    config = StackedConfig(members=("sw_ranking", "mf"))
    whole = run(training, "stacked", config=config).scores

    def stop(progress):
        if progress.stage.startswith("mf, in domain, fold 2"):
            raise StopNow

    with pytest.raises(StopNow):
        run(training, "stacked", config=config, on_progress=stop)
    stages = []
    resumed = run(
        training, "stacked", config=config, on_progress=lambda p: stages.append(p.stage)
    ).scores
    assert not any(stage.startswith("sw_ranking, in domain") for stage in stages)
    assert not any(stage.startswith("mf, in domain, fold 1") for stage in stages)
    pd.testing.assert_frame_equal(resumed, whole)


def test_a_stack_never_fits_to_a_golden_query_that_leaks(stackable, run, word_vectors, monkeypatch):
    training, quiz, known = stackable
    leaked = training.queries[4]
    quiz = quiz._replace(queries=[leaked, *quiz.queries[1:]])
    fits = []
    fit = StackedRouter.fit.__func__

    def spied(cls, model_pair, features, battles, **options):
        fits.append(features[np.unique(battles.query_code)])
        return fit(cls, model_pair, features, battles, **options)

    monkeypatch.setattr(StackedRouter, "fit", classmethod(spied))
    trained = run(training, "stacked", scored=[quiz], config=STACK, known=known, views=[])
    assert trained.n_dropped == 1
    (seen,) = fits
    expected = np.stack([of_view(m.scores, "in_domain") for m in known.values()], axis=1)
    np.testing.assert_array_equal(seen, np.delete(expected, 4, axis=0))


def test_a_stack_needs_golden_labels(store, run, word_vectors):
    with pytest.raises(DataError, match="stacked weighs its members by golden labels"):
        run(training_set(store, Recipe("chat", (), ("chat",)), PAIR), "stacked", config=STACK)


def test_word_vectors_take_no_invented_query_for_another():
    texts = golden_texts("sums", 300) + golden_texts("rivers", 300)
    vectors = WordVectors().embed(texts)
    assert np.sort(vectors @ vectors.T, axis=1)[:, -2].max() < 0.95
