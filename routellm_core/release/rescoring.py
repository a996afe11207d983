"""Routers that ship, by recipe, and the benchmarks that each of them scores.

| router                          | recipe      | views                                     |
|---------------------------------|-------------|-------------------------------------------|
| random                          | none        | in_domain, untouched                      |
| sw_ranking mf causal_llm bert   | golden      | in_domain, unseen_slices, untouched       |
| stacked                         | golden      | in_domain, unseen_slices, untouched       |
| sw_ranking mf                   | chat+golden | in_domain, untouched                      |
| sw_ranking mf                   | chat        | untouched                                 |
| sw_ranking mf causal_llm        | golden-1500 | in_domain, each from 1,500 labels of MMLU |
| sw_ranking mf causal_llm        | own-pair    | in_domain, on MMLU-Pro's pairs            |

`in_domain` and `unseen_slices` are on MMLU and GSM8K. `untouched` is MT-Bench, and without any
retraining pairs of other models on MMLU-Pro and MT-Bench (after arXiv 2406.18665, table 4), for
recipe `golden` on OmnisBench too; a recipe without golden labels is untouched by MMLU and GSM8K as
well. Only `golden` ships with weights; the other recipes show what they are worth.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from routellm_core.embedders.sentence import sentence_embedder
from routellm_core.embedders.vector_cache import read_features
from routellm_core.errors import RoutingError
from routellm_core.jobs.progress import OnProgress
from routellm_core.release.shipped_data import write_router, write_similarities
from routellm_core.routers import load_router, router_class
from routellm_core.routers.fold_checkpoints import fold_checkpoint_name
from routellm_core.store import Store
from routellm_core.training.cross_fitting import (
    Trained,
    embedder_of,
    folds_by_text,
    score_frame,
    train,
)
from routellm_core.training.decontamination import benchmark_similarity
from routellm_core.training.labels import battles_of
from routellm_core.training.recipes import (
    RECIPES,
    Recipe,
    TrainingPart,
    TrainingSet,
    benchmark_part,
    training_set,
)
from routellm_core.types import ModelPair

PAIR = ModelPair(weak="mistralai/Mixtral-8x7B-Instruct-v0.1", strong="gpt-4-1106-preview")
SEED = 0
N_FEW = 1500
"""Labels that `golden-1500` learns from."""

UNSEEN_PAIRS = (
    ("mt_bench", ModelPair("mistralai/Mixtral-8x7B-Instruct-v0.1", "claude-3-opus-20240229")),
    ("mt_bench", ModelPair("llama2_chat_7b", "claude-3-5-sonnet-20240620")),
    ("mmlu_pro", ModelPair("Meta-Llama-3_1-8B-Instruct", "Meta-Llama-3_1-70B-Instruct")),
    ("mmlu_pro", ModelPair("gemini-1.5-flash-002", "gemini-1.5-pro-002")),
    ("mmlu_pro", ModelPair("Mixtral-8x7B-Instruct-v0.1", "Meta-Llama-3_1-70B-Instruct")),
)
"""Scored by routers that were trained on another pair."""
NEWER_PAIR = ("omnisbench", ModelPair("openai/gpt-5-nano", "anthropic/claude-opus-5"))
"""Models of 2026, scored by the recipe that ships with weights."""


class Shipment(NamedTuple):
    """One trained router of the table above."""

    router_name: str
    recipe: str

    @property
    def router_id(self) -> str:
        return f"{self.router_name}-{self.recipe}"


SHIPPED = (
    Shipment("random", "none"),
    *(Shipment(name, "golden") for name in ("sw_ranking", "mf", "causal_llm", "bert", "stacked")),
    *(Shipment(name, "chat+golden") for name in ("sw_ranking", "mf")),
    *(Shipment(name, "chat") for name in ("sw_ranking", "mf")),
    *(Shipment(name, "golden-1500") for name in ("sw_ranking", "mf", "causal_llm")),
    *(Shipment(name, "own-pair") for name in ("sw_ranking", "mf", "causal_llm")),
)

Report = Callable[[str], None]


class Places(NamedTuple):
    """Folders: the project's `data/`, and the cache of vectors, weights and unfinished work."""

    data: Path
    cache: Path


def rescore(
    store: Store,
    places: Places,
    report: Report,
    on_progress: OnProgress,
    shipments: Sequence[Shipment] = SHIPPED,
) -> list[str]:
    """Fit and score shipped routers; writes `data/scores`, `data/routers`, `data/similarity.json`.

    A router that was stopped half way goes on where it was; a finished one is fitted again.

    Args:
        store: holds outcomes, battles and query texts.
        places: where things lie.
        report: told which router is next, a line each.
        on_progress: told how far it is.
        shipments: which; each is written as soon as it is done.

    Returns:
        What could not be done and why, a sentence each: battles or texts that are not here.
    """
    failures = []
    makers: Mapping[str, Callable[..., None]] = {
        "none": _ship_random,
        "golden-1500": _ship_few_labels,
        "own-pair": _ship_own_pairs,
    }
    for shipment in shipments:
        report(f"{shipment.router_id}")
        make = makers.get(shipment.recipe, _ship_trained)
        try:
            make(store, places, on_progress, shipment)
        except RoutingError as error:
            failures.append(f"{shipment.router_id}: {error}")
            report(failures[-1])
    _ship_similarities(store, places, on_progress, report)
    return failures


def _ship_trained(
    store: Store, places: Places, on_progress: OnProgress, shipment: Shipment
) -> None:
    recipe = RECIPES[shipment.recipe]
    training = training_set(store, recipe, PAIR)
    known = {}
    if shipment.router_name == "stacked":
        shipped = (s for s in SHIPPED if s.recipe == recipe.name and s != shipment)
        known = {s.router_name: t for s in shipped if (t := _shipped(places.data, s))}
    trained = train(
        training,
        shipment.router_name,
        scored=[*_untouched(store, recipe)],
        views=("in_domain", "unseen_slices") if recipe.name == "golden" else ("in_domain",),
        cache_dir=places.cache,
        work_dir=places.cache / "unfinished" / shipment.router_id,
        seed=SEED,
        on_progress=on_progress,
        known=known,
        fold_checkpoint_dir=_left_out_dir(places.data, shipment),
    )
    write_router(
        places.data,
        trained.router,
        recipe.name,
        recipe.trained_on,
        trained.scores,
        weights=recipe.name == "golden",
    )


def _left_out_dir(data_dir: Path, shipment: Shipment) -> Path | None:
    """Folder of the router that scored fold 0; None for a router without weights."""
    weights = shipment.recipe == "golden"
    return data_dir / "routers" / fold_checkpoint_name(shipment.router_id) if weights else None


def _ship_random(store: Store, places: Places, on_progress: OnProgress, shipment: Shipment) -> None:
    from routellm_core.routers.random import RandomRouter

    router = RandomRouter(PAIR, seed=SEED)
    frames = []
    for benchmark_id in ("mmlu", "gsm8k", "mt_bench"):
        part = benchmark_part(store, benchmark_id, PAIR)
        view = "untouched" if benchmark_id == "mt_bench" else "in_domain"
        frames.append(score_frame(part, view, router.strong_win_rate(part.queries)))
    write_router(places.data, router, shipment.recipe, [], pd.concat(frames))


def _ship_few_labels(
    store: Store, places: Places, on_progress: OnProgress, shipment: Shipment
) -> None:
    """Every query of MMLU scored by a router that learned from about 1,500 others' labels.

    MMLU is cut into parts by text; what one part teaches scores the next, so that every query has
    one score and the score's router never saw it.
    """
    training = training_set(store, Recipe(shipment.recipe, ("mmlu",), ()), PAIR)
    part = training.parts[0]
    n_parts = len(part.queries) // N_FEW
    fold = folds_by_text(part.queries, n_parts)
    embedder = embedder_of(shipment.router_name, None, places.cache)
    features = read_features(part.queries, embedder, places.cache, on_progress)
    scores = np.empty(len(fold), dtype=np.float32)
    kind = router_class(shipment.router_name)
    router = None
    for k in range(n_parts):
        taught = fold == (k - 1) % n_parts
        router = kind.fit(  # type: ignore[attr-defined]
            PAIR,
            features[taught],
            battles_of(training.battles, taught),
            seed=SEED,
            embedder=embedder,
        )
        scores[fold == k] = router.strong_win_rate_of(features[fold == k])
    assert router is not None
    frame = score_frame(part, "in_domain", scores, fold)
    write_router(places.data, router, shipment.recipe, ["mmlu"], frame, weights=False)


def _ship_own_pairs(
    store: Store, places: Places, on_progress: OnProgress, shipment: Shipment
) -> None:
    """MMLU-Pro's pairs by routers of their own outcomes, out of fold: what knowing it adds."""
    pairs = [place for place in UNSEEN_PAIRS if place[0] == "mmlu_pro"]
    for number, (benchmark_id, pair) in enumerate(pairs, start=1):
        router_id = f"{shipment.router_id}-{number}"
        trained = train(
            training_set(store, Recipe(shipment.recipe, (benchmark_id,), ()), pair),
            shipment.router_name,
            views=("in_domain",),
            cache_dir=places.cache,
            work_dir=places.cache / "unfinished" / router_id,
            seed=SEED,
            on_progress=on_progress,
        )
        write_router(
            places.data,
            trained.router,
            shipment.recipe,
            [benchmark_id],
            trained.scores,
            router_id,
            weights=False,
        )


def _untouched(store: Store, recipe: Recipe) -> Iterator[TrainingPart]:
    """Benchmark parts that the recipe's routers may be judged on without folds."""
    for benchmark_id in ("mmlu", "gsm8k", "mt_bench"):
        if benchmark_id not in recipe.golden:
            yield benchmark_part(store, benchmark_id, PAIR)
    newer = (NEWER_PAIR,) if recipe.name == "golden" else ()
    for benchmark_id, pair in (*UNSEEN_PAIRS, *newer) if recipe.golden else ():
        yield benchmark_part(store, benchmark_id, pair)


def _shipped(data_dir: Path, shipment: Shipment) -> Trained | None:
    """A router as it ships already, for the stack to stand on."""
    folder = data_dir / "routers" / shipment.router_id
    path = data_dir / "scores" / f"{shipment.router_id}.parquet"
    if not folder.is_dir() or not path.is_file():
        return None
    router = load_router(folder)
    return Trained(router, pq.read_table(path).to_pandas(), 0)  # type: ignore[arg-type]


def _ship_similarities(
    store: Store, places: Places, on_progress: OnProgress, report: Report
) -> None:
    """S(B, D) of each recipe and benchmark, as the paper's table 5."""
    embedder = sentence_embedder()
    rows = []
    for recipe in RECIPES.values():
        try:
            training: TrainingSet = training_set(store, recipe, PAIR)
        except RoutingError as error:
            report(f"similarity of {recipe.name}: {error}")
            return
        taught = read_features(training.queries, embedder, places.cache, on_progress)
        for benchmark_id in ("mmlu", "gsm8k", "mt_bench"):
            part = benchmark_part(store, benchmark_id, PAIR)
            asked = read_features(part.queries, embedder, places.cache, on_progress)
            seen = np.isin(training.queries, part.queries)
            fold = folds_by_text(part.queries)
            of_training = folds_by_text(training.queries)
            # A benchmark that gives labels is compared with what each fold's router learned from.
            values = [
                benchmark_similarity(asked[fold == k], taught[~seen | (of_training != k)])
                for k in range(5)
            ]
            rows.append(
                {
                    "recipe": recipe.name,
                    "benchmark_id": benchmark_id,
                    "similarity": float(np.average(values, weights=np.bincount(fold))),
                    "n_training": len(training.queries),
                    "n_benchmark": len(part.queries),
                    "embedder": embedder.name,
                }
            )
    write_similarities(places.data, rows)
