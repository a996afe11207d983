"""A set of one's own beside a benchmark: everything that this package tells, as a job.

Beside what every job has, the folder of a comparison holds

    <comparison>/arrays.npz     what is told of each query
    <comparison>/figures.json   what is told of the sets
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from routellm_core import files, jobs
from routellm_core.embedders.sentence import sentence_embedder
from routellm_core.embedders.vector_cache import read_features
from routellm_core.errors import DataError, TextsError
from routellm_core.evaluation.traffic.duplicates import Copies, repeated_queries, shared_queries
from routellm_core.evaluation.traffic.profile import Profile, profile
from routellm_core.evaluation.traffic.projection import QueryMap, query_map
from routellm_core.evaluation.traffic.transport import Transported, similarity_weights
from routellm_core.evaluation.traffic.two_sample import TwoSample, two_sample
from routellm_core.jobs.progress import OnProgress, Progress, silent
from routellm_core.store import Store
from routellm_core.store.places import DATA_DIR, cache_dir
from routellm_core.store.workspace import Workspace
from routellm_core.text_keys import group_key, text_hash
from routellm_core.types import Floats, Interval, PairOutcomes

SEED = 0


@dataclass(frozen=True)
class ComparisonPlan(jobs.JobPlan):
    """The own set and the benchmark that are compared."""

    kind = "comparison"
    own_id: str
    benchmark_id: str


@dataclass(frozen=True)
class Comparison:
    """A set of one's own beside a benchmark; queries without a text take no part."""

    own_query_id: Any
    """(n_own,) names of the own queries; all that is told of each stands in this order."""
    benchmark_query_id: Any
    """(n_benchmark,) names of the benchmark's queries."""
    two_sample: TwoSample
    own_similarity: float
    """Mean over own queries of the largest cosine to a benchmark query: S(own, benchmark)."""
    benchmark_similarity: float
    """Mean over the benchmark's queries of the largest cosine to an own one: S(benchmark, own)."""
    own: Copies
    """Own queries that stand in the benchmark."""
    theirs: Copies
    """Queries of the benchmark that stand among the own."""
    repeated: Copies
    """Own queries that repeat an earlier own one."""
    weight: Floats
    """(n_benchmark,) weights that make the benchmark resemble the own queries."""
    map: QueryMap
    own_profile: Profile
    benchmark_profile: Profile


def compared(
    own: Mapping[str, str],
    benchmark: Mapping[str, str],
    own_embeddings: Floats,
    benchmark_embeddings: Floats,
    on_progress: OnProgress = silent,
) -> Comparison:
    """Lay a set beside a benchmark.

    Args:
        own: texts by query_id.
        benchmark: the same of the benchmark.
        own_embeddings: (n_own, dimension), in the order of `own`.
        benchmark_embeddings: (n_benchmark, dimension), of the same embedder.
        on_progress: told how far it is.

    Raises:
        DataError: a side is empty, or vectors are not aligned, NaN or of different embedders.
    """
    if not own or not benchmark:
        raise DataError("there is no query to compare on one of the sides")
    own_texts, their_texts = list(own.values()), list(benchmark.values())
    steps = iter(range(6))

    def next_step() -> None:
        on_progress(Progress("comparing", next(steps), 6))

    next_step()
    shared = shared_queries(own_texts, own_embeddings, their_texts, benchmark_embeddings)
    next_step()
    repeated = repeated_queries(own_texts, own_embeddings)
    next_step()
    weight, _ = similarity_weights(benchmark_embeddings, own_embeddings)
    next_step()
    tested = two_sample(
        own_embeddings,
        benchmark_embeddings,
        [group_key(text) for text in own_texts],
        [group_key(text) for text in their_texts],
        seed=SEED,
    )
    next_step()
    drawn = query_map(own_embeddings, benchmark_embeddings, seed=SEED)
    next_step()
    return Comparison(
        own_query_id=np.array(list(own), dtype=np.str_),
        benchmark_query_id=np.array(list(benchmark), dtype=np.str_),
        two_sample=tested,
        own_similarity=float(shared.own.cosine.mean()),
        benchmark_similarity=float(shared.theirs.cosine.mean()),
        own=shared.own,
        theirs=shared.theirs,
        repeated=repeated,
        weight=weight,
        map=drawn,
        own_profile=profile(own_texts),
        benchmark_profile=profile(their_texts),
    )


def is_of(found: Comparison, query_ids: Iterable[str]) -> bool:
    """True where a comparison is of exactly these own queries."""
    return set(found.own_query_id.tolist()) == set(query_ids)


def carried_over(
    found: Comparison,
    outcomes: PairOutcomes,
    strong_win_rate: Floats,
    own_scores: pd.DataFrame,
) -> Transported:
    """The benchmark's outcomes, weighted to resemble the own queries.

    Args:
        found: the comparison; benchmark queries that it does not know weigh nothing.
        outcomes: of the benchmark.
        strong_win_rate: (n_queries,) a router's scores of the benchmark, out of fold.
        own_scores: `query_id` and `strong_win_rate` of the own queries by the same router.

    Raises:
        DataError: no own query that was compared has a score.
    """
    weight_of = pd.Series(found.weight, index=found.benchmark_query_id)
    weight = weight_of.reindex(outcomes.query_id).fillna(0.0).to_numpy()
    scored = pd.Series(
        own_scores["strong_win_rate"].to_numpy(np.float32), index=own_scores["query_id"]
    ).reindex(found.own_query_id)
    is_scored = scored.notna().to_numpy()
    if not is_scored.any():
        raise DataError("no query that was compared has a score: score the set, or compare again")
    return Transported(
        outcomes=outcomes,
        strong_win_rate=strong_win_rate,
        own_strong_win_rate=scored.to_numpy()[is_scored],
        weight=weight,
        own_nearest=found.own.cosine[is_scored],
        two_sample=found.two_sample,
    )


# As a job


def work_on(
    folder: Path,
    plan: ComparisonPlan,
    store: Store,
    data_dir: Path,
    cache_dirs: tuple[Path, Path],
    on_progress: OnProgress = silent,
) -> None:
    """Compare as planned, in this process.

    Args:
        folder: of the job.
        plan: what to do.
        store: holds the texts; given back to others once they are read.
        data_dir: where the checkpoints of shipped routers lie; what they remember of a benchmark
            is not embedded again.
        cache_dirs: keep the vectors of the own queries, and those of the benchmark.
        on_progress: told how far it is.

    Raises:
        TextsError: texts of one of the sides are not on this machine.
        Cancelled: the process was asked to end (SIGTERM).
    """
    from routellm_core.routers.remembered_queries import remembered

    with jobs.at_work(folder, plan, on_progress) as context:
        own, benchmark = (_texts(store, name) for name in (plan.own_id, plan.benchmark_id))
        known = remembered(store, data_dir)
        store.release()
        embedder = sentence_embedder()
        own_embeddings = read_features(
            list(own.values()), embedder, cache_dirs[0], context.on_progress
        )
        places = {}
        if known is not None and known.embedder == embedder.name:
            places = {name: i for i, name in enumerate(known.text_hash.tolist())}
        hashes = [text_hash(text) for text in benchmark.values()]
        new = [
            text
            for text, name in zip(benchmark.values(), hashes, strict=True)
            if name not in places
        ]
        theirs = np.empty((len(hashes), own_embeddings.shape[1]), dtype=np.float32)
        is_known = np.array([name in places for name in hashes])
        if is_known.any() and known is not None:
            theirs[is_known] = known.embeddings[[places[n] for n in hashes if n in places]]
        if new:
            theirs[~is_known] = read_features(new, embedder, cache_dirs[1], context.on_progress)
        _write(folder, compared(own, benchmark, own_embeddings, theirs, context.on_progress))


def read_comparison(folder: Path) -> Comparison:
    """Result of a finished comparison.

    Raises:
        DataError: it is not finished.
    """
    job = jobs.read(folder)
    if job.status != "done":
        raise DataError(f"comparison {folder.name} is {job.status}")
    figures = files.read_json(folder / "figures.json")
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        of = {name: arrays[name] for name in arrays.files}
    copies = {
        name: Copies(*(of[f"{name}.{field}"] for field in Copies._fields))
        for name in ("own", "theirs", "repeated")
    }
    told = figures["told_apart"]
    return Comparison(
        own_query_id=of["own_query_id"],
        benchmark_query_id=of["benchmark_query_id"],
        two_sample=TwoSample(
            **told | {"interval": Interval(*told["interval"])},
            log_odds_own=of["log_odds_own"],
            log_odds_benchmark=of["log_odds_benchmark"],
        ),
        own_similarity=figures["own_similarity"],
        benchmark_similarity=figures["benchmark_similarity"],
        weight=of["weight"],
        map=QueryMap(
            **{field: of[f"map.{field}"] for field in QueryMap._fields[:-1]},
            variance_share=tuple(figures["variance_share"]),
        ),
        own_profile=_profile_of(figures["own_profile"]),
        benchmark_profile=_profile_of(figures["benchmark_profile"]),
        **copies,
    )


def _write(folder: Path, found: Comparison) -> None:
    arrays = {
        "own_query_id": found.own_query_id,
        "benchmark_query_id": found.benchmark_query_id,
        "log_odds_own": found.two_sample.log_odds_own,
        "log_odds_benchmark": found.two_sample.log_odds_benchmark,
        "weight": found.weight,
    }
    for name in ("own", "theirs", "repeated"):
        copies = getattr(found, name)
        arrays |= {f"{name}.{field}": getattr(copies, field) for field in Copies._fields}
    arrays |= {f"map.{field}": getattr(found.map, field) for field in QueryMap._fields[:-1]}
    np.savez(folder / "arrays.npz", **arrays)
    files.write_json(
        folder / "figures.json",
        figures(found) | {"variance_share": [float(share) for share in found.map.variance_share]},
    )


def figures(found: Comparison) -> dict[str, Any]:
    """Figures of the two sets, as JSON holds them.

    Returns:
        `told_apart` (AUC, its 95% interval, p-value and numbers of different texts), the mean
        cosines to the nearest query of the other set, the number of copies, and both profiles.
    """
    told = found.two_sample
    scalars = ("auc", "p_value", "n_own", "n_benchmark")
    copies = {"own": found.own, "theirs": found.theirs, "repeated": found.repeated}
    return {
        "told_apart": {name: getattr(told, name) for name in scalars}
        | {"interval": list(told.interval)},
        "own_similarity": found.own_similarity,
        "benchmark_similarity": found.benchmark_similarity,
        "copies": {
            name: {"word_for_word": of.n_exact, "nearly": of.n_near} for name, of in copies.items()
        },
        "own_profile": asdict(found.own_profile),
        "benchmark_profile": asdict(found.benchmark_profile),
    }


def _profile_of(document: dict[str, Any]) -> Profile:
    lists = {n: tuple(document[n]) for n in ("characters", "words")}
    return Profile(**{f.name: document[f.name] for f in fields(Profile)} | lists)


def _texts(store: Store, benchmark_id: str) -> dict[str, str]:
    """Texts of the queries that count, by query_id."""
    texts = store.query_texts(benchmark_id)
    if not texts:
        raise TextsError(
            f"the texts of {benchmark_id} are not on this machine, and comparing reads them: "
            "`make texts` with the dashboard closed, or another benchmark"
        )
    left_out = store.contaminated_ids(benchmark_id)
    kept = {name: text for name, text in texts.items() if name not in left_out}
    if not kept:
        raise DataError(
            f"all queries of {benchmark_id} with a text are left out of the figures: take some back"
        )
    return kept


def cache_dirs(store: Store, store_path: Path, plan: ComparisonPlan) -> tuple[Path, Path]:
    """Folders that keep the vectors of both sides; those of an own set go when the set goes."""
    workspace = Workspace(store_path)
    is_own = store.benchmark(plan.benchmark_id).origin == "user"
    theirs = workspace.set_dir(plan.benchmark_id) if is_own else cache_dir()
    return workspace.set_dir(plan.own_id), theirs


def main(folder: Path, store_path: Path) -> None:
    """Do the comparison of a folder, whose plan.json says what."""
    plan = ComparisonPlan.read(folder / "plan.json")
    with Store(store_path, read_only=True) as store:
        work_on(folder, plan, store, DATA_DIR, cache_dirs(store, store_path, plan))
