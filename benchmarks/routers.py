"""Routers: many queries at once against one after another, and against the bare matrix product.

Rivals are re-implementations of what RouteLLM does for each query: `sw_ranking` fits a logistic
regression to all battles anew, `mf` runs a torch head for two models. Battles, embeddings and
sentences are invented; texts are read by the default embedder.
"""

import tracemalloc
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from benchmarks.timing import best_seconds
from routellm_core.embedders.sentence import SentenceEmbedder
from routellm_core.routers import ROUTERS, router_class
from routellm_core.routers.base import EmbeddingRouter
from routellm_core.routers.mf import MatrixFactorizationRouter
from routellm_core.routers.sw_ranking import SimilarityWeightedRouter
from routellm_core.training.labels import battles_of
from routellm_core.training.tiers import battles_between_tiers, overall_ratings, tier_pair, tiers_of
from routellm_core.types import Battles, Floats, ModelPair

PAIR = ModelPair(weak="small", strong="large")
TEXT_ROUTERS = ("bert",)
"""Routers whose speed is in reading the text: fitted on a few sentences, left out if there is no
such router. Those on ready embeddings add next to nothing to the embedder's time."""


def measure() -> Iterator[str]:
    yield from _similarity_weighted()
    yield from _matrix_factorization()
    yield from _a_benchmark()
    yield from _reading_texts()


class Arena(NamedTuple):
    """Invented battles between tiers of models, one battle a query."""

    model_pair: ModelPair
    battles: Battles
    embeddings: Floats  # of the battles' queries
    asked: Floats


def invented_arena(
    n_battles: int = 55_000, n_models: int = 64, dimension: int = 1536, n_asked: int = 256
) -> Arena:
    """Queries of 30 topics; on some topics a better model wins more surely than on others."""
    rng = np.random.default_rng(0)
    topic = rng.integers(0, 30, n_battles + n_asked)
    embeddings = _unit(_normal(rng, 30, dimension)[topic] + _normal(rng, len(topic), dimension))
    strength = np.linspace(-1.5, 1.5, n_models)
    model_a = rng.integers(0, n_models, n_battles)
    model_b = (model_a + rng.integers(1, n_models, n_battles)) % n_models
    log_odds = (strength[model_a] - strength[model_b]) * rng.uniform(0, 2, 30)[topic[:n_battles]]
    win_a = (rng.random(n_battles) < 1 / (1 + np.exp(-log_odds))).astype(float)
    win_a[rng.random(n_battles) < 0.3] = 0.5
    names = tuple(f"model {i}" for i in range(n_models))
    battles = Battles(names, np.arange(n_battles), model_a, model_b, win_a)
    tier = tiers_of(overall_ratings(battles))
    pair = tier_pair(battles, tier, ModelPair(weak=names[n_models // 4], strong=names[-1]))
    between = battles_between_tiers(battles, tier)
    seen = np.isin(np.arange(n_battles), between.query_code)
    return Arena(
        pair, battles_of(between, seen), embeddings[:n_battles][seen], embeddings[n_battles:]
    )


def refitted_win_rate(arena: Arena, query: Floats, tolerance: float = 1e-4) -> float:
    """The win rate of one query from a regression on all battles, each twice: a tie is won once.

    Args:
        arena: battles and embeddings.
        query: (dimension,) embedding.
        tolerance: where the fit stops; scikit-learn's default is what RouteLLM uses.
    """
    battles, n = arena.battles, len(arena.battles.win_a)
    lengths = np.linalg.norm(arena.embeddings, axis=1) * np.linalg.norm(query)
    cosine = arena.embeddings @ query / lengths
    weight = 10.0 * 10.0 ** (cosine / cosine.max())
    design = np.zeros((2 * n, len(battles.models)))
    design[np.arange(2 * n), np.tile(battles.model_a, 2)] = np.log(10.0)
    design[np.arange(2 * n), np.tile(battles.model_b, 2)] = -np.log(10.0)
    a_wins = np.concatenate([battles.win_a > 0, battles.win_a == 1])
    model = LogisticRegression(fit_intercept=False, C=np.inf, tol=tolerance, max_iter=10_000)
    model.fit(design, a_wins, sample_weight=np.tile(weight, 2))
    weak, strong = (model.coef_[0, battles.models.index(name)] for name in arena.model_pair)
    return float(1.0 / (1.0 + 10.0 ** (weak - strong)))


def _similarity_weighted(n_refits: int = 4) -> Iterator[str]:
    arena = invented_arena()
    router = SimilarityWeightedRouter(arena.model_pair, arena.embeddings, arena.battles)
    few, size = arena.asked[:n_refits], len(arena.asked)
    ours = best_seconds(partial(router.strong_win_rate_of, arena.asked), 5) / size
    product = best_seconds(partial(np.matmul, arena.asked, router.embeddings.T), 5) / size
    alone = best_seconds(partial(router.strong_win_rate_of, few[:1]), 15)
    refit = best_seconds(partial(refitted_win_rate, arena, few[0]), n_refits)
    yield (
        f"sw_ranking, {len(arena.embeddings):,} battles between {len(arena.battles.models)} tiers, "
        f"dimension {arena.asked.shape[1]:,}, batch {size}: {1 / ours:,.0f} queries a second, "
        f"{refit / ours:,.0f}x a refit a query ({1 / refit:.1f} a second; goal 1,500x), "
        f"{ours / product:.2f}x the time of the bare matrix product; "
        f"batch 1: {1 / alone:,.0f} a second, {refit / alone:.0f}x a refit"
    )
    rates = router.strong_win_rate_of(arena.asked)
    tight, loose = (
        np.array([refitted_win_rate(arena, query, tolerance) for query in few])
        for tolerance in (1e-10, 1e-4)
    )
    yield (
        f"sw_ranking against refits at a tolerance of 1e-10: win rates within "
        f"{np.abs(rates[:n_refits] - tight).max():.1e} (goal 1e-4) over a range of "
        f"{np.ptp(rates):.2f}; refits at the default tolerance: {np.abs(loose - tight).max():.1e}"
    )
    peak = _peak_bytes(router, arena.asked)
    matrix = 4 * size * len(arena.embeddings)
    yield (
        f"sw_ranking, a batch of {size}: {peak / 1e6:.0f} MB at the most, "
        f"{peak / matrix:.2f}x its similarities alone"
    )


def _peak_bytes(router: EmbeddingRouter, asked: Floats) -> int:
    """Memory that a call takes on top of what is there."""
    tracemalloc.start()
    router.strong_win_rate_of(asked)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


class TorchHead(torch.nn.Module):
    """Projection of the query, times a model's vector, times a row of weights: a score each."""

    def __init__(self, dimension: int, n_factors: int) -> None:
        super().__init__()
        self.vectors = torch.nn.Embedding(2, n_factors)
        self.project = torch.nn.Linear(dimension, n_factors)
        self.combine = torch.nn.Linear(n_factors, 1, bias=False)

    @torch.inference_mode()
    def win_rate(self, query: Floats) -> float:
        factors = self.project(torch.tensor(query))
        weak, strong = self.combine(self.vectors(torch.tensor([0, 1])) * factors).squeeze(1)
        return float(torch.sigmoid(strong - weak))

    def folded(self) -> MatrixFactorizationRouter:
        with torch.no_grad():
            vectors = (self.vectors.weight * self.combine.weight).numpy()
        projection, offset = self.project.weight.detach(), self.project.bias.detach()
        return MatrixFactorizationRouter(
            PAIR, tuple(PAIR), vectors, projection.numpy(), offset.numpy()
        )


def _matrix_factorization(dimension: int = 1536, size: int = 256) -> Iterator[str]:
    torch.manual_seed(0)
    head = TorchHead(dimension, 128)
    router = head.folded()
    rng = np.random.default_rng(0)
    asked = _unit(_normal(rng, size, dimension))
    torch_rates = [head.win_rate(query) for query in asked]
    each = best_seconds(lambda: [head.win_rate(query) for query in asked]) / size
    ours = best_seconds(partial(router.strong_win_rate_of, asked), 50) / size
    alone = best_seconds(lambda: [router.strong_win_rate_of(row[None]) for row in asked]) / size
    apart = np.abs(router.strong_win_rate_of(asked) - torch_rates).max()
    yield (
        f"mf, dimension {dimension:,}, batch {size}: {1 / ours:,.0f} queries a second, "
        f"{each / ours:,.0f}x a torch head a query ({1 / each:,.0f} a second); "
        f"batch 1: {1 / alone:,.0f} a second, {each / alone:.1f}x; win rates within {apart:.0e}"
    )


def _a_benchmark(n: int = 14_000, n_battles: int = 15_000, dimension: int = 384) -> Iterator[str]:
    """Scoring a whole benchmark from ready embeddings, sizes as of MMLU and the shipped routers."""
    rng = np.random.default_rng(0)
    battles, few = _coin_battles(rng, n_battles), _coin_battles(rng, 128)
    learned = _unit(_normal(rng, n_battles, dimension))
    asked = _unit(_normal(rng, n, dimension))
    mf = MatrixFactorizationRouter.fit(PAIR, learned[:128], few, seed=0)
    spent = best_seconds(partial(mf.strong_win_rate_of, asked))
    read = best_seconds(partial(np.sum, asked))
    yield f"{n:,} queries by mf: {1e3 * spent:.1f} ms, {spent / read:.1f}x the time of summing them"
    sw_ranking = SimilarityWeightedRouter(PAIR, learned, battles)
    spent = best_seconds(partial(sw_ranking.strong_win_rate_of, asked), 3)
    product = best_seconds(partial(_products, asked, learned), 3)
    yield (
        f"{n:,} queries by sw_ranking from {n_battles:,} battles: {spent:.1f} s, "
        f"{spent / product:.1f}x the time of the bare matrix products"
    )


def _products(asked: Floats, learned: Floats, size: int = 256) -> None:
    for start in range(0, len(asked), size):
        asked[start : start + size] @ learned.T


def _reading_texts(n: int = 128) -> Iterator[str]:
    queries = invented_sentences(n)
    embedder = SentenceEmbedder()
    yield _alone_and_batched(f"embedder {embedder.name}", embedder.embed, queries)
    yield _beside_encode(embedder, queries)
    for router_name in TEXT_ROUTERS:
        if router_name not in ROUTERS:
            yield f"{router_name}: not among the routers, left out"
            continue
        kind: Any = router_class(router_name)
        taught = queries[:96]
        battles = _coin_battles(np.random.default_rng(0), len(taught))
        router = kind.fit(PAIR, kind.default_embedder().embed(taught), battles, seed=0)
        yield _alone_and_batched(router_name, router.strong_win_rate, queries)


def _beside_encode(embedder: SentenceEmbedder, queries: Sequence[str]) -> str:
    """Our batches beside those of sentence-transformers, and what tokenizing takes of the time."""
    model = embedder._model
    ours = best_seconds(partial(embedder.embed, queries), 3)
    encode = partial(model.encode, list(queries), show_progress_bar=False)
    theirs = best_seconds(encode, 3)
    tokenizing = best_seconds(lambda: model.tokenizer(list(queries), truncation=True), 3)
    return (
        f"the same by sentence-transformers' encode: {len(queries) / theirs:,.0f} a second, ours "
        f"{theirs / ours:.2f}x; tokenizing is {tokenizing / ours:.1%} of our time"
    )


def _alone_and_batched(name: str, read: Any, queries: Sequence[str]) -> str:
    read(queries[:1])  # loads the weights
    few = sorted(queries, key=len)[4::8]  # of the same lengths as all
    alone = best_seconds(lambda: [read([query]) for query in few], 2) / len(few)
    batched = best_seconds(partial(read, queries), 2) / len(queries)
    return (
        f"{name}, {len(queries)} sentences at once: {1 / batched:,.0f} queries a second, "
        f"{alone / batched:.1f}x one at a time ({1 / alone:,.0f} a second)"
    )


def invented_sentences(n: int) -> list[str]:
    """Lengths are spread as those of benchmark queries are: most short, a few very long."""
    rng = np.random.default_rng(0)
    words = (
        "which of these states what a cell does when the river carries 12 stones past it".split()
    )
    lengths = np.clip(rng.lognormal(4.0, 0.7, n), 5, 400).astype(int)
    return [" ".join(rng.choice(words, length)) + "?" for length in lengths]


def _coin_battles(rng: np.random.Generator, n: int) -> Battles:
    """One battle a query between the two models, its outcome drawn at random."""
    sides = np.zeros(n, dtype=np.int64), np.ones(n, dtype=np.int64)
    return Battles(tuple(PAIR), np.arange(n), *sides, rng.choice([0.0, 0.5, 1.0], n))


def _normal(rng: np.random.Generator, n_rows: int, dimension: int) -> Floats:
    return rng.standard_normal((n_rows, dimension), dtype=np.float32)


def _unit(rows: Floats) -> Floats:
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
