"""What ships and how it is made: routers fitted on golden labels, scored on what they never saw.

Three ways of not having seen a query, each a view of its own:

- `in_domain`: MMLU and GSM8K together in five folds by normalised text; each fold is scored by the
  router fitted on the other four.
- `unseen_slices`: whole subjects of MMLU left out, in five groups, and GSM8K as a sixth, so that
  it is scored from MMLU's labels alone.
- `untouched`: MT-Bench, which no shipped router learns from, is scored by the router fitted on
  everything; that is also the checkpoint for new queries.

Turning queries into vectors is the long part: it is kept in a cache folder chunk by chunk, so that
a stopped run goes on where it was.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from routellm_core.embeddings import Embedder, JoinedEmbedder
from routellm_core.errors import TextsError
from routellm_core.labels import Battles, golden_battles, join_battles
from routellm_core.normalise import text_hash
from routellm_core.routers import router_class
from routellm_core.routers.base import EmbeddingRouter
from routellm_core.shipped import write_router
from routellm_core.store import Store
from routellm_core.training import folds_by_text, groups_of_slices, out_of_fold
from routellm_core.types import Floats, Ints, ModelPair, PairOutcomes

PAIR = ModelPair(weak="mistralai/Mixtral-8x7B-Instruct-v0.1", strong="gpt-4-1106-preview")
TRAINED_ON = ("mmlu", "gsm8k")
UNSEEN = ("mt_bench",)
SHIPPED = ("random", "sw_ranking", "mf")
SEED = 0
TOLERANCE = 1e-3
"""Win rates of a rerun differ by less than this: sums of floats run in another order elsewhere."""
_CHUNK = 512

Report = Callable[[str], None]


class Part(NamedTuple):
    """A benchmark as it is trained on and scored: outcomes and texts in the same order."""

    benchmark_id: str
    outcomes: PairOutcomes
    queries: list[str]


def rescore(
    store: Store,
    data_dir: Path,
    cache_dir: Path,
    report: Report,
    router_names: Sequence[str] = SHIPPED,
) -> None:
    """Fit and score shipped routers; writes `data/scores` and `data/routers`.

    Args:
        store: holds the outcomes and the query texts.
        data_dir: the project's `data/`.
        cache_dir: keeps vectors and weights between runs.
        report: told what is being done, a line at a time.
        router_names: which; each is written as soon as it is done.

    Raises:
        TextsError: a query text is not in the store.
    """
    seen = [_part(store, benchmark_id) for benchmark_id in TRAINED_ON]
    unseen = [_part(store, benchmark_id) for benchmark_id in UNSEEN]
    battles = join_battles(
        [golden_battles(part.outcomes) for part in seen], [len(part.queries) for part in seen]
    )
    folds = {
        "in_domain": folds_by_text([text for part in seen for text in part.queries]),
        "unseen_slices": groups_of_slices([part.outcomes for part in seen]),
    }
    for router_name in router_names:
        if router_name == "random":
            _ship_random(data_dir, seen, unseen)
            continue
        embedder = _embedder(router_name, cache_dir)
        read = partial(cached_vectors, embedder=embedder, cache_dir=cache_dir, report=report)
        vectors = np.concatenate([read(part.queries) for part in seen])
        fit = partial(fit_router, router_name)
        frames = []
        for view, fold in folds.items():
            scores = np.empty(len(fold), dtype=np.float32)
            for k, fold_scores in out_of_fold(fit, vectors, battles, fold):
                report(f"{router_name}: {view}, fold {k + 1} of {fold.max() + 1}")
                scores[fold == k] = fold_scores
            frames += _frames(seen, view, scores, fold)
        report(f"{router_name}: fitting on everything")
        router = fit(vectors, battles)
        for part in unseen:
            scores = router.strong_win_rate_of(read(part.queries))
            frames += _frames([part], "untouched", scores, np.full(len(scores), -1))
        write_router(data_dir, router, "golden", list(TRAINED_ON), pd.concat(frames))


def fit_router(router_name: str, vectors: Floats, battles: Battles) -> EmbeddingRouter:
    """A router of that name for the shipped pair, with its default options."""
    kind: Any = router_class(router_name)
    fitted: EmbeddingRouter = kind.fit(PAIR, vectors, battles, seed=SEED)
    return fitted


def cached_vectors(
    queries: Sequence[str], embedder: Embedder, cache_dir: Path, report: Report
) -> Floats:
    """Vectors of the queries, chunk by chunk from the cache or computed and put there.

    A chunk's file is named after the texts in it, so a changed text is never served a stale one.

    Returns:
        (n_queries, dimension) float32.
    """
    if isinstance(embedder, JoinedEmbedder):
        parts = [cached_vectors(queries, part, cache_dir, report) for part in embedder.parts]
        return np.concatenate(parts, axis=1)
    folder = cache_dir / "embeddings" / embedder.name.replace("/", "--")
    folder.mkdir(parents=True, exist_ok=True)
    by_length = sorted(range(len(queries)), key=lambda i: len(queries[i]))
    chunks = []
    for start in range(0, len(queries), _CHUNK):
        chunk = [queries[i] for i in by_length[start : start + _CHUNK]]
        path = folder / f"{text_hash(chr(0).join(map(text_hash, chunk)))}.npy"
        if not path.exists():
            report(f"{embedder.name}: queries {start + 1:,} to {start + len(chunk):,}")
            aside = path.with_suffix(".part")
            with aside.open("wb") as file:
                np.save(file, embedder.embed(chunk))
            aside.replace(path)
        chunks.append(np.load(path, allow_pickle=False))
    vectors = np.concatenate(chunks)
    in_order = np.empty_like(vectors)
    in_order[by_length] = vectors
    return in_order


def _embedder(router_name: str, cache_dir: Path) -> Embedder:
    """The router's embedder; default weights that are fetched lie in the cache folder."""
    from routellm_core.causal_states import CausalStates

    kind: Any = router_class(router_name)
    embedder: Embedder = kind.default_embedder()
    for part in embedder.parts if isinstance(embedder, JoinedEmbedder) else (embedder,):
        if isinstance(part, CausalStates):
            part.weights_dir = cache_dir / "weights"
    return embedder


def _ship_random(data_dir: Path, seen: list[Part], unseen: list[Part]) -> None:
    from routellm_core.routers.random import RandomRouter

    router = RandomRouter(PAIR, seed=SEED)
    frames = []
    for parts, view in ((seen, "in_domain"), (unseen, "untouched")):
        for part in parts:
            scores = router.strong_win_rate(part.queries)
            frames += _frames([part], view, scores, np.full(len(scores), -1))
    write_router(data_dir, router, "none", [], pd.concat(frames))


def _frames(parts: list[Part], view: str, scores: Floats, fold: Ints) -> list[pd.DataFrame]:
    """The rows of `data/scores` for scores that run over the parts' queries one after another."""
    ends = np.cumsum([len(part.queries) for part in parts])[:-1]
    return [
        pd.DataFrame(
            {
                "weak_model": PAIR.weak,
                "strong_model": PAIR.strong,
                "benchmark_id": part.benchmark_id,
                "query_id": part.outcomes.query_id,
                "view": view,
                "strong_win_rate": part_scores.astype(np.float32),
                "fold": part_fold.astype(np.int16),
            }
        )
        for part, part_scores, part_fold in zip(
            parts, np.split(scores, ends), np.split(fold, ends), strict=True
        )
    ]


def _part(store: Store, benchmark_id: str) -> Part:
    """Outcomes and texts of all queries, contaminated ones too.

    Raises:
        TextsError: some texts are missing.
    """
    outcomes = store.pair_outcomes(benchmark_id, PAIR, contaminated=True)
    texts = store.query_texts(benchmark_id)
    missing = sum(query_id not in texts for query_id in outcomes.query_id)
    if missing:
        raise TextsError(
            f"{missing:,} of {outcomes.n_queries:,} query texts of {benchmark_id!r} are not on "
            "this machine: run `make texts`, with ROUTELLM=path/to/checkout for those no registry "
            "has"
        )
    return Part(benchmark_id, outcomes, [texts[query_id] for query_id in outcomes.query_id])
