"""`python -m routellm_core train` and `scores`: a router of one's own; the shipped ones anew."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from routellm_core import jobs
from routellm_core.commands.next_command import command, with_next
from routellm_core.commands.shared import (
    CACHE_DIR,
    Result,
    Verb,
    add_pair,
    check_is_checkout,
    say,
    say_progress,
    seed,
)
from routellm_core.errors import DataError
from routellm_core.release.rescoring import PAIR, SHIPPED, Places, rescore
from routellm_core.routers import ROUTERS
from routellm_core.store import Store
from routellm_core.store.places import DATA_DIR
from routellm_core.store.selection import default_pair
from routellm_core.store.workspace import Workspace
from routellm_core.training.cross_fitting import VIEWS_OF_GOLDEN
from routellm_core.training.label_curve import verdict
from routellm_core.types import ModelPair
from routellm_core.wording.numbers import bracketed, signed


def add_parsers(verb: Verb) -> None:
    """Declare the verbs."""
    training = verb("train", train)
    trainable = [name for name in ROUTERS if name != "random"]
    training.add_argument("router", nargs="?", choices=trainable, metavar="ROUTER")
    training.add_argument("--golden", nargs="+", default=[], metavar="BENCHMARK")
    training.add_argument("--battles", nargs="+", default=[], metavar="SOURCE")
    training.add_argument(
        "--score-on",
        nargs="+",
        default=[],
        metavar="BENCHMARK",
        help="besides the golden ones; a golden one: what 200, 500 and all of its labels give",
    )
    training.add_argument(
        "--views",
        nargs="*",
        default=["in_domain"],
        choices=VIEWS_OF_GOLDEN,
        help="out-of-fold views of the golden benchmarks (default: in_domain)",
    )
    training.add_argument(
        "--option", nargs="+", default=[], type=_option, metavar="NAME=VALUE", help="of the router"
    )
    training.add_argument("--seed", type=seed, default=0)
    training.add_argument("--out", type=Path, help="folder of the run (default: beside the store)")
    training.add_argument("--plan", type=Path, help="a plan as JSON, in place of all the above")
    training.add_argument("--no-keep", action="store_true", help="leave the store as it is")
    add_pair(training)

    rescoring = verb("scores", scores)
    rescoring.add_argument("--router", nargs="+", choices=list(ROUTERS), metavar="R")
    recipes = sorted({shipment.recipe for shipment in SHIPPED})
    rescoring.add_argument("--recipe", nargs="+", choices=recipes, metavar="RECIPE")


def train(parsed: argparse.Namespace) -> Result:
    """Train a router on battles or golden labels, score benchmarks, keep it in the store."""
    from routellm_core.training import job as training_job

    if parsed.plan is not None:
        plan = training_job.TrainingPlan.read(parsed.plan)
    elif parsed.router is None:
        raise DataError("name a router to train, for example: train mf --golden mmlu")
    else:
        pair = _pair(parsed)
        plan = training_job.TrainingPlan(
            router_name=parsed.router,
            weak=pair.weak,
            strong=pair.strong,
            golden=tuple(parsed.golden),
            battles=tuple(parsed.battles),
            score_on=tuple(parsed.score_on),
            views=tuple(parsed.views),
            options=dict(parsed.option),
            seed=parsed.seed,
        )
    runs_dir = Workspace(parsed.store).runs
    folder = parsed.out or runs_dir / training_job.new_run_id(plan, runs_dir)
    try:
        with Store(parsed.store, read_only=True) as store:
            run = training_job.work_on(folder, plan, store, CACHE_DIR, say_progress())
    except (jobs.Cancelled, KeyboardInterrupt) as stop:
        raise DataError(
            f"cancelled; what is finished stays in {folder}, and the same training with "
            f"--out {folder} goes on from there"
        ) from stop
    kept_as = None
    if not parsed.no_keep:
        with Store(parsed.store) as store:
            training_job.keep(run, store, run.run_id)
        kept_as = run.run_id
    document = {
        "run": str(folder),
        "checkpoint": str(folder / "checkpoint"),
        "router_id": kept_as,
        **run.facts,
    }
    lines = [f"{w}" for w in run.facts["warnings"]]
    lines += [
        f"{plan.router_name} on {run.facts['recipe']}: {run.facts['n_battles']:,} battles, "
        f"{run.facts['n_dropped']:,} queries dropped as leaks; checkpoint in {folder}/checkpoint",
    ]
    if kept_as:
        lines.append(f"kept as {kept_as}")
    if "label_curve" in run.facts:
        lines += _curve_lines(run.facts["label_curve"])
    if not kept_as or not plan.benchmarks:
        return document, lines
    return with_next(
        (document, lines),
        command(parsed, "recommend", "--benchmark", plan.benchmarks[0], "--share", 0.5),
    )


def _pair(parsed: argparse.Namespace) -> ModelPair:
    """The pair of the options; of a set of one's own without the paper's models its usual one."""
    usual = PAIR
    if parsed.golden:
        with Store(parsed.store, read_only=True) as store:
            if not set(PAIR) <= set(store.models(parsed.golden[0])["model"]):
                usual = default_pair(store, parsed.golden[0])
    return ModelPair(weak=parsed.weak or usual.weak, strong=parsed.strong or usual.strong)


_WORDS = {
    "first": "",
    "worth it": "; worth it: ",
    "worse": "; worse than before: ",
    "not clearly": "; not clearly better than before: ",
}


def _curve_lines(curve: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whether each step of a learning curve was worth its labels."""
    rows = ["labels that each router saw, judged out of fold on the same queries"]
    for step in curve:
        told = verdict(step)
        gain = bracketed(step["gain"], step["gain_interval"], signed) if told != "first" else ""
        rows.append(
            f"  {step['n_labels']:,}{' (all)' if step['is_all'] else ''}: APGR "
            f"{bracketed(step['apgr'], step['apgr_interval'])}{_WORDS[told]}{gain}"
        )
    return rows


def scores(parsed: argparse.Namespace) -> Result:
    """Fit the shipped routers anew and rescore every benchmark; resumes where it was stopped."""
    check_is_checkout()
    chosen = [
        shipment
        for shipment in SHIPPED
        if (not parsed.router or shipment.router_name in parsed.router)
        and (not parsed.recipe or shipment.recipe in parsed.recipe)
    ]
    with Store(parsed.store, read_only=True) as store:
        failures = rescore(store, Places(DATA_DIR, CACHE_DIR), say, say_progress(), chosen)
    if failures:
        raise DataError("not all routers could be made:\n" + "\n".join(failures))
    return {"data": str(DATA_DIR)}, [f"scores and checkpoints are in {DATA_DIR}"]


def _option(text: str) -> tuple[str, Any]:
    """NAME=VALUE, the value as JSON where it is JSON: numbers stay numbers."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
