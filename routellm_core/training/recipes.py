"""Training data by name: golden labels of benchmarks, verdicts of people or a judge.

A recipe becomes a training set: queries, and battles that point to them. Judged battles may be
between any number of models; ratings and tiers let them teach a pair that never met, with named
proxy models where a routed model has no battle at all (arXiv 2406.18665, section 4.1).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from routellm_core.errors import DataError, TextsError
from routellm_core.store import Store
from routellm_core.training.decontamination import contaminated, same_text
from routellm_core.training.labels import (
    FEW_BATTLES,
    PROXY_MODELS,
    battles_of,
    golden_battles,
    join_battles,
    judge_battles,
    over_models,
    warnings_about,
    with_proxy_models,
)
from routellm_core.training.tiers import N_TIERS, battles_between_tiers, overall_ratings, tiers_of
from routellm_core.types import Battles, Floats, ModelPair, PairOutcomes


class Recipe(NamedTuple):
    """Names what goes into a training set."""

    name: str
    golden: tuple[str, ...]
    """Benchmarks whose outcomes are golden labels."""
    sources: tuple[str, ...]
    """Sources of judged battles, as the store names them."""

    @property
    def trained_on(self) -> list[str]:
        """Names of all data sets in it."""
        return [*self.golden, *self.sources]


_GOLDEN, _CHAT = ("mmlu", "gsm8k"), ("oasst", "vicuna_bench")
RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("golden", _GOLDEN, ()),
        Recipe("chat", (), _CHAT),
        Recipe("chat+golden", _GOLDEN, _CHAT),
    )
}


def recipe_of(golden: Sequence[str], sources: Sequence[str]) -> Recipe:
    """The known recipe with these parts, or a new one that is named after them.

    Raises:
        DataError: there is no part.
    """
    for recipe in RECIPES.values():
        if set(golden) == set(recipe.golden) and set(sources) == set(recipe.sources):
            return recipe
    if not golden and not sources:
        raise DataError("nothing to train on: name a benchmark for golden labels or battles")
    return Recipe("+".join([*sources, *golden]), tuple(golden), tuple(sources))


class TrainingPart(NamedTuple):
    """A benchmark as it is trained on or scored: outcomes and texts in the same order."""

    benchmark_id: str
    outcomes: PairOutcomes
    queries: list[str]


class TrainingSet(NamedTuple):
    """Queries and battles of a recipe for one model pair."""

    recipe: Recipe
    model_pair: ModelPair
    parts: tuple[TrainingPart, ...]
    """The golden benchmarks; their queries come first."""
    queries: list[str]
    battles: Battles
    """Between all the models; the pair's two are among them."""
    ratings: Floats
    """(n_models,) overall Bradley-Terry ratings, log-odds with mean 0."""
    proxy_models: Mapping[str, str]
    """The proxy models: {routed model: proxy model}; empty where none did."""
    warnings: tuple[str, ...]
    """What to know before training, a sentence each."""

    @property
    def n_golden(self) -> int:
        """Queries with golden labels, which are the first."""
        return sum(len(part.queries) for part in self.parts)


def benchmark_part(store: Store, benchmark_id: str, model_pair: ModelPair) -> TrainingPart:
    """Outcomes and texts of the queries of a benchmark that are not contaminated.

    Raises:
        TextsError: some texts are missing.
    """
    outcomes = store.pair_outcomes(benchmark_id, model_pair)
    texts = store.query_texts(benchmark_id)
    missing = sum(query_id not in texts for query_id in outcomes.query_id)
    if missing:
        raise TextsError(
            f"{missing:,} of {outcomes.n_queries:,} query texts of {benchmark_id!r} are not on "
            "this machine: run `make texts`, with ROUTELLM=path/to/checkout for those no registry "
            "has"
        )
    return TrainingPart(benchmark_id, outcomes, [texts[query_id] for query_id in outcomes.query_id])


def training_set(
    store: Store,
    recipe: Recipe,
    model_pair: ModelPair,
    proxy_models: Mapping[str, str] = PROXY_MODELS,
) -> TrainingSet:
    """Queries and battles of a recipe.

    Raises:
        TextsError: query texts are not on this machine.
        UnknownNameError: no such benchmark, model or source of battles.
        DataError: the battles cannot teach this pair; the text says why.
    """
    parts = tuple(benchmark_part(store, name, model_pair) for name in recipe.golden)
    queries = [query for part in parts for query in part.queries]
    battles = [golden_battles(part.outcomes, _middle(store, part)) for part in parts]
    n_queries = [len(part.queries) for part in parts]
    used: dict[str, str] = {}
    warnings: list[str] = []
    if recipe.sources:
        table = store.battles(recipe.sources)
        judged, judged_queries = judge_battles(table)
        _check_tells_apart(judged)
        judged, used = with_proxy_models(judged, overall_ratings(judged), model_pair, proxy_models)
        battles = [over_models(part, judged.models) for part in battles] + [judged]
        queries += judged_queries
        n_queries.append(len(judged_queries))
        warnings += warnings_about(table)
    joined = join_battles(battles, n_queries)
    _check_teaches(joined, model_pair)
    return TrainingSet(
        recipe, model_pair, parts, queries, joined, overall_ratings(joined), used, tuple(warnings)
    )


def _middle(store: Store, part: TrainingPart) -> float:
    """Middle of the benchmark's scale: an answer below it is a bad one."""
    card = store.benchmark(part.benchmark_id)
    return (card.quality_low + card.quality_high) / 2


def tier_table(training: TrainingSet, n_tiers: int = N_TIERS) -> pd.DataFrame:
    """One row a model, the best first: `model`, `rating`, `tier` (1 is the lowest), `n_battles`."""
    battles, ratings = training.battles, training.ratings
    sides = np.concatenate([battles.model_a, battles.model_b])
    return pd.DataFrame(
        {
            "model": battles.models,
            "rating": ratings,
            "tier": tiers_of(ratings, n_tiers) + 1,
            "n_battles": np.bincount(sides, minlength=len(battles.models)),
        }
    ).sort_values("rating", ascending=False, ignore_index=True)


def in_tiers(training: TrainingSet, n_tiers: int = N_TIERS) -> Battles:
    """The battles with tiers as models, where there are more models than tiers.

    The tiers of the pair go by the names of the pair, so that a battle between any two models of
    these tiers counts as one between the two.

    Raises:
        DataError: both models of the pair are in one tier.
    """
    battles, pair = training.battles, training.model_pair
    if len(battles.models) <= n_tiers:
        return battles
    tier = tiers_of(training.ratings, n_tiers)
    weak, strong = (int(tier[battles.models.index(name)]) for name in pair)
    if weak == strong:
        raise DataError(
            f"{pair.weak!r} and {pair.strong!r} are in one tier of {n_tiers}: add battles that "
            "tell them apart, or choose another pair"
        )
    between = battles_between_tiers(battles, tier)
    names = list(between.models)
    names[weak], names[strong] = pair.weak, pair.strong
    return between._replace(models=tuple(names))


def leaks(
    training: TrainingSet, embeddings: Floats, scored: Sequence[tuple[TrainingPart, Floats]]
) -> NDArray[np.bool_]:
    """Training queries that are, or nearly are, queries of a benchmark to be scored.

    Benchmarks that give golden labels are left out here: those are scored out of fold.

    Args:
        training: from `training_set`.
        embeddings: (n_queries, dimension) of its queries.
        scored: benchmarks to be scored, with the embeddings of their queries.

    Returns:
        (n_queries,) true for the queries to drop: cosine above 0.95 or equal text
        (arXiv 2406.18665, appendix B). Golden queries are only checked against other benchmarks,
        judged queries against all.
    """
    n_golden = training.n_golden
    leaking = np.zeros(len(training.queries), dtype=bool)
    for part, of_part in scored:
        start = 0 if part.benchmark_id not in training.recipe.golden else n_golden
        if start == len(leaking):
            continue
        leaking[start:] |= contaminated(of_part, embeddings[start:])
        leaking[start:] |= same_text(part.queries, training.queries[start:])
    return leaking


def without(training: TrainingSet, dropped: NDArray[np.bool_]) -> TrainingSet:
    """The training set without the battles on some queries; the queries keep their positions."""
    kept = battles_of(training.battles, ~dropped)
    positions = np.flatnonzero(~dropped)
    battles = kept._replace(query_code=positions[kept.query_code])
    _check_teaches(battles, training.model_pair)
    return training._replace(battles=battles)


def _check_teaches(battles: Battles, model_pair: ModelPair) -> None:
    """Raise a `DataError` unless both models battled often enough to learn anything."""
    sides = np.concatenate([battles.model_a, battles.model_b])
    for name in model_pair:
        n = int((sides == battles.models.index(name)).sum())
        if n == 0:
            raise DataError(f"no battle of {name!r} is left to learn from; add battles")
    if len(battles.win_a) < 20:
        raise DataError(
            f"{len(battles.win_a)} battles are too few to train on; 20 are the least and fewer "
            f"than {FEW_BATTLES} teach little"
        )
    _check_tells_apart(battles)


def _check_tells_apart(battles: Battles) -> None:
    """Raise a `DataError` when all battles have the same result."""
    if (battles.win_a == battles.win_a[0]).all():
        result = "are ties" if battles.win_a[0] == 0.5 else "have the same result"
        raise DataError(
            f"all {len(battles.win_a):,} battles {result}, so no query can be told from another; "
            "add battles with other results"
        )
