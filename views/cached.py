"""Every cached step of the dashboard, from coarse to fine.

Arguments are plain values. `version` is the store's counter of writes: a write makes all that was
read before it stale. Arrays are cached as resources, so nobody copies them; nobody may change
them either.
"""

import json
import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import streamlit as st

from routellm_core import baselines, battles, jobs, runs
from routellm_core.costs import PairCosts, Price, pair_costs, routed_cost
from routellm_core.embeddings import Embedder, SentenceEmbedder
from routellm_core.errors import RoutingError
from routellm_core.evaluation import (
    complete_routers,
    default_pair,
    evaluate_benchmark,
    evaluate_router,
)
from routellm_core.metrics import apgr, cpt, curve_of, rank_queries
from routellm_core.promises.guarantee import Certificate, certify_on
from routellm_core.promises.promise import Promise
from routellm_core.recipes import recipe_of, tier_table, training_set
from routellm_core.routed_intervals import Band, clustered_share_band, ratio_band
from routellm_core.routers import checkpoint_dir, has_weights, load_router
from routellm_core.routers.sharing import Reading, WarmModels, shared
from routellm_core.runs import Run
from routellm_core.shipped import data_hash, ensure_store
from routellm_core.similarity import Similarity, read_similarities
from routellm_core.slices import slice_table
from routellm_core.store import Store
from routellm_core.types import Benchmark, Floats, ModelPair, PairOutcomes, Ranking, RoutingCurve
from routellm_core.uncertainty import CurveIntervals, curve_intervals
from views import session

if TYPE_CHECKING:
    from routellm_core.calibration import Wish
    from routellm_core.choosing import Basis, ProviderNames
    from routellm_core.explain.explanation import Explanation
    from routellm_core.explain.neighbours import LabelledQueries
    from routellm_core.importers.mapping import Mapping
    from routellm_core.labelling.job import AskingPlan
    from routellm_core.labelling.outcomes import Labelled
    from routellm_core.labelling.sheet import Labels
    from routellm_core.policy import Policy
    from routellm_core.routers.base import Router
    from routellm_core.shift.comparison import Comparison
    from routellm_core.transport import ExpectedCurve, Transported

ROOT = Path(__file__).resolve().parent.parent
DATA_DIR = ROOT / "data"


class RouterKey(NamedTuple):
    """Names one router's scores of one benchmark and pair in one state of the store."""

    version: int
    benchmark_id: str
    pair: ModelPair
    router_id: str
    view: str


class Ranked(NamedTuple):
    """A router's scores and the curve that they give."""

    strong_win_rate: Floats
    ranking: Ranking
    curve: RoutingCurve
    apgr: float
    cpt50: float
    cpt80: float


class Money(NamedTuple):
    """USD a query: of every query with either model, and along a router's curve."""

    costs: PairCosts
    curve: Floats


class MoneyBands(NamedTuple):
    """95% intervals along a router's curve."""

    cost: Band
    """USD a query."""
    part: Band
    """Of what always calling the strong model costs."""


class TrainingData(NamedTuple):
    """What goes into a training."""

    n_queries: int
    n_battles: int
    tie_share: float
    """Of the battles, in [0, 1]."""
    models: pd.DataFrame
    """From `recipes.tier_table`."""
    stand_ins: dict[str, str]
    warnings: tuple[str, ...]


def store_path() -> Path:
    """Where the store lies; ROUTELLM_STORE overrides the default."""
    return Path(os.environ.get("ROUTELLM_STORE", ROOT / ".store" / "explorer.duckdb"))


def runs_dir() -> Path:
    """Where trainings lie: beside the store."""
    return store_path().resolve().parent / "runs"


@st.cache_resource(show_spinner="Building the store from data/ …")
def store() -> Store:
    """The process's one store, built or brought up to date when it is first asked for."""
    ensure_store(DATA_DIR, store_path())
    # Pages only read: so the command line and a second dashboard can read at the same time.
    opened = Store(store_path(), read_only=True)
    _sweep(opened)
    return opened


def _sweep(opened: Store) -> None:
    """Delete what sessions left behind whose process was killed.

    While another dashboard holds the file, its sessions may be alive: then nothing is deleted.
    """
    left = opened.private_ids()
    sessions = session_dir("")
    known = set(opened.benchmarks()["benchmark_id"])
    orphans = [folder.name for folder in set_dir("").glob("*") if folder.name not in known]
    mark = _unclean()
    if not left and not orphans and not sessions.exists() and not mark.exists():
        return
    with suppress(RoutingError):
        with opened.open_for_writing():
            opened.delete_private()
        for benchmark_id in {*left, *orphans}:
            _drop_beside(opened, benchmark_id)
        for folder in sessions.glob("*"):
            _drop_session(folder)
        rmtree(sessions, ignore_errors=True)
        if left or mark.exists():
            opened.rewrite()
            mark.unlink(missing_ok=True)


@st.cache_resource(show_spinner=False)
def shipped_hash() -> str:
    return data_hash(DATA_DIR)


def _forget(owner: str) -> None:
    """What a browser session left that it did not save."""
    _drop_session(session_dir(owner))
    with suppress(RoutingError):  # another process writes: the next start sweeps
        delete_sets(store().private_ids(owner))
    forget_texts()


def _drop_session(folder: Path) -> None:
    """Delete uploads and imports of a session; those at work are ended first."""
    jobs.end(job.folder for job in jobs.jobs_in(folder / "imports"))
    rmtree(folder, ignore_errors=True)


def delete_sets(benchmark_ids: list[str]) -> None:
    """Delete sets of the user's own with all that was worked out about them, to the last byte.

    A router that somebody kept stays, with its training.

    Raises:
        StoreError: another process holds the store; the sets may be gone from it, and the next
            start of a dashboard leaves no byte of them.
    """
    if not benchmark_ids:
        return
    for benchmark_id in benchmark_ids:
        jobs.end(_jobs_on(benchmark_id))
    with store().open_for_writing():
        for benchmark_id in benchmark_ids:
            store().delete_benchmark(benchmark_id)
        _unclean().touch()
    for benchmark_id in benchmark_ids:
        _drop_beside(store(), benchmark_id)
    forget_texts()
    store().rewrite()
    _unclean().unlink(missing_ok=True)


def _unclean() -> Path:
    """A file that is there while the store's may still hold bytes of what was deleted."""
    return store_path().with_suffix(".unclean")


def owner() -> str:
    """Names this browser session; when it ends, what is private to it is deleted."""
    return session.owner(_forget)


def session_dir(owner: str) -> Path:
    """Where uploads and imports of a browser session lie."""
    return store_path().resolve().parent / "private" / owner


def set_dir(benchmark_id: str) -> Path:
    """Where what was worked out about a set of the user's own lies; it goes when the set goes."""
    return store_path().resolve().parent / "sets" / benchmark_id


def _jobs_on(benchmark_id: str) -> list[Path]:
    """Folders of all jobs that work on a set, whoever began them."""
    own = set_dir(benchmark_id)
    of_set = [job.folder for kind in _KINDS for job in jobs.jobs_in(own / kind)]
    against_it = [other / "against" / benchmark_id for other in own.parent.glob("*")]
    runs_on_it = [run.folder for run in runs.read_runs(runs_dir()) if is_on(run, benchmark_id)]
    return [*of_set, *against_it, *runs_on_it]


_KINDS = ("scoring", "against", "labelling")


def is_on(run: Run, benchmark_id: str) -> bool:
    """Whether a training learns from a benchmark or scores it."""
    return benchmark_id in run.plan.golden + run.plan.score_on


def _drop_beside(opened: Store, benchmark_id: str) -> None:
    """Delete what lies beside a store about a set."""
    kept = set(opened.own_routers()["checkpoint"])
    folders = _jobs_on(benchmark_id)
    jobs.end(folders)
    for folder in (set_dir(benchmark_id), *folders):
        if str((folder / "checkpoint").resolve()) not in kept:
            rmtree(folder, ignore_errors=True)


def trainings(version: int) -> list[Run]:
    """All trainings, the latest first, but those on data that another session keeps to itself."""
    others = set(store().private_ids()) - set(store().private_ids(owner()))
    return [
        run for run in runs.read_runs(runs_dir()) if not any(is_on(run, name) for name in others)
    ]


def benchmarks(version: int) -> pd.DataFrame:
    """Those with outcomes of two models: with fewer there is nothing to route."""
    table = _visible(version, owner())
    return table[table["n_models"] >= 2].reset_index(drop=True)


def own_sets(version: int) -> pd.DataFrame:
    """Sets of the user's own, this session's private ones first; bare queries too."""
    table = _visible(version, owner())
    mine = table[table["origin"] == "user"]
    return mine.sort_values("owner", na_position="last", kind="stable", ignore_index=True)


@st.cache_data(max_entries=16, show_spinner=False)
def _visible(version: int, owner: str) -> pd.DataFrame:
    return store().benchmarks(owner)


@st.cache_data(max_entries=32, show_spinner=False)
def benchmark(version: int, benchmark_id: str) -> Benchmark:
    return store().benchmark(benchmark_id)


@st.cache_data(max_entries=32, show_spinner=False)
def models(version: int, benchmark_id: str) -> pd.DataFrame:
    return store().models(benchmark_id)


@st.cache_data(max_entries=32, show_spinner=False)
def usual_pair(version: int, benchmark_id: str) -> ModelPair:
    return default_pair(store(), benchmark_id)


@st.cache_data(max_entries=32, show_spinner=False)
def routers(version: int, benchmark_id: str, pair: ModelPair) -> pd.DataFrame:
    """Routers that scored the whole benchmark: own queries first, then best APGR first.

    Columns `apgr` and `label` are added; the label tells apart two routers of one name, and two
    views of one router.
    """
    table = complete_routers(store(), outcomes(version, benchmark_id, pair))
    keys = [RouterKey(version, benchmark_id, pair, r.router_id, r.view) for r in table.itertuples()]
    elsewhere = table["view"] == "unseen_slices"
    table = table.assign(
        apgr=[ranked(key).apgr for key in keys],
        label=_router_labels(table) + elsewhere.map({True: ", unseen slices", False: ""}),
        elsewhere=elsewhere,
    )
    return table.sort_values(
        ["elsewhere", "apgr"], ascending=[True, False], ignore_index=True
    ).drop(columns="elsewhere")


def _router_labels(table: pd.DataFrame) -> pd.Series:
    """The router's name; with its recipe, then with its own name, where others share it."""
    label = table["router_name"]
    for more in ("recipe", "router_id"):
        n_routers = table.groupby(label)["router_id"].transform("nunique")
        label = label.mask(n_routers > 1, table["router_name"] + " (" + table[more] + ")")
    return label


@st.cache_resource(max_entries=8, show_spinner=False)
def outcomes(version: int, benchmark_id: str, pair: ModelPair) -> PairOutcomes:
    return store().pair_outcomes(benchmark_id, pair)


@st.cache_resource(max_entries=32, show_spinner=False)
def ranked(key: RouterKey) -> Ranked:
    """The exact curve: computed once for each router, read by everything."""
    known = outcomes(key.version, key.benchmark_id, key.pair)
    scores = store().strong_win_rates(key.benchmark_id, key.pair, key.router_id, key.view)
    ranking = rank_queries(scores)
    curve = curve_of(ranking, known.quality_weak, known.quality_strong)
    return Ranked(scores, ranking, curve, apgr(curve), cpt(curve, 0.5), cpt(curve, 0.8))


@st.cache_resource(max_entries=32, show_spinner=False)
def intervals(key: RouterKey) -> CurveIntervals:
    known = outcomes(key.version, key.benchmark_id, key.pair)
    return curve_intervals(
        ranked(key).ranking,
        known.quality_weak,
        known.quality_strong,
        cluster_code=known.cluster_code,
    )


@st.cache_data(max_entries=128, show_spinner=False)
def certificate(key: RouterKey, promise: Promise, confidence: float) -> Certificate:
    """The cheapest threshold that carries a promise, on the one split that this dashboard knows."""
    return certify_on(
        benchmark(key.version, key.benchmark_id),
        outcomes(key.version, key.benchmark_id, key.pair),
        ranked(key).strong_win_rate,
        promise,
        delta=round(1 - confidence, 12),
    )


@st.cache_data(max_entries=32, show_spinner=False)
def n_folds(key: RouterKey) -> int:
    """How many routers scored the queries out of fold; 0 where one that saw none of them did."""
    folds = store().folds(key.benchmark_id, key.pair, key.router_id, key.view)
    return int(folds.max()) + 1


@st.cache_data(max_entries=32, show_spinner="Evaluating the routers …")
def evaluation(version: int, benchmark_id: str, pair: ModelPair) -> dict[str, Any]:
    """Every router of a benchmark and pair, as `evaluate --json` prints it."""
    return evaluate_benchmark(store(), benchmark_id, model_pair=pair, n_rivals=1)


@st.cache_data(max_entries=32, show_spinner=False)
def scored_pairs(version: int, benchmark_id: str) -> list[ModelPair]:
    """The pairs that routers have scored, the one with the most routers first."""
    return store().scored_pairs(benchmark_id)


@st.cache_resource(max_entries=32, show_spinner=False)
def money(key: RouterKey, price_weak: Price, price_strong: Price) -> Money:
    known = outcomes(key.version, key.benchmark_id, key.pair)
    costs = pair_costs(known, price_weak, price_strong)
    return Money(costs, routed_cost(ranked(key).ranking, costs))


@st.cache_resource(max_entries=16, show_spinner=False)
def money_bands(key: RouterKey, price_weak: Price, price_strong: Price) -> MoneyBands:
    costs = money(key, price_weak, price_strong).costs
    of_pair = partial(
        ratio_band,
        ranked(key).ranking,
        costs.weak,
        costs.strong,
        cluster_code=outcomes(key.version, key.benchmark_id, key.pair).cluster_code,
    )
    return MoneyBands(of_pair(), of_pair(base=costs.strong))


@st.cache_resource(max_entries=16, show_spinner=False)
def share_band(key: RouterKey) -> Band | None:
    """Of the strong-call shares where texts repeat; None where all differ: counts are exact."""
    code = outcomes(key.version, key.benchmark_id, key.pair).cluster_code
    if len(np.unique(code)) == len(code):
        return None
    return clustered_share_band(ranked(key).ranking, code)


@st.cache_resource(max_entries=16, show_spinner=False)
def oracle(
    version: int,
    benchmark_id: str,
    pair: ModelPair,
    prices: tuple[Price, Price] | None = None,
) -> tuple[Ranking, RoutingCurve]:
    """The oracle of calls; with the prices of weak and strong the oracle of money."""
    known = outcomes(version, benchmark_id, pair)
    extra_cost = None
    if prices is not None:
        costs = pair_costs(known, *prices)
        extra_cost = costs.strong - costs.weak
    score = baselines.oracle_score(known.quality_weak, known.quality_strong, extra_cost)
    ranking = rank_queries(score)
    return ranking, curve_of(ranking, known.quality_weak, known.quality_strong)


@st.cache_resource(max_entries=16, show_spinner=False)
def random_line(version: int, benchmark_id: str, pair: ModelPair) -> baselines.MixingLine:
    known = outcomes(version, benchmark_id, pair)
    return baselines.random_line(known.quality_weak, known.quality_strong)


@st.cache_data(max_entries=64, show_spinner=False)
def slices(key: RouterKey, threshold: float) -> pd.DataFrame:
    known = outcomes(key.version, key.benchmark_id, key.pair)
    return slice_table(known, ranked(key).strong_win_rate, threshold)


@st.cache_resource(max_entries=4, show_spinner="Reading the queries …")
def routed_queries(key: RouterKey, other: RouterKey | None) -> pa.Table:
    """What no α changes of each query, with the scores of another router beside."""
    beside = None if other is None else (other.router_id, other.view)
    return store().routed_queries(key.benchmark_id, key.pair, key.router_id, key.view, beside)


@st.cache_resource(max_entries=8, show_spinner="Searching the texts …")
def found_queries(key: RouterKey, other: RouterKey | None, part: str) -> pa.Table:
    """Those of `routed_queries` whose text holds a part."""
    return store().queries_with_text(routed_queries(key, other), part)


@st.cache_resource(max_entries=32, show_spinner=False)
def histogram(key: RouterKey, n_bins: int = 60) -> tuple[Floats, Floats, tuple[float, float]]:
    """Edges, counts and the range of α worth showing: where all but 0.1% of the scores are."""
    scores = ranked(key).strong_win_rate.astype(np.float64)  # equal ones need narrow bins
    low, high = (float(q) for q in np.quantile(scores, [0.0005, 0.9995]))
    margin = max((high - low) * 0.03, 1e-6)
    span = (low - margin, high + margin)
    counts, edges = np.histogram(np.clip(scores, low, high), bins=n_bins, range=span)
    return edges, counts, span


@st.cache_data(max_entries=16, show_spinner=False)
def n_texts(version: int, benchmark_id: str) -> tuple[int, int]:
    """Queries whose text is on this machine, and all of them."""
    return store().n_texts(benchmark_id)


def forget_texts() -> None:
    """Drop what is cached of texts: a set was deleted, and no trace of it stays."""
    for kept in (found_queries, routed_queries, scored_queries, query_texts, explanation):
        kept.clear()
    for kept in (set_queries, labelled, sheet_labels, guessed_columns):
        kept.clear()
    similar_queries.clear()
    nearest_across.clear()


def n_missing_texts(version: int, benchmark_id: str) -> int:
    known, total = n_texts(version, benchmark_id)
    return total - known


@st.cache_data(max_entries=4, show_spinner=False)
def battle_sources(version: int) -> pd.DataFrame:
    return store().battle_sources()


@st.cache_data(max_entries=16, show_spinner=False)
def battle_models(version: int, sources: tuple[str, ...]) -> list[str]:
    """Models with battles in the sources that are here, by name."""
    known = set(battle_sources(version)["source"])
    here = [source for source in sources if source in known]
    if not here:
        return []
    table = store().battles(here)
    return sorted({*table["model_a"], *table["model_b"]})


@st.cache_data(max_entries=8, show_spinner="Reading the training data …")
def training_data(
    version: int, golden: tuple[str, ...], sources: tuple[str, ...], pair: ModelPair
) -> TrainingData:
    training = training_set(store(), recipe_of(golden, sources), pair)
    win_a = training.battles.win_a
    return TrainingData(
        n_queries=len(training.queries),
        n_battles=len(win_a),
        tie_share=float((win_a == 0.5).mean()),
        models=tier_table(training),
        stand_ins=dict(training.stand_ins),
        warnings=training.warnings,
    )


@st.cache_data(max_entries=4, show_spinner=False)
def policies(version: int) -> pd.DataFrame:
    """Kept policies, the latest first."""
    return store().policies()


@st.cache_resource(max_entries=8, show_spinner="Drawing intervals for the evidence …")
def policy(
    key: RouterKey,
    prices: tuple[Price, Price],
    wish: "Wish",
    called: "tuple[ProviderNames, ProviderNames]",
) -> "tuple[Policy, Path]":
    """The policy that meets a wish, and the folder of its checkpoint."""
    from routellm_core.choosing import choice_of, policy_of

    basis = _basis(key, prices)
    choice, folder = choice_of(basis, wish), checkpoint_dir(basis.router, DATA_DIR)
    return policy_of(choice, folder, weak=called[0], strong=called[1]), folder


@st.cache_resource(max_entries=8, show_spinner="Drawing intervals for the evidence …")
def promised_policy(
    key: RouterKey,
    prices: tuple[Price, Price],
    promise: Promise,
    confidence: float,
    called: "tuple[ProviderNames, ProviderNames]",
) -> "tuple[Policy, Path]":
    """The policy that carries a promise, and the folder of the checkpoint that this is about."""
    from routellm_core.choosing import policy_of
    from routellm_core.promises.left_out import checkpoint_without
    from routellm_core.promises.promised_policy import promised_choice

    basis = _basis(key, prices)
    fold = store().folds(key.benchmark_id, key.pair, key.router_id, key.view)
    choice = promised_choice(basis, fold, promise, delta=round(1 - confidence, 12))
    assert choice.promised is not None
    folder = checkpoint_without(basis.router, choice.promised.left_out_fold, DATA_DIR)
    return policy_of(choice, folder, weak=called[0], strong=called[1]), folder


def _basis(key: RouterKey, prices: tuple[Price, Price]) -> "Basis":
    """What `choosing.read_basis` reads, from what is cached."""
    from routellm_core.choosing import Basis

    return Basis(
        benchmark=benchmark(key.version, key.benchmark_id),
        outcomes=outcomes(key.version, key.benchmark_id, key.pair),
        router=store().router(key.router_id),
        view=cast(Any, key.view),
        strong_win_rate=ranked(key).strong_win_rate,
        prices=prices,
        n_contaminated=len(contaminated_ids(key.version, key.benchmark_id)),
        data_hash=store().data_hash,
    )


@st.cache_data(max_entries=16, show_spinner=False)
def scorings(version: int, benchmark_id: str) -> pd.DataFrame:
    """Which routers have scored a set, outcomes or not."""
    return store().scorings(benchmark_id)


@st.cache_data(max_entries=2, show_spinner=False)
def scoring_routers(version: int) -> pd.DataFrame:
    """Routers with a checkpoint: `router_id`, `router_name`, `recipe` and their pair."""
    table = store().trained_routers()
    names = zip(table["router_name"], table["checkpoint"], strict=True)
    table = table[[has_weights(name, DATA_DIR / folder) for name, folder in names]]
    pairs = table["config"].map(json.loads).map(lambda config: config["model_pair"])
    return table.assign(
        weak=pairs.map(lambda pair: pair["weak"]), strong=pairs.map(lambda pair: pair["strong"])
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def scored_queries(key: RouterKey) -> pd.DataFrame:
    """The scored queries of a set that may have no outcomes."""
    return store().scored_queries(key.benchmark_id, key.pair, key.router_id, key.view)


@st.cache_data(max_entries=16, show_spinner=False)
def one_models_outcomes(version: int, benchmark_id: str, model: str) -> pd.DataFrame:
    return store().one_models_outcomes(benchmark_id, model)


@st.cache_data(max_entries=16, show_spinner=False)
def usage(version: int, benchmark_id: str) -> pd.DataFrame:
    return store().usage(benchmark_id)


@st.cache_data(max_entries=4, show_spinner=False)
def query_texts(version: int, benchmark_id: str) -> dict[str, str]:
    """The texts of a set that are on this machine, by query_id."""
    return store().query_texts(benchmark_id)


@st.cache_resource(max_entries=4, show_spinner=False)
def set_queries(version: int, benchmark_id: str) -> pd.DataFrame:
    """The queries of a set that count, with their texts."""
    return store().queries(benchmark_id)


@st.cache_data(max_entries=16, show_spinner=False)
def spent(record_dir: str, written_ns: int | None) -> tuple[int, float]:
    """Requests of a record of calls, and USD: NaN where a price is unknown."""
    from routellm_core.labelling.record import Record

    record = Record(Path(record_dir))
    return record.n_requests, record.usd


@st.cache_resource(max_entries=4, show_spinner=False)
def labelled(version: int, plan: "AskingPlan", record_dir: str, written_ns: int) -> "Labelled":
    """What endpoints have said so far about the queries of a plan."""
    from routellm_core.labelling.job import asked_queries
    from routellm_core.labelling.work import read_labelled

    queries = asked_queries(set_queries(version, plan.benchmark_id), plan)
    return read_labelled(Path(record_dir), plan.asked, queries)


@st.cache_resource(max_entries=4, show_spinner="Reading the sheet …")
def sheet_labels(
    version: int, benchmark_id: str, path: str, written_ns: int, low: float, high: float
) -> "Labels":
    """What people wrote into a sheet about a set, on a scale of theirs."""
    from routellm_core.labelling.sheet import read_sheet

    ids = set(set_queries(version, benchmark_id)["query_id"])
    return read_sheet(Path(path), ids, low, high)


@st.cache_data(max_entries=8, show_spinner=False)
def contaminated_ids(version: int, benchmark_id: str) -> set[str]:
    return store().contaminated_ids(benchmark_id)


@st.cache_resource(max_entries=8, show_spinner=False)
def comparison(version: int, folder: str, written_ns: int) -> "Comparison":
    """A finished comparison of a set with a benchmark."""
    from routellm_core.shift.comparison import read_comparison

    return read_comparison(Path(folder))


@st.cache_resource(max_entries=8, show_spinner="Carrying the quality over …")
def transported(
    key: RouterKey, reference: RouterKey, folder: str, written_ns: int
) -> "Transported":
    """The reference benchmark weighted to resemble a scored set that was compared with it."""
    from routellm_core.shift.comparison import carried_over

    return carried_over(
        comparison(key.version, folder, written_ns),
        outcomes(reference.version, reference.benchmark_id, reference.pair),
        ranked(reference).strong_win_rate,
        scored_queries(key),
    )


@st.cache_resource(max_entries=8, show_spinner="Drawing the expected curve …")
def expected_curve(
    key: RouterKey, reference: RouterKey, folder: str, written_ns: int
) -> "ExpectedCurve":
    return transported(key, reference, folder, written_ns).curve()


@st.cache_data(max_entries=8, show_spinner=False)
def usage_costs(version: int, benchmark_id: str) -> pd.DataFrame:
    return store().usage_costs(benchmark_id)


@st.cache_data(max_entries=64, show_spinner="Looking at the file …")
def recognised(path: str, written_ns: int) -> str:
    """The format of a file on this machine."""
    from routellm_core import importing

    return importing.recognise(Path(path))


@st.cache_data(max_entries=16, show_spinner="Looking at the file …")
def guessed_columns(path: str, written_ns: int) -> "tuple[Mapping, pa.Table]":
    """What the columns of a table seem to mean, and its first rows."""
    from routellm_core.importers import table

    return table.guessed(Path(path))


@st.cache_data(max_entries=2, show_spinner="Reading the file …")
def read_battles(digest: str, name: str, drop_unjudged: bool, _content: bytes) -> pd.DataFrame:
    """The battles of an uploaded file; `digest` stands for its content."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(_content)
        return battles.read_battles(path, drop_unjudged=drop_unjudged)


@st.cache_data(max_entries=64, show_spinner=False)
def run_evaluations(version: int, scores_path: str, written_ns: int) -> list[dict[str, Any]]:
    """APGR and the like of a finished training on what it scored, a row a benchmark and view.

    What was scored and is no longer in the store is left out.
    """
    rows = []
    scores = pq.read_table(scores_path).to_pandas()
    for (weak, strong, benchmark_id, view), frame in scores.groupby(_SCORED, sort=False):
        pair = ModelPair(weak=weak, strong=strong)
        try:
            known = outcomes(version, benchmark_id, pair)
        except RoutingError:
            continue
        by_query = frame.set_index("query_id")["strong_win_rate"].reindex(known.query_id)
        if by_query.isna().any():
            continue
        found = evaluate_router(known, by_query.to_numpy(), router="", recipe="", view=view)
        head = {"benchmark_id": benchmark_id, "pair": pair, "n": known.n_queries}
        rows.append(head | found._asdict())
    return rows


_SCORED = ["weak_model", "strong_model", "benchmark_id", "view"]


@st.cache_data(max_entries=4, show_spinner=False)
def own_routers(version: int) -> pd.DataFrame:
    return store().own_routers()


@st.cache_data(max_entries=1, show_spinner=False)
def similarities(written_ns: int | None) -> list[Similarity]:
    return read_similarities(DATA_DIR)


_READING = RLock()
"""Routers read for one session at a time: their tokenizers are not made for threads."""
_WARM = 8
"""Models that stay loaded: those used last."""
_READS = "Reading the query. The first time the router's model is loaded, which takes seconds …"


@st.cache_resource(max_entries=4, show_spinner=False)
def checkpoint(version: int, folder: str) -> "Router":
    """A router that reads new queries; its model is loaded with the first of them.

    Args:
        version: of the store.
        folder: as in `RouterEntry.checkpoint`.
    """
    router = load_router(DATA_DIR / folder)
    if hasattr(router, "embedder"):
        router.embedder = shared(router.embedder, _models())
    return router


@st.cache_resource(show_spinner=False)
def _models() -> WarmModels:
    """What routers read queries with: each model is loaded once, whoever reads with it."""
    return WarmModels(_WARM)


@st.cache_data(max_entries=128, show_spinner=_READS)
def explanation(version: int, folder: str, query: str) -> "Explanation":
    """Why a checkpoint gives a query its win rate."""
    from routellm_core.explain import explain

    with _READING:
        return explain(checkpoint(version, folder), query)


@st.cache_data(max_entries=128, show_spinner=_READS)
def win_rate(version: int, folder: str, query: str) -> float:
    """A checkpoint's strong win rate of a query; each model reads it once for all checkpoints."""
    router, reading = checkpoint(version, folder), _reading(query)
    with _READING:
        return float(reading.win_rates(router)[0])


@st.cache_resource(max_entries=4, show_spinner=False)
def _reading(query: str) -> Reading:
    return Reading([query])


def win_rates(version: int, folder: str, queries: list[str]) -> Floats:
    """A checkpoint's strong win rates of any texts; not kept."""
    router = checkpoint(version, folder)
    with _READING:
        return router.strong_win_rate(queries)


@st.cache_resource(max_entries=1, show_spinner=False)
def labelled_queries(version: int) -> "LabelledQueries | None":
    """The queries that routers learned from, embedded; None where no checkpoint names them."""
    from routellm_core.explain.neighbours import remembered

    return remembered(store(), DATA_DIR)


@st.cache_data(max_entries=128, show_spinner="Looking for queries like it …")
def similar_queries(version: int, pair: ModelPair, query: str) -> pd.DataFrame | None:
    """Labelled queries most like a query; None where there is nowhere to look."""
    from routellm_core.explain.neighbours import similar

    known = labelled_queries(version)
    if known is None:
        return None
    with _READING:
        return similar(store(), known, query, pair, embedder=_embedder_of(known))


@st.cache_data(max_entries=128, show_spinner=False)
def nearest_across(
    key: RouterKey, query: str, threshold: float, calls_strong: bool
) -> pd.DataFrame | None:
    """The labelled query of the benchmark that is most like a query and goes the other way."""
    from routellm_core.explain import neighbours

    known = labelled_queries(key.version)
    if known is None:
        return None
    scores = store().scores_by_text(key.benchmark_id, key.pair, key.router_id, key.view)
    with _READING:
        return neighbours.nearest_across(
            store(),
            known,
            query,
            scores,
            threshold,
            calls_strong,
            key.pair,
            embedder=_embedder_of(known),
        )


def _embedder_of(known: "LabelledQueries") -> Embedder:
    """What the labelled queries were embedded with."""
    found: Embedder = shared(SentenceEmbedder(known.embedder), _models())
    return found
