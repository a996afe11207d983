"""From a training set to a router and honest scores: by routers that never saw the query.

Three ways of not having seen a query, each a view of its own:

- `in_domain`: the golden benchmarks together in five folds by normalised text; each fold is scored
  by the router fitted on the other four, and on all judged battles.
- `unseen_slices`: whole slices of the first benchmark left out, in five groups, and each further
  benchmark as a group of its own, so that it is scored from the others' labels alone.
- `untouched`: a benchmark that gave no label is scored by the router fitted on everything, which
  is also the checkpoint for new queries.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from routellm_core.embedders.sentence import sentence_embedder
from routellm_core.embedders.vector_cache import read_features
from routellm_core.errors import DataError
from routellm_core.files import whole
from routellm_core.jobs.progress import OnProgress, Progress, silent
from routellm_core.routers import load_router, router_class
from routellm_core.routers.base import LearnedRouter
from routellm_core.routers.fold_checkpoints import HELD_OUT_FOLD, save_fold_checkpoint
from routellm_core.text_keys import group_key, text_hash
from routellm_core.training.decontamination import same_text
from routellm_core.training.labels import battles_of
from routellm_core.training.recipes import TrainingPart, TrainingSet, in_tiers, leaks, without
from routellm_core.types import N_FOLDS, Floats, Ints, ModelPair, PairOutcomes

VIEWS_OF_GOLDEN = ("in_domain", "unseen_slices")
_COLUMNS = [
    *("weak_model", "strong_model", "benchmark_id", "query_id", "view", "strong_win_rate", "fold")
]


class Trained(NamedTuple):
    """Result of a training."""

    router: LearnedRouter
    """Fitted on everything."""
    scores: pd.DataFrame
    """Columns weak_model, strong_model, benchmark_id, query_id, view, strong_win_rate, fold."""
    n_dropped: int
    """Training queries that were left out because they stand in a benchmark to be scored."""


def train(
    training: TrainingSet,
    router_name: str,
    *,
    scored: Sequence[TrainingPart] = (),
    views: Sequence[str] = VIEWS_OF_GOLDEN,
    cache_dir: Path,
    work_dir: Path,
    seed: int = 0,
    config: Any = None,
    on_progress: OnProgress = silent,
    known: Mapping[str, Trained] | None = None,
    fold_checkpoint_dir: Path | None = None,
) -> Trained:
    """Fit a router and score benchmarks with it.

    Args:
        training: from `recipes.training_set`.
        router_name: of the registry.
        scored: benchmarks that give no label, for any pair of models.
        views: which out-of-fold views of the golden benchmarks to make.
        cache_dir: keeps vectors and weights between runs.
        work_dir: keeps finished folds and an unfinished fit, so that a stopped training goes on;
            it belongs to these very arguments and is removed at the end.
        seed: of whatever is random in a fit.
        config: the router's options; by default its own.
        on_progress: told how far it is; what it raises ends the work.
        known: members of `stacked` that are trained already, with the same arguments.
        fold_checkpoint_dir: where the router that scores fold 0 in domain is saved, see
            `fold_checkpoints`; None: it is not kept. `stacked` has none.
    """
    if router_name == "stacked":
        return _train_stacked(
            training, scored, views, cache_dir, work_dir, seed, config, on_progress, known
        )
    training, n_dropped = _without_leaks(training, scored, cache_dir, on_progress)
    embedder = embedder_of(router_name, config, cache_dir)
    fit = _Fit(router_name, training, embedder, work_dir, seed, config, on_progress)
    features = read_features(training.queries, embedder, cache_dir, on_progress)
    frames: list[pd.DataFrame] = []
    for view in views if training.parts else ():
        frames += _score_folds(
            training,
            view,
            features,
            fit,
            work_dir,
            fold_checkpoint_dir if view == "in_domain" else None,
        )
    router = fit(features, np.ones(len(features), dtype=bool), "on everything")
    # A benchmark may stand here for several pairs; each of its queries is read once.
    asked = list(dict.fromkeys(query for part in scored for query in part.queries))
    if asked:
        rates = router.strong_win_rate_of(read_features(asked, embedder, cache_dir, on_progress))
        rate_of = dict(zip(asked, rates, strict=True))
        for part in scored:
            of_part = np.array([rate_of[query] for query in part.queries], dtype=np.float32)
            frames.append(score_frame(part, "untouched", of_part))
    shutil.rmtree(work_dir, ignore_errors=True)
    return Trained(router, _joined(frames), n_dropped)


class _Fit:
    """Fits one router to what it may see of a training set."""

    def __init__(
        self,
        router_name: str,
        training: TrainingSet,
        embedder: Any,
        work_dir: Path,
        seed: int,
        config: Any,
        on_progress: OnProgress,
    ) -> None:
        self.kind: Any = router_class(router_name)
        self.model_pair = training.model_pair
        self.queries = training.queries
        # `mf` learns a vector for each model; the others learn from tiers.
        self.battles = training.battles if router_name == "mf" else in_tiers(training)
        self.embedder, self.work_dir = embedder, work_dir
        self.seed, self.config, self.on_progress = seed, config, on_progress

    def __call__(self, features: Any, seen: NDArray[np.bool_], name: str) -> LearnedRouter:
        fitted: LearnedRouter = self.kind.fit(
            self.model_pair,
            features[seen],
            battles_of(self.battles, seen),
            seed=self.seed,
            config=self.config,
            embedder=self.embedder,
            on_progress=lambda progress: self.on_progress(
                progress._replace(stage=f"{name}: {progress.stage}")
            ),
            resume_dir=self.work_dir,
        )
        fitted.remember_queries([text_hash(query) for query in compress(self.queries, seen)])
        return fitted


def _score_folds(
    training: TrainingSet,
    view: str,
    features: Any,
    fit: _Fit,
    work_dir: Path,
    fold_checkpoint_dir: Path | None = None,
    n_labels: int | None = None,
) -> Iterator[pd.DataFrame]:
    """Scores of the golden benchmarks, each fold by a router that saw the others.

    With `n_labels` it saw so many queries of them at the most, drawn by the seed of the fit.
    """
    fold = folds_of(training, view)
    place = np.random.default_rng(fit.seed).permutation(len(fold))
    n_folds = int(fold.max()) + 1
    scores = np.empty(len(fold), dtype=np.float32)
    for k in range(n_folds):
        kept = work_dir / f"{view}-{k}.npy"
        if not kept.exists():
            name = f"{view.replace('_', ' ')}, fold {k + 1} of {n_folds}"
            fit.on_progress(Progress(name, k, n_folds))
            asked = fold == k
            # A text may stand in several slices, so leaving out a slice may not be enough.
            repeated = same_text(list(compress(training.queries, asked)), training.queries)
            seen = ~repeated
            if n_labels is not None and seen.sum() > n_labels:
                seen &= place <= np.sort(place[seen])[n_labels - 1]
            router = fit(features, seen, name)
            if k == HELD_OUT_FOLD and fold_checkpoint_dir is not None:
                save_fold_checkpoint(router, fold_checkpoint_dir)
            _write_array(router.strong_win_rate_of(features[asked]), kept)
        scores[fold == k] = np.load(kept, allow_pickle=False)
    return _frames(training, view, scores, fold)


def scores_of_fewer_labels(
    training: TrainingSet,
    router_name: str,
    n_labels: int,
    *,
    cache_dir: Path,
    work_dir: Path,
    seed: int = 0,
    config: Any = None,
    on_progress: OnProgress = silent,
) -> Floats:
    """Scores of a training set of one golden benchmark, out of fold, by routers of fewer labels.

    Args:
        training: from `recipes.training_set`.
        router_name: of the registry, but not `stacked`.
        n_labels: queries that each router learns from, at the most; smaller draws lie in larger.
        cache_dir: keeps vectors between runs.
        work_dir: keeps finished folds, as for `train`.
        seed: of the draw and of whatever is random in a fit.
        config: the router's options; by default its own.
        on_progress: told how far it is.

    Returns:
        (n_queries,) in the order of the benchmark's outcomes.
    """
    embedder = embedder_of(router_name, config, cache_dir)
    features = read_features(training.queries, embedder, cache_dir, on_progress)
    fit = _Fit(router_name, training, embedder, work_dir, seed, config, on_progress)
    (frame,) = _score_folds(training, "in_domain", features, fit, work_dir, n_labels=n_labels)
    shutil.rmtree(work_dir, ignore_errors=True)
    return np.asarray(frame["strong_win_rate"], dtype=np.float32)


def _train_stacked(
    training: TrainingSet,
    scored: Sequence[TrainingPart],
    views: Sequence[str],
    cache_dir: Path,
    work_dir: Path,
    seed: int,
    config: Any,
    on_progress: OnProgress,
    known: Mapping[str, Trained] | None,
) -> Trained:
    """Members first; the stack then learns from their out-of-fold scores alone."""
    from routellm_core.routers.configs import StackedConfig
    from routellm_core.routers.stacked import MemberScores

    if not training.parts:
        raise DataError("stacked weighs its members by golden labels: name a benchmark for them")
    config = config or StackedConfig()
    wanted = tuple(dict.fromkeys(["in_domain", *views]))
    members = dict(known or {})
    for name in config.members:
        if name in members:
            continue
        finished = work_dir / f"{name}-finished"
        if (finished / "scores.parquet").exists():
            members[name] = read_trained(finished, finished / "scores.parquet")
            continue
        members[name] = train(
            training,
            name,
            scored=scored,
            views=wanted,
            cache_dir=cache_dir,
            work_dir=work_dir / name,
            seed=seed,
            on_progress=_named(on_progress, name),
        )
        members[name].router.save(finished)
        members[name].scores.to_parquet(finished / "scores.parquet", index=False)
    members = {name: members[name] for name in config.members}
    training, n_dropped = _without_leaks(training, scored, cache_dir, on_progress)
    golden = training._replace(
        queries=training.queries[: training.n_golden],
        battles=battles_of(training.battles, np.arange(len(training.queries)) < training.n_golden),
    )
    embedder = MemberScores({name: member.router for name, member in members.items()})
    fit = _Fit("stacked", golden, embedder, work_dir, seed, config, on_progress)
    frames: list[pd.DataFrame] = []
    for view in wanted:
        features = np.stack(
            [_aligned(m.scores, view, golden.parts) for m in members.values()], axis=1
        )
        if view == "in_domain":
            router = fit(features, np.ones(len(features), dtype=bool), "on everything")
        if view in views:
            frames += _score_folds(golden, view, features, fit, work_dir / view)
    for part in scored:
        features = np.stack(
            [_aligned(m.scores, "untouched", [part]) for m in members.values()], axis=1
        )
        frames.append(score_frame(part, "untouched", router.strong_win_rate_of(features)))
    shutil.rmtree(work_dir, ignore_errors=True)
    return Trained(router, _joined(frames), n_dropped)


def read_trained(checkpoint_dir: Path, scores_path: Path) -> Trained:
    """A router and its scores as they were written; what it dropped is not known any more."""
    router = load_router(checkpoint_dir)
    return Trained(router, pq.read_table(scores_path).to_pandas(), 0)  # type: ignore[arg-type]


def _named(on_progress: OnProgress, name: str) -> OnProgress:
    """Tells the watcher whose stage it is."""
    return lambda progress: on_progress(progress._replace(stage=f"{name}, {progress.stage}"))


def _aligned(scores: pd.DataFrame, view: str, parts: Sequence[TrainingPart]) -> Floats:
    """A member's scores in the order of the parts' queries."""
    found = []
    for part in parts:
        rows = scores[
            (scores["view"] == view)
            & (scores["benchmark_id"] == part.benchmark_id)
            & (scores["weak_model"] == part.outcomes.model_pair.weak)
            & (scores["strong_model"] == part.outcomes.model_pair.strong)
        ].set_index("query_id")["strong_win_rate"]
        found.append(rows.reindex(part.outcomes.query_id).to_numpy(np.float32))
    return np.concatenate(found)


def embedder_of(router_name: str, config: Any = None, cache_dir: Path | None = None) -> Any:
    """Embedder of the router; default weights that are fetched go to the cache."""
    from routellm_core.embedders.causal_lm import CausalStates
    from routellm_core.embedders.sentence import JoinedEmbedder

    kind: Any = router_class(router_name)
    embedder = kind.default_embedder(config)
    for part in embedder.parts if isinstance(embedder, JoinedEmbedder) else (embedder,):
        if cache_dir is not None and isinstance(part, CausalStates):
            part.weights_dir = cache_dir / "weights"
    return embedder


def folds_of(training: TrainingSet, view: str) -> Ints:
    """Fold of each training query in a view; -1 for judged ones, which every fit may see."""
    if view == "in_domain":
        fold = folds_by_text(training.queries[: training.n_golden])
    else:
        fold = groups_of_slices([part.outcomes for part in training.parts])
    judged = np.full(len(training.queries) - training.n_golden, -1)
    return np.concatenate([fold, judged])


def folds_by_text(queries: Sequence[str], n_folds: int = N_FOLDS) -> Ints:
    """Fold of each query, from a hash of its normalised text.

    Equal texts share a fold, so no router is judged on a query it was trained on; no seed is
    needed and a query keeps its fold when others come or go.

    Returns:
        (n_queries,) in 0 .. n_folds - 1.
    """
    return np.array([int(group_key(query)[:15], 16) % n_folds for query in queries])


def groups_of_slices(parts: Sequence[PairOutcomes], n_groups: int = N_FOLDS) -> Ints:
    """Group of each query so that a slice is never split: what a router scores, it never saw.

    The slices of the first benchmark are dealt into groups of like size, largest slice first; each
    further benchmark is a group of its own.

    Returns:
        (n_queries of all parts,) in 0 .. n_groups + len(parts) - 2, parts one after another.
    """
    first = parts[0]
    n_in_slice = np.bincount(first.slice_code, minlength=len(first.slices))
    n_in_group = np.zeros(n_groups, dtype=np.int64)
    group_of_slice = np.empty(len(first.slices), dtype=np.int64)
    for code in np.argsort(-n_in_slice, kind="stable"):
        group_of_slice[code] = n_in_group.argmin()
        n_in_group[group_of_slice[code]] += n_in_slice[code]
    others = [np.full(part.n_queries, n_groups + i) for i, part in enumerate(parts[1:])]
    return np.concatenate([group_of_slice[first.slice_code], *others])


def score_frame(
    part: TrainingPart,
    view: str,
    scores: Floats,
    fold: Ints | None = None,
    model_pair: ModelPair | None = None,
) -> pd.DataFrame:
    """The rows of a part's scores, as `Trained.scores` has them."""
    pair = model_pair or part.outcomes.model_pair
    return pd.DataFrame(
        {
            "weak_model": pair.weak,
            "strong_model": pair.strong,
            "benchmark_id": part.benchmark_id,
            "query_id": part.outcomes.query_id,
            "view": view,
            "strong_win_rate": scores.astype(np.float32),
            "fold": np.int16(-1) if fold is None else fold.astype(np.int16),
        }
    )


def _joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All rows as one table; its columns alone where nothing was scored."""
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=_COLUMNS)


def _frames(training: TrainingSet, view: str, scores: Floats, fold: Ints) -> Iterator[pd.DataFrame]:
    """Rows for scores that run over the golden parts' queries first, one after another."""
    start = 0
    for part in training.parts:
        place = slice(start, start + len(part.queries))
        yield score_frame(part, view, scores[place], fold[place])
        start = place.stop


def _without_leaks(
    training: TrainingSet, scored: Sequence[TrainingPart], cache_dir: Path, on_progress: OnProgress
) -> tuple[TrainingSet, int]:
    """The training set without what stands in a benchmark to be scored, and how many queries."""
    judged = len(training.queries) > training.n_golden
    checked = [*(training.parts if judged else ()), *scored]
    if not checked:
        return training, 0
    embedder = sentence_embedder()
    embeddings = read_features(training.queries, embedder, cache_dir, on_progress)
    leaking = leaks(
        training,
        embeddings,
        [(part, read_features(part.queries, embedder, cache_dir, on_progress)) for part in checked],
    )
    return without(training, leaking), int(leaking.sum())


def _write_array(array: Floats, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as aside:
        np.save(aside, array)
