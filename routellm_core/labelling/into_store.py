"""Outcomes that were gathered for bare queries, as a benchmark of the user's in the store."""

import math
from typing import NamedTuple

import pandas as pd

from routellm_core.errors import DataError
from routellm_core.labelling.outcomes import Labelled
from routellm_core.labelling.sheet import Labels
from routellm_core.schemas import BATTLE_COLUMNS
from routellm_core.store import Store
from routellm_core.types import Benchmark, ModelPair

SUFFIX = "-labelled"
_BY_PEOPLE = "people"


class Gathered(NamedTuple):
    """A benchmark that is not in the store yet."""

    benchmark: Benchmark
    queries: pd.DataFrame
    """In the agreed form of `routellm_core.schemas.QUERIES`."""
    texts: pd.DataFrame
    outcomes: pd.DataFrame
    battles: pd.DataFrame | None
    """In the agreed form, of any source; the benchmark's id becomes their source."""


def gathered_from_endpoints(labelled: Labelled, benchmark_id: str, of: Benchmark) -> Gathered:
    """The outcomes that endpoints gave, as a benchmark.

    Args:
        labelled: at least one query has outcomes.
        benchmark_id: of the new benchmark.
        of: the card of the bare queries.

    Raises:
        DataError: no query has outcomes of both models.
    """
    if labelled.queries.empty:
        reasons = labelled.failed["reason"].value_counts()
        most = f"; mostly: {reasons.index[0]}" if len(reasons) else ""
        raise DataError(f"no query has outcomes of both models{most}")
    plan = labelled.plan
    if plan.mode == "pairwise":
        scale = (0.0, 1.0, "share right")
        meaning = "Quality is 1 for the answer that the judge prefers in both orders, ½ for a tie."
    else:
        scale = (1.0, 10.0, "points")
        meaning = "Quality is the judge's grade of the answer from 1 to 10."
    card = Benchmark(
        benchmark_id=benchmark_id,
        title=f"{of.title}, labelled",
        description=f"{of.description} {meaning}".strip(),
        weak_spots=" ".join([f"The judge is {plan.judge.name}, a model.", *labelled.notes]),
        origin="user",
        quality_low=scale[0],
        quality_high=scale[1],
        quality_unit=scale[2],
        source=f"answers of {plan.weak.name} and {plan.strong.name}, judged by {plan.judge.name}",
        licence=of.licence,
        labelling_usd=labelled.usd if math.isfinite(labelled.usd) else None,
        labelling_usd_at_worst=(
            labelled.usd_at_worst if math.isfinite(labelled.usd_at_worst) else None
        ),
        labelling_requests=labelled.n_requests,
    )
    return Gathered(card, labelled.queries, labelled.texts, labelled.outcomes, labelled.battles)


def gathered_from_people(
    labels: Labels,
    queries: pd.DataFrame,
    pair: ModelPair,
    benchmark_id: str,
    of: Benchmark,
    quality_low: float = 0.0,
    quality_high: float = 1.0,
) -> tuple[Gathered, int]:
    """The labels that people wrote, as a benchmark, and the number of rows with one quality only.

    Args:
        labels: from the sheet.
        queries: of the bare set: query_id, slice, cluster_id, prompt_tokens, text_hash, text.
        pair: the models that were labelled.
        benchmark_id: of the new benchmark.
        of: the card of the bare queries.
        quality_low: the worst quality.
        quality_high: the best one.

    Raises:
        DataError: both models have one name, or no query has the qualities of both.
    """
    if pair.weak == pair.strong:
        raise DataError(f"both models are called {pair.weak!r}; give them two names")
    whole = labels.qualities.dropna(subset=["quality_weak", "quality_strong"])
    if whole.empty:
        raise DataError("no row has the qualities of both models; fill in the other one too")
    rows = queries.merge(whole, on="query_id", validate="one_to_one")
    outcomes = pd.concat(
        [
            pd.DataFrame({"query_id": rows["query_id"], "model": name, "quality": rows[quality]})
            for name, quality in ((pair.weak, "quality_weak"), (pair.strong, "quality_strong"))
        ],
        ignore_index=True,
    )
    decided = rows[rows["winner"].notna() & rows["text"].notna()]
    words = {"weak": "model_a", "strong": "model_b", "tie": "tie"}
    battles = pd.DataFrame(
        {
            "query": decided["text"],
            "model_a": pair.weak,
            "model_b": pair.strong,
            "winner": decided["winner"].map(words),
            "judge": _BY_PEOPLE,
            "source": benchmark_id,
        }
    )
    is_share = (quality_low, quality_high) == (0.0, 1.0)
    card = Benchmark(
        benchmark_id=benchmark_id,
        title=f"{of.title}, labelled",
        description=of.description,
        weak_spots=(
            f"{len(rows):,} of {len(queries):,} queries were labelled by people, those first that "
            "the sheet put first; shares of all queries may differ."
        ),
        origin="user",
        quality_low=quality_low,
        quality_high=quality_high,
        quality_unit="share right" if is_share else "points",
        source="labelled by people in a sheet",
        licence=of.licence,
    )
    texts = rows[["text_hash", "text"]].dropna().drop_duplicates("text_hash")
    columns = ["query_id", "slice", "cluster_id", "prompt_tokens", "text_hash"]
    found = Gathered(card, rows[columns], texts, outcomes, battles if len(battles) else None)
    return found, len(labels.qualities) - len(whole)


def check_name(store: Store, benchmark_id: str, *, replace: bool) -> None:
    """Refuse a name that is taken, before anything is spent.

    Raises:
        DataError: there is a benchmark of that name that is not to be replaced, or that ships.
    """
    cards = store.benchmarks().set_index("benchmark_id")["origin"]
    if benchmark_id not in cards.index:
        return
    if cards[benchmark_id] != "user":
        raise DataError(f"benchmark {benchmark_id!r} ships with the project; choose another name")
    if not replace:
        raise DataError(
            f"there is a benchmark {benchmark_id!r} already; give --replace to put the new labels "
            "in its place, or --name another one"
        )


def keep(store: Store, found: Gathered, *, replace: bool = False, battles: bool = True) -> None:
    """Add what was gathered to the store, all or nothing.

    Args:
        store: open for writing.
        found: the benchmark.
        replace: one of that name makes way, with its scores.
        battles: keep the verdicts to train on too.

    Raises:
        DataError: the name is taken and not to be replaced.
    """
    name = found.benchmark.benchmark_id
    with store.atomic():
        check_name(store, name, replace=replace)
        if name in set(store.benchmarks()["benchmark_id"]):
            store.delete_benchmark(name)
        if name in set(store.battle_sources()["source"]):
            store.delete_battles(name)
        store.add_benchmark(found.benchmark, found.queries, found.outcomes)
        if len(found.texts):
            store.add_texts(found.texts)
        if battles and found.battles is not None:
            store.add_battles(found.battles.assign(source=name)[list(BATTLE_COLUMNS)])
