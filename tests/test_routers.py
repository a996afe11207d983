"""One contract for every router; a new one is covered by being registered."""

import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import erf, softmax
from sklearn.metrics import roc_auc_score

from routellm_core.embedders.bert_tokens import TokenStates
from routellm_core.embedders.sentence import weights_path
from routellm_core.embedders.text_features import TextStatistics
from routellm_core.errors import DataError, NotTrainedError, UnknownNameError
from routellm_core.jobs.progress import silent
from routellm_core.routers import MEMBERS, ROUTERS, load_router, router_class
from routellm_core.routers.base import EmbeddingRouter, LearnedRouter, write_weights
from routellm_core.routers.configs import BertConfig, MatrixFactorizationConfig
from routellm_core.routers.heads.labels import LABELS, LabelHead
from routellm_core.routers.heads.network import NetworkHead
from routellm_core.routers.resumable_fit import Unfinished
from routellm_core.routers.stacked import MemberScores
from routellm_core.statistics.bradley_terry import Cells, fit_ratings
from routellm_core.training.cross_fitting import folds_by_text
from routellm_core.training.labels import battles_of, golden_battles
from routellm_core.types import Battles, ModelPair, PairOutcomes

DATA = Path(__file__).resolve().parent.parent / "data"
PAIR = ModelPair(weak="small", strong="large")


class WordEmbedder:
    """Unit vectors from a hash of the words: no model, equal texts equal vectors."""

    name = "words"

    def embed(self, queries):
        vectors = np.zeros((len(queries), 16), dtype=np.float32)
        for row, query in zip(vectors, queries, strict=True):
            row[0] = 0.1
            for word in query.encode("utf-8", "surrogatepass").split():
                row[sum(word) % 15 + 1] += 1.0
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class FourfoldEmbedder(WordEmbedder):
    """The same four times over, for routers that look at one part of a vector."""

    def embed(self, queries):
        return fourfold(super().embed(queries))


def fourfold(embeddings):
    return np.tile(embeddings, (1, 4))


def features_of(router_name, embeddings):
    return fourfold(embeddings) if router_name.startswith("layer_") else embeddings


def hard_and_easy(n=240):
    """Queries whose words tell whether the weak model fails; the strong one is always right."""
    rng = np.random.default_rng(1)
    hard = rng.random(n) < 0.5
    queries = [f"{'prove' if h else 'say'} it {i}" for i, h in enumerate(hard)]
    embeddings = WordEmbedder().embed([q.rsplit(" ", 1)[0] for q in queries])
    embeddings += rng.normal(0, 0.05, embeddings.shape).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    battles = Battles(
        models=tuple(PAIR),
        query_code=np.arange(n),
        model_a=np.zeros(n, dtype=int),
        model_b=np.ones(n, dtype=int),
        win_a=np.where(hard, 0.0, 0.5),
    )
    return queries, embeddings, battles, hard


def trained(router_name):
    kind = router_class(router_name)
    if not issubclass(kind, LearnedRouter):
        return kind(PAIR)
    queries, embeddings, battles, _ = hard_and_easy()
    embedder = embedder_of(router_name)
    features = features_of(router_name, embeddings)
    if router_name == "bert":
        features = embedder.embed([query.rsplit(" ", 1)[0] for query in queries])
    elif router_name == "stacked":
        features = np.stack([embeddings[:, 1], embeddings[:, 2]], axis=1).clip(0, 1)
    return kind.fit(PAIR, features, battles, seed=0, embedder=embedder)


@cache
def embedder_of(router_name):
    if router_name == "bert":
        return TokenStates(n_layers=5)
    if router_name == "stacked":
        return MemberScores({name: trained(name) for name in ("sw_ranking", "mf")})
    return FourfoldEmbedder() if router_name.startswith("layer_") else WordEmbedder()


KNOWN = [*ROUTERS, *MEMBERS]
HOSTILE = [
    *("", "   ", "word", "é 漢字 🙂 \x00", "x " * 50_000, "\u202e back", "\ud800"),
    "كيف حالك؟ आप कैसे हैं? Как дела? สบายดีไหม",
]


@pytest.mark.parametrize("router_name", KNOWN)
class TestEveryRouter:
    def test_gives_a_win_rate_for_each_query_whatever_it_holds(self, router_name):
        rates = trained(router_name).strong_win_rate(HOSTILE)
        assert rates.shape == (len(HOSTILE),)
        assert rates.dtype == np.float32
        assert ((rates >= 0) & (rates <= 1)).all()

    def test_no_query_is_no_win_rate(self, router_name):
        assert trained(router_name).strong_win_rate([]).shape == (0,)

    def test_a_query_scores_alike_alone_and_in_a_batch(self, router_name):
        router = trained(router_name)
        queries = [f"say {i}" for i in range(300)]
        alone = [router.strong_win_rate([query])[0] for query in queries[::50]]
        np.testing.assert_allclose(alone, router.strong_win_rate(queries)[::50], atol=1e-6)

    def test_a_saved_router_scores_as_before(self, router_name, tmp_path):
        router = trained(router_name)
        router.save(tmp_path / "checkpoint")
        again = load_router(tmp_path / "checkpoint", embedder_of(router_name))
        assert again.model_pair == PAIR
        queries = ["say it", "prove it", "neither"]
        np.testing.assert_allclose(
            again.strong_win_rate(queries), router.strong_win_rate(queries), atol=1e-4
        )

    def test_a_missing_checkpoint_says_that_it_is_not_trained(self, router_name, tmp_path):
        with pytest.raises(NotTrainedError, match="train the router first"):
            router_class(router_name).load(tmp_path)

    def test_a_foreign_or_newer_or_torn_checkpoint_is_refused(self, router_name, tmp_path):
        trained(router_name).save(tmp_path)
        path = tmp_path / "config.json"
        config = json.loads(path.read_text())
        for change, message in (
            ({"router_name": "someone"}, "checkpoint of someone"),
            ({"checkpoint_version": 99}, "newer version"),
        ):
            path.write_text(json.dumps(config | change))
            with pytest.raises(DataError, match=message):
                router_class(router_name).load(tmp_path)
        for pair in ("small", {"weak": "small"}):
            path.write_text(json.dumps(config | {"model_pair": pair}))
            with pytest.raises(DataError, match="'weak' and 'strong'"):
                router_class(router_name).load(tmp_path)
        path.write_text("{ torn")
        with pytest.raises(DataError, match="damaged"):
            router_class(router_name).load(tmp_path)

    def test_a_checkpoint_that_lacks_a_field_names_it(self, router_name, tmp_path):
        trained(router_name).save(tmp_path)
        path = tmp_path / "config.json"
        config = json.loads(path.read_text())
        for name in config.keys() - {"embedder"}:  # the default stands in for it
            path.write_text(json.dumps({k: v for k, v in config.items() if k != name}))
            with pytest.raises(DataError, match=f"lacks .*{name}"):
                router_class(router_name).load(tmp_path)

    def test_weights_of_something_else_are_refused(self, router_name, tmp_path):
        trained(router_name).save(tmp_path)
        for weights in tmp_path.glob("*.safetensors"):
            write_weights(weights, {"alien": np.zeros(3, dtype=np.float32)})
            with pytest.raises(DataError, match="is missing"):
                router_class(router_name).load(tmp_path)

    def test_damaged_weights_are_refused(self, router_name, tmp_path):
        trained(router_name).save(tmp_path)
        for weights in tmp_path.glob("*.safetensors"):
            weights.write_bytes(weights.read_bytes()[:40])
            with pytest.raises(DataError, match="damaged"):
                router_class(router_name).load(tmp_path)
            weights.unlink()
            with pytest.raises(NotTrainedError, match="missing"):
                router_class(router_name).load(tmp_path)


EMBEDDING_ROUTERS = [
    name for name in KNOWN if name != "stacked" and issubclass(router_class(name), EmbeddingRouter)
]


@pytest.mark.parametrize("router_name", EMBEDDING_ROUTERS)
class TestEveryEmbeddingRouter:
    def test_learns_which_queries_need_the_strong_model(self, router_name):
        queries, embeddings, battles, hard = hard_and_easy()
        embeddings = features_of(router_name, embeddings)
        fold = folds_by_text(queries)
        kind = router_class(router_name)
        for k in np.unique(fold):
            seen = fold != k
            router = kind.fit(PAIR, embeddings[seen], battles_of(battles, seen), seed=0)
            rates = router.strong_win_rate_of(embeddings[~seen])
            assert roc_auc_score(hard[~seen], rates) > 0.98

    def test_refuses_embeddings_that_are_not_its_own(self, router_name):
        router = trained(router_name)
        with pytest.raises(DataError, match=f"length {router.dimension}"):
            router.strong_win_rate_of(np.zeros((2, 8), dtype=np.float32))
        for value in (np.nan, np.inf):
            with pytest.raises(DataError, match="NaN"):
                router.strong_win_rate_of(np.full((1, router.dimension), value, dtype=np.float32))

    def test_the_same_seed_gives_the_same_router(self, router_name):
        one, other = trained(router_name), trained(router_name)
        assert (one.strong_win_rate(["say it"]) == other.strong_win_rate(["say it"])).all()


@pytest.mark.parametrize("router_name", ["sw_ranking", "mf"])
def test_a_checkpoint_whose_pair_it_never_learned_is_refused(router_name, tmp_path):
    trained(router_name).save(tmp_path)
    path = tmp_path / "config.json"
    foreign = {"model_pair": {"weak": "small", "strong": "unheard"}}
    path.write_text(json.dumps(json.loads(path.read_text()) | foreign))
    with pytest.raises(DataError, match="'unheard' is not among the models"):
        router_class(router_name).load(tmp_path)


def similar_battles(rng, query_code):
    """Battles of four models on 60 embedded queries, and three queries between those."""
    embeddings = rng.normal(size=(60, 8)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    n = len(query_code)
    model_a = rng.integers(0, 4, n)
    model_b = (model_a + rng.integers(1, 4, n)) % 4
    battles = Battles(
        ("w", "x", "y", "z"), query_code, model_a, model_b, rng.choice([0, 0.5, 1], n)
    )
    asked = embeddings[:3] * 0.5 + embeddings[3:6] * 0.5
    return embeddings, battles, asked / np.linalg.norm(asked, axis=1, keepdims=True)


@pytest.mark.parametrize("n_each", [1, 3])
def test_sw_ranking_equals_a_fit_of_all_battles_for_each_query(rng, n_each):
    embeddings, battles, asked = similar_battles(rng, rng.permutation(np.repeat(range(60), n_each)))
    pair = ModelPair(weak="x", strong="z")
    router = router_class("sw_ranking").fit(pair, embeddings, battles, seed=0)
    for query, rate in zip(asked, router.strong_win_rate_of(asked), strict=True):
        cosine = embeddings @ query
        weight = 10.0 ** (1.0 + cosine / cosine.max())
        # Every battle a cell of its own: nothing is merged.
        cells = Cells(np.arange(60 * n_each), battles.model_a, battles.model_b, battles.win_a)
        rating = fit_ratings(cells, weight[None, battles.query_code], 4)[0]
        assert rate == pytest.approx(1 / (1 + np.exp(rating[1] - rating[3])), abs=1e-6)


def test_sw_ranking_heeds_no_query_that_has_no_battle(rng):
    embeddings, battles, asked = similar_battles(rng, np.arange(60))
    pair = ModelPair(weak="x", strong="z")
    plain = router_class("sw_ranking").fit(pair, embeddings, battles, seed=0)
    more = np.concatenate([embeddings, asked])  # nearest to what is asked
    router = router_class("sw_ranking").fit(pair, more, battles, seed=0)
    np.testing.assert_array_equal(router.strong_win_rate_of(asked), plain.strong_win_rate_of(asked))


def test_mf_options_out_of_range_are_refused_by_name():
    with pytest.raises(ValueError, match="n_epochs is 0"):
        MatrixFactorizationConfig(n_epochs=0)
    with pytest.raises(ValueError, match=re.escape("ties is 'lost'")):
        MatrixFactorizationConfig(ties="lost")


def test_an_unknown_router_names_the_known_ones():
    with pytest.raises(UnknownNameError, match="random, sw_ranking, mf, causal_llm, bert, stacked"):
        router_class("oracle")


def test_equal_texts_share_a_fold_in_any_spelling():
    folds = folds_by_text(["Say  IT", "say it", "say it\n", "other"] * 3)
    assert len(set(folds[[0, 1, 2, 4, 5, 6]])) == 1


def test_a_golden_battle_is_won_by_the_better_answer_and_equal_ones_tie():
    n = 4
    outcomes = PairOutcomes(
        benchmark_id="b",
        model_pair=PAIR,
        query_id=np.array(list("abcd"), dtype=object),
        slice_code=np.zeros(n, dtype=int),
        slices=("s",),
        cluster_code=np.arange(n),
        quality_weak=np.array([0.0, 1.0, 1.0, 0.0]),
        quality_strong=np.array([1.0, 1.0, 0.0, 0.0]),
        prompt_tokens=np.full(n, np.nan),
        answer_tokens_weak=np.full(n, np.nan),
        answer_tokens_strong=np.full(n, np.nan),
    )
    battles = golden_battles(outcomes)
    assert battles.models == ("small", "large")
    assert battles.win_a.tolist() == [0.0, 0.5, 1.0, 0.5]
    assert battles.both_bad.tolist() == [False, False, False, True]
    assert golden_battles(outcomes, bad_below=1.5).both_bad.all()


@pytest.mark.parametrize("head", [LabelHead, NetworkHead])
def test_a_tie_of_two_bad_answers_is_a_label_of_its_own(head, rng):
    features = rng.normal(size=(400, 4)).astype(np.float32)
    n = len(features)
    sides = np.zeros(n, int), np.ones(n, int)
    bad = features[:, 0] > 0
    won = features[:, 1] > 0.5
    win_a = np.where(won, 0.0, 0.5)
    known = Battles(tuple(PAIR), np.arange(n), *sides, win_a, bad)
    chances = head.fit(PAIR, features, known, seed=0).chances(features)
    tie, both_bad = chances[:, LABELS.index("tie")], chances[:, LABELS.index("both bad")]
    assert roc_auc_score(bad[~won], (both_bad - tie)[~won]) > 0.95
    unknown = head.fit(PAIR, features, known._replace(both_bad=None), seed=0)
    assert (unknown.chances(features)[:, LABELS.index("both bad")] < 0.1).all()


@pytest.mark.parametrize("head", [LabelHead, NetworkHead])
def test_the_gradient_of_a_head_is_that_of_its_win_rate(head, rng):
    features = rng.normal(size=(300, 3)).astype(np.float32)
    win_a = np.select([features[:, 0] > 0.4, features[:, 0] < -0.4], [0.0, 1.0], 0.5)
    n = len(features)
    battles = Battles(tuple(PAIR), np.arange(n), np.zeros(n, int), np.ones(n, int), win_a)
    fitted = head.fit(PAIR, features, battles, seed=0)
    at, step = features[:5].astype(np.float64), 1e-5
    slopes = [
        (fitted.win_rate(at + step * unit) - fitted.win_rate(at - step * unit)) / (2 * step)
        for unit in np.eye(3)
    ]
    np.testing.assert_allclose(fitted.gradient(at), np.transpose(slopes), atol=1e-6)


def test_the_shipped_networks_score_as_their_formula_does(rng):
    path = DATA / "routers/stacked-golden/layer_network/head.safetensors"
    head = NetworkHead.load(path)
    features = head.mean + head.scale * rng.normal(size=(50, head.dimension))
    hidden = np.einsum("nd,khd->knh", (features - head.mean) / head.scale, head.hidden_rows)
    hidden += head.hidden_bias[:, None]
    hidden *= (1 + erf(hidden / np.sqrt(2))) / 2
    chances = softmax(hidden @ head.rows.transpose(0, 2, 1) + head.bias[:, None], axis=-1)
    expected = chances.mean(axis=0) @ [0, 0.5, 1, 0.5]
    np.testing.assert_allclose(head.win_rate(features), expected, rtol=0, atol=1e-12)
    in_float32 = head.win_rate(features.astype(np.float32))
    np.testing.assert_allclose(in_float32, expected, rtol=0, atol=1e-6)


def test_fitting_networks_repeats_and_draws_nothing_from_the_random_numbers_of_others(rng):
    features = rng.normal(size=(200, 3)).astype(np.float32)
    n, win_a = len(features), (features[:, 0] > 0).astype(float)
    battles = Battles(tuple(PAIR), np.arange(n), np.zeros(n, int), np.ones(n, int), win_a)
    state = torch.get_rng_state()
    first, again = (NetworkHead.fit(PAIR, features, battles, seed=3) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(first.win_rate(features), again.win_rate(features))
    assert roc_auc_score(win_a == 0, first.win_rate(features)) > 0.95


def test_a_label_head_learns_three_labels_and_survives_a_missing_one(rng):
    features = rng.normal(size=(600, 5)).astype(np.float32)
    win = np.select([features[:, 0] > 0.4, features[:, 0] < -0.4], [0.0, 1.0], 0.5)

    def battles(win_a):
        n = len(win_a)
        return Battles(tuple(PAIR), np.arange(n), np.zeros(n, int), np.ones(n, int), win_a)

    rate = LabelHead.fit(PAIR, features, battles(win)).win_rate(features)
    assert roc_auc_score(features[:, 0] > 0, rate) > 0.95
    no_tie = LabelHead.fit(PAIR, features[win != 0.5], battles(win[win != 0.5]))
    assert roc_auc_score(features[:, 0] > 0, no_tie.win_rate(features)) > 0.95
    assert (no_tie.win_rate(features) <= 1).all()


def test_stacked_is_the_mean_rank_of_its_members(rng):
    _, _, battles, hard = hard_and_easy()
    noise = rng.normal(0, 0.8, (2, len(hard)))
    scores = (1 / (1 + np.exp(-(hard - 0.5 + noise)))).T.astype(np.float32)
    router = router_class("stacked").fit(PAIR, scores, battles, seed=0)
    both = roc_auc_score(hard, router.strong_win_rate_of(scores))
    assert both > max(roc_auc_score(hard, one) for one in scores.T)
    ranks = np.argsort(np.argsort(scores, axis=0), axis=0).mean(axis=1) / (len(hard) - 1)
    np.testing.assert_allclose(router.mean_rank(scores), ranks, atol=0.01)


def test_stacked_ranks_have_no_artificial_ties_beyond_the_training_scores():
    _, _, battles, _ = hard_and_easy()
    seen = np.linspace(0.4, 0.6, 240, dtype=np.float32)[:, None]
    router = router_class("stacked").fit(PAIR, seen, battles, seed=0)
    assert len(np.unique(router.mean_rank(np.linspace(0, 1, 500)[:, None]))) == 500


def test_bert_learns_from_words_and_stops_early():
    queries, _, battles, hard = hard_and_easy(400)
    embedder = embedder_of("bert")
    states = embedder.embed([query.rsplit(" ", 1)[0] for query in queries])
    told = []
    seen = np.arange(400) < 300
    router = router_class("bert").fit(
        PAIR,
        states[seen],
        battles_of(battles, seen),
        seed=0,
        config=BertConfig(n_epochs=8, learning_rate=1e-3),
        embedder=embedder,
        on_progress=told.append,
    )
    assert roc_auc_score(hard[~seen], router.strong_win_rate_of(states[~seen])) > 0.98
    looks = [p.held_out_loss for p in told if p.held_out_loss is not None]
    assert min(looks) < looks[0]
    assert told[-1].done <= told[-1].total


def test_a_killed_bert_training_goes_on_where_it_was(tmp_path):
    queries, _, battles, _ = hard_and_easy(200)
    embedder = embedder_of("bert")
    states = embedder.embed(queries)
    config = BertConfig(n_epochs=2, n_looks=2, patience=99)

    def fit(on_progress=silent, resume_dir=None):
        return router_class("bert").fit(
            PAIR,
            states,
            battles,
            seed=3,
            config=config,
            embedder=embedder,
            on_progress=on_progress,
            resume_dir=resume_dir,
        )

    def kill(progress):
        if progress.done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(kill, tmp_path)
    assert (tmp_path / "unfinished.pt").exists()
    told = []
    resumed = fit(told.append, tmp_path).strong_win_rate_of(states)
    assert told[0].done > 1
    np.testing.assert_allclose(resumed, fit().strong_win_rate_of(states), atol=1e-6)
    assert not (tmp_path / "unfinished.pt").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"\x80\x04.", b"not a state"])
def test_a_torn_state_is_trained_from_the_start(tmp_path, content):
    module = torch.nn.Linear(2, 1)
    optimizer = torch.optim.AdamW(module.parameters())
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    state = Unfinished(module, optimizer, schedule, tmp_path)
    state.path.write_bytes(content)
    assert state.resume() == 0


def test_a_kept_state_is_taken_up_exactly(tmp_path):
    def begun(rate):
        module = torch.nn.Linear(2, 1)
        optimizer = torch.optim.AdamW(module.parameters(), lr=rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (step + 1))
        return Unfinished(module, optimizer, schedule, tmp_path), optimizer, schedule

    def step(state, optimizer, schedule):
        optimizer.zero_grad()
        state.module(torch.tensor([[1.0, 2.0]])).sum().backward()
        optimizer.step()
        schedule.step()

    first = begun(0.1)
    step(*first)
    first[0].keep(1, 0.7)
    step(*first)
    first[0].keep(2, 0.9)
    other = begun(0.5)
    assert other[0].resume() == 2
    assert (other[0].best_loss, other[0].n_worse) == (0.7, 1)
    for both in (step, lambda state, *_: state.finish()):
        both(*first)
        both(*other)
        for one, same in zip(
            first[0].module.parameters(), other[0].module.parameters(), strict=True
        ):
            assert torch.equal(one, same)


def test_bert_refuses_states_that_are_not_its_own():
    router = trained("bert")
    states = np.empty(1, dtype=object)
    states[0] = np.zeros((3, 8), dtype=np.float32)
    with pytest.raises(DataError, match="width 384"):
        router.strong_win_rate_of(states)
    states[0] = np.full((3, 384), np.nan, dtype=np.float32)
    with pytest.raises(DataError, match="NaN"):
        router.strong_win_rate_of(states)


def test_token_states_are_those_of_the_whole_encoder(rng):
    from transformers import AutoModel, AutoTokenizer

    embedder = embedder_of("bert")
    path = str(weights_path(embedder.name))
    tokens = AutoTokenizer.from_pretrained(path)(["say it twice"], return_tensors="pt")
    whole = AutoModel.from_pretrained(path)(**tokens, output_hidden_states=True)
    read, _ = embedder.embed(["say it twice", "a longer query that makes padding necessary"])
    expected = whole.hidden_states[5][0].detach().numpy()
    np.testing.assert_allclose(read, expected, atol=1e-4)


def test_text_statistics_count_what_is_there():
    few, many = TextStatistics().embed(["say it", "Why is 3 + 4 = 7? (A) yes, (B) no 12.5"])
    assert few.shape == (TextStatistics.dimension,)
    assert (many[[0, 1, 2, 4]] > few[[0, 1, 2, 4]]).all()
    assert TextStatistics().embed([]).shape == (0, TextStatistics.dimension)
