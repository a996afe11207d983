"""`python -m routellm_core score --benchmark`: an imported set scored into the store."""

import argparse
import os

import pandas as pd

from routellm_core import jobs
from routellm_core.commands.next_command import command, with_next
from routellm_core.commands.shared import Result, say, say_progress
from routellm_core.embedders import devices
from routellm_core.errors import DataError, UnknownNameError
from routellm_core.scoring import job as scoring_job
from routellm_core.scoring.job import VIEW, ScoringPlan
from routellm_core.store import Store
from routellm_core.store.places import DATA_DIR
from routellm_core.store.workspace import Workspace
from routellm_core.types import ModelPair

_OF_FILES = ("output", "column", "alpha", "address", "partitions", "workers")


def router_id_of(store: Store, name: str) -> str:
    """A router by its id, or by its name: then the one of the recipe golden.

    Raises:
        UnknownNameError: there is none of that name.
    """
    ids = store.trained_routers()["router_id"].tolist()
    wanted = name if name in ids else f"{name}-golden"
    if wanted in ids:
        return wanted
    if name == "random":
        return "random-none"
    raise UnknownNameError(f"no router {name!r}; there are: {', '.join(ids)}")


def score_set(parsed: argparse.Namespace) -> Result:
    """Strong win rates of an imported set, kept in the store for every pair of its models.

    What is scored is kept beside the store until it is whole: the same command goes on from there.
    Routers that have scored all of the set are passed over.

    Raises:
        DataError: an option is about files, the set ships with the project or taught a router, or
            the scoring was stopped.
    """
    given = {name: getattr(parsed, name) for name in _OF_FILES}
    given |= {"input": parsed.input.name.strip("-"), "engine": parsed.engine == "ray"}
    for name, value in given.items():
        if value:
            raise DataError(f"--{name} is about files; with --benchmark the store has it all")
    if parsed.device is not None:
        os.environ[devices.VARIABLE] = parsed.device
    workspace = Workspace(parsed.store)
    with Store(parsed.store, read_only=True) as store:
        card = store.benchmark(parsed.benchmark)
        if card.origin == "shipped":
            raise DataError(f"{card.benchmark_id} ships with its scores; name a set of your own")
        ids = [router_id_of(store, name) for name in parsed.router]
        for router_id in ids:
            if card.benchmark_id in store.router(router_id).trained_on.split(", "):
                raise DataError(
                    f"{router_id} learned from {card.benchmark_id}: its training scored the set "
                    "out of fold, and another score would flatter it"
                )
        n_texts, n_queries = store.n_texts(card.benchmark_id)
        before = _scored_whole(store, card.benchmark_id, n_texts)
        wanted = [router_id for router_id in ids if router_id not in before]
        plans = scoring_job.plans_of(store, card.benchmark_id, wanted)
    for plan in plans:
        _score(parsed, workspace, plan)
    with Store(parsed.store, read_only=True) as store:
        scored = store.scorings(card.benchmark_id)
        means = {name: _mean(store, card.benchmark_id, scored, name) for name in ids}
        n_models = len(store.models(card.benchmark_id))
        following = _following(parsed, store, card.benchmark_id, n_models)
    document = {
        "benchmark": card.benchmark_id,
        "n_queries": n_queries,
        "n_scored": n_texts,
        "routers": ids,
        "scored_before": [router_id for router_id in ids if router_id in before],
        "mean_strong_win_rate": means,
    }
    lines = [
        f"{card.benchmark_id}: {n_texts:,} of {n_queries:,} queries scored"
        + ("; the others have no text" if n_texts < n_queries else ""),
        *(
            f"  {name}: mean strong win rate {mean:.3f}"
            + (", scored before" if name in before else "")
            for name, mean in means.items()
        ),
    ]
    if n_models >= 2:
        lines.append("  the scores count for every pair of its models")
    return with_next((document, lines), following)


def _following(parsed: argparse.Namespace, store: Store, benchmark_id: str, n_models: int) -> str:
    """The set beside MMLU where its texts are here; else what its outcomes, or no outcomes, ask."""
    if store.has_benchmark("mmlu") and store.n_texts("mmlu")[0]:
        return command(parsed, "shift", "--benchmark", benchmark_id)
    if n_models >= 2:
        return command(parsed, "recommend", "--benchmark", benchmark_id, "--share", 0.5)
    return command(parsed, "label", "--benchmark", benchmark_id, "--sheet", "labels.csv")


def _score(parsed: argparse.Namespace, workspace: Workspace, plan: ScoringPlan) -> None:
    """Score as planned and keep it."""
    benchmark_id = plan.benchmark_id
    folder = scoring_job.folder_for(plan, workspace.scorings(benchmark_id))
    try:
        with Store(parsed.store, read_only=True) as store:
            scoring_job.work_on(
                folder,
                plan,
                store,
                DATA_DIR,
                workspace.set_dir(benchmark_id),
                on_progress=say_progress(),
                queue=workspace.scoring_queue,
            )
    except (jobs.Cancelled, KeyboardInterrupt):
        say(f"what is scored is kept in {folder}: the same command goes on from there")
        raise KeyboardInterrupt from None
    with Store(parsed.store) as store:
        scoring_job.keep(folder, store)
    jobs.delete(folder)


def _scored_whole(store: Store, benchmark_id: str, n_texts: int) -> set[str]:
    """Routers that have scored every query of the set that has a text."""
    table = store.scorings(benchmark_id)
    whole = (table["view"] == VIEW) & (table["n_scored"] >= n_texts)
    return set(table.loc[whole, "router_id"])


def _mean(store: Store, benchmark_id: str, scored: pd.DataFrame, router_id: str) -> float:
    """Mean strong win rate over the scored queries that count."""
    row = scored[(scored["router_id"] == router_id) & (scored["view"] == VIEW)].iloc[0]
    pair = ModelPair(weak=row["weak_model"], strong=row["strong_model"])
    return float(
        store.scored_queries(benchmark_id, pair, router_id, VIEW)["strong_win_rate"].mean()
    )
