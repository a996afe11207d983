"""What ships and how it is made: routers fitted on golden labels, scored on what they never saw.

Every MMLU and GSM8K query is scored by a router fitted on the other four folds of both
(view `in_domain`); MT-Bench by the router fitted on all of MMLU and GSM8K (view `unseen_slices`),
which is also the checkpoint for new queries. Embedding is the long part: it is kept in a cache
folder chunk by chunk, so that a stopped run goes on where it was.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from routellm_core.embeddings import Embedder, SentenceEmbedder
from routellm_core.errors import TextsError
from routellm_core.labels import Battles, golden_battles, join_battles
from routellm_core.normalise import text_hash
from routellm_core.routers import router_class
from routellm_core.routers.base import EmbeddingRouter, Router
from routellm_core.routers.random import RandomRouter
from routellm_core.shipped import write_router
from routellm_core.store import Store
from routellm_core.training import folds_by_text, out_of_fold
from routellm_core.types import Floats, ModelPair

PAIR = ModelPair(weak="mistralai/Mixtral-8x7B-Instruct-v0.1", strong="gpt-4-1106-preview")
TRAINED_ON = ("mmlu", "gsm8k")
UNSEEN = ("mt_bench",)
ROUTERS = ("sw_ranking", "mf")
SEED = 0
TOLERANCE = 1e-3
"""Win rates of a rerun differ by less than this: sums of floats run in another order elsewhere."""
_CHUNK = 512

Report = Callable[[str], None]


def rescore(store: Store, data_dir: Path, cache_dir: Path, report: Report) -> None:
    """Fit and score every shipped router; writes `data/scores` and `data/routers`.

    Args:
        store: holds the outcomes and the query texts.
        data_dir: the project's `data/`.
        cache_dir: keeps embeddings between runs.
        report: told what is being done, a line at a time.

    Raises:
        TextsError: a query text is not in the store.
    """
    benchmarks = (*TRAINED_ON, *UNSEEN)
    outcomes = {b: store.pair_outcomes(b, PAIR, contaminated=True) for b in benchmarks}
    queries = {b: _query_texts(store, b, outcomes[b].query_id.tolist()) for b in benchmarks}
    embedder = SentenceEmbedder()
    embeddings = {b: cached_embeddings(queries[b], embedder, cache_dir, report) for b in benchmarks}

    parts = [outcomes[b] for b in TRAINED_ON]
    battles = join_battles([golden_battles(o) for o in parts], [o.n_queries for o in parts])
    seen_queries = [text for b in TRAINED_ON for text in queries[b]]
    seen_embeddings = np.concatenate([embeddings[b] for b in TRAINED_ON])
    fold = folds_by_text(seen_queries)

    def scores_frame(seen_scores: Floats, unseen_scores: dict[str, Floats]) -> pd.DataFrame:
        start, frames = 0, []
        for b in TRAINED_ON:
            rows = slice(start, start + outcomes[b].n_queries)
            start = rows.stop
            frames.append((b, "in_domain", seen_scores[rows], fold[rows]))
        frames += [(b, "unseen_slices", s, np.full(len(s), -1)) for b, s in unseen_scores.items()]
        return pd.concat(
            pd.DataFrame(
                {
                    "weak_model": PAIR.weak,
                    "strong_model": PAIR.strong,
                    "benchmark_id": b,
                    "query_id": outcomes[b].query_id,
                    "view": view,
                    "strong_win_rate": np.asarray(score, dtype=np.float32),
                    "fold": np.asarray(folds, dtype=np.int16),
                }
            )
            for b, view, score, folds in frames
        )

    for router_name in ("random", *ROUTERS):
        report(f"{router_name}: scoring out of fold, then fitting on everything")
        router: Router
        if router_name == "random":
            router, recipe, trained_on = RandomRouter(PAIR, seed=SEED), "none", []
            seen_scores = router.strong_win_rate(seen_queries)
            unseen_scores = {b: router.strong_win_rate(queries[b]) for b in UNSEEN}
        else:
            recipe, trained_on = "golden", list(TRAINED_ON)
            seen_scores = np.empty(len(fold), dtype=np.float32)

            def fit(
                embeddings: Floats, battles: Battles, name: str = router_name
            ) -> EmbeddingRouter:
                return fit_router(name, embeddings, battles)

            for k, scores in out_of_fold(fit, seen_embeddings, battles, fold):
                seen_scores[fold == k] = scores
            fitted = fit(seen_embeddings, battles)
            unseen_scores = {b: fitted.strong_win_rate_of(embeddings[b]) for b in UNSEEN}
            router = fitted
        write_router(data_dir, router, recipe, trained_on, scores_frame(seen_scores, unseen_scores))


def fit_router(router_name: str, embeddings: Floats, battles: Battles) -> EmbeddingRouter:
    """A router of that name for the shipped pair, with its default options."""
    kind: Any = router_class(router_name)
    fitted: EmbeddingRouter = kind.fit(PAIR, embeddings, battles, seed=SEED)
    return fitted


def cached_embeddings(
    queries: Sequence[str], embedder: Embedder, cache_dir: Path, report: Report
) -> Floats:
    """Embeddings of the queries, chunk by chunk from the cache or computed and put there.

    A chunk's file is named after the texts in it, so a changed text is never served a stale one.

    Returns:
        (n_queries, dimension) float32.
    """
    folder = cache_dir / "embeddings" / embedder.name.replace("/", "--")
    folder.mkdir(parents=True, exist_ok=True)
    by_length = sorted(range(len(queries)), key=lambda i: len(queries[i]))
    parts = []
    for start in range(0, len(queries), _CHUNK):
        chunk = [queries[i] for i in by_length[start : start + _CHUNK]]
        path = folder / f"{text_hash(chr(0).join(map(text_hash, chunk)))}.npy"
        if not path.exists():
            report(f"embedding queries {start + 1:,} to {start + len(chunk):,} of {len(queries):,}")
            aside = path.with_suffix(".part")
            with aside.open("wb") as file:
                np.save(file, embedder.embed(chunk))
            aside.replace(path)
        parts.append(np.load(path, allow_pickle=False))
    embeddings = np.concatenate(parts)
    in_order = np.empty_like(embeddings)
    in_order[by_length] = embeddings
    return in_order


def _query_texts(store: Store, benchmark_id: str, query_ids: Sequence[str]) -> list[str]:
    """The texts in the order of the ids.

    Raises:
        TextsError: some are missing.
    """
    texts = store.query_texts(benchmark_id)
    missing = sum(query_id not in texts for query_id in query_ids)
    if missing:
        raise TextsError(
            f"{missing:,} of {len(query_ids):,} query texts of {benchmark_id!r} are not on this "
            "machine: run `make texts`, with ROUTELLM=path/to/checkout for those no registry has"
        )
    return [texts[query_id] for query_id in query_ids]
