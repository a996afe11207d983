"""The command line: `python -m routellm_core VERB`, each with --help.

With --json one JSON value goes to stdout and nothing else; what is being done goes to stderr. Exit
code 0 is success, 2 something the user can put right (said on stderr), 130 that it was stopped by
Ctrl-C, 1 a defect of ours.
"""

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from routellm_core import jobs
from routellm_core.comparing import command as comparing
from routellm_core.data_quality import command as data_quality
from routellm_core.errors import DataError, RoutingError
from routellm_core.evaluation import default_pair, evaluate_benchmark
from routellm_core.importers.more_models import MMLU_PRO_OUTCOMES, MMLU_PRO_QUESTIONS
from routellm_core.jsonable import with_nulls
from routellm_core.labelling import command as labelling
from routellm_core.progress import Progress, Watch, duration_words, memory_words
from routellm_core.promises import command as promises
from routellm_core.recommend import command as recommending
from routellm_core.rescoring import PAIR, SHIPPED, Places, rescore
from routellm_core.routers import ROUTERS
from routellm_core.scoring import command as scoring
from routellm_core.store import Store
from routellm_core.targets import command as targets
from routellm_core.targets.command import add_choice, chosen
from routellm_core.training import VIEWS_OF_GOLDEN
from routellm_core.types import ModelPair
from routellm_core.uncertainty import N_RESAMPLES

ROOT = Path(__file__).resolve().parent.parent
DATA_DIR = ROOT / "data"
CACHE_DIR = ROOT / ".cache"
_SECONDS_BETWEEN_LINES = 10.0
STOPPED = 130
"""Exit code after Ctrl-C, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    parsed = _parser().parse_args(arguments)
    try:
        document, lines = parsed.run(parsed)
    except RoutingError as error:
        _say(f"error: {error}")
        return 2
    except KeyboardInterrupt:
        _say("stopped")
        return STOPPED
    text = json.dumps(with_nulls(document), ensure_ascii=False) if parsed.json else "\n".join(lines)
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


Result = tuple[Any, list[str]]
"""What --json prints, and the lines for people."""


def setup(parsed: argparse.Namespace) -> Result:
    """Build the store from data/, or do nothing when it is up to date."""
    from routellm_core.shipped import ensure_store

    ensure_store(DATA_DIR, parsed.store)
    return status(parsed)


def status(parsed: argparse.Namespace) -> Result:
    """What the store holds."""
    with Store(parsed.store, read_only=True) as store:
        table = store.benchmarks()
        known = {b: store.n_texts(b) for b in table["benchmark_id"]}
        records = [
            {
                **{k: row[k] for k in ("benchmark_id", "title", "origin")},
                "n_queries": int(row["n_queries"]),
                "n_contaminated": int(row["n_contaminated"]),
                "n_texts": known[row["benchmark_id"]][0],
                "n_models": len(store.models(row["benchmark_id"])),
            }
            for row in table.to_dict("records")
        ]
    lines = [f"store: {parsed.store}"] + [
        f"{r['benchmark_id']}: {r['n_queries']:,} queries ({r['n_contaminated']:,} contaminated), "
        f"{r['n_models']} models, {r['n_texts']:,} query texts on this machine"
        for r in records
    ]
    return {"store": str(parsed.store), "benchmarks": records}, lines


def import_files(parsed: argparse.Namespace) -> Result:
    """Import benchmarks and battles from files as the user's own."""
    from routellm_core import importing

    plan = importing.ImportPlan(
        tuple(map(str, parsed.files)), parsed.format, drop_unjudged=parsed.drop_unjudged
    )
    prefix = f"{parsed.name}-" if parsed.name else ""
    with Store(parsed.store) as store:
        found = importing.read(plan)
        ids = importing.add(store, found, prefix=prefix)
    imported: list[dict[str, Any]] = []
    if found.battles is not None:
        for source, rows in found.battles.groupby("source"):
            imported.append({"battles": source, "n_battles": len(rows)})
    for name, part in zip(ids, found.parts, strict=True):
        row = {"benchmark": name, "n_queries": len(part.queries), "notes": list(part.notes)}
        imported.append(row)
    lines = []
    for i in imported:
        if "benchmark" in i:
            lines.append(f"{i['benchmark']}: {i['n_queries']:,} queries imported")
            lines += [f"  {note}" for note in i["notes"]]
        else:
            lines.append(f"{i['battles']}: {i['n_battles']:,} battles imported")
    return {"imported": imported}, lines


def evaluate(parsed: argparse.Namespace) -> Result:
    """APGR and CPT of the routers on benchmarks, with 95% intervals."""
    with Store(parsed.store, read_only=True) as store:
        table = store.benchmarks()
        ids = parsed.benchmark or table["benchmark_id"][table["n_models"] >= 2].tolist()
        reports = [
            evaluate_benchmark(
                store,
                benchmark_id,
                model_pair=_pair(parsed, store, benchmark_id),
                router_names=parsed.router,
                n_resamples=parsed.resamples,
                seed=parsed.seed,
            )
            for benchmark_id in ids
        ]
    lines = [line for report in reports for line in _evaluation_lines(report)]
    return (reports[0] if len(reports) == 1 else reports), lines


def calibrate(parsed: argparse.Namespace) -> Result:
    """The threshold for a share, a recovered gap, a quality or a budget."""
    with Store(parsed.store, read_only=True) as store:
        choice = chosen(parsed, store)
    found, point, outcomes = choice.calibration, choice.point, choice.outcomes
    pair = outcomes.model_pair
    document = {
        "benchmark": parsed.benchmark,
        "model_pair": {"strong": pair.strong, "weak": pair.weak},
        "router": choice.router.router_name,
        "recipe": choice.router.recipe,
        "view": choice.view,
        "n_queries": outcomes.n_queries,
        "mode": found.mode,
        "wanted": found.wanted,
        "achieved": found.achieved,
        "threshold": choice.threshold,
        "strong_call_share": point.strong_call_share,
        "quality": point.quality,
        "pgr": point.pgr,
    }
    line = (
        f"threshold {document['threshold']!r}: {point.strong_call_share:.2%} strong calls, "
        f"quality {point.quality:.6f}, PGR {point.pgr:.3f} "
        f"on {parsed.benchmark} (n = {outcomes.n_queries:,})"
    )
    return document, [f"{found.mode}: wanted {found.wanted:g}, achieved {found.achieved:.6g}", line]


def explain(parsed: argparse.Namespace) -> Result:
    """Why a router gives a query its win rate: words, battles, factors, queries alike."""
    from routellm_core.explain import report

    if (parsed.query is None) == (parsed.query_id is None):
        raise DataError("name either --query TEXT or --benchmark B with --query-id Q")
    if parsed.query_id is not None and parsed.benchmark is None:
        raise DataError("--query-id needs --benchmark")
    benchmark_id = parsed.benchmark or "mmlu"
    with Store(parsed.store, read_only=True) as store:
        pair = _pair(parsed, store, benchmark_id) or default_pair(store, benchmark_id)
        row = store.router_named(benchmark_id, pair, parsed.router, parsed.recipe)
        stored = None
        if parsed.query_id is not None:
            stored = report.StoredQuery(benchmark_id, parsed.query_id, row.view)
        document = report.report(
            store,
            DATA_DIR,
            row.router_id,
            pair,
            text=parsed.query,
            stored=stored,
            alpha=parsed.alpha,
        )
    return document, report.lines(document)


def texts(parsed: argparse.Namespace) -> Result:
    """Resolve query texts from a checkout, tables, registry wheels and the hub."""
    from routellm_core.texts import resolve_texts

    with Store(parsed.store) as store:
        summary = resolve_texts(
            store, CACHE_DIR, checkout=parsed.checkout, files=parsed.files, report=_say
        )
    return summary, [f"{b}: {s['known']:,} of {s['total']:,} texts" for b, s in summary.items()]


def data(parsed: argparse.Namespace) -> Result:
    """Rebuild data/outcomes from the sources named, byte for byte the same each time."""
    from routellm_core.shipped import rebuild_outcomes

    sources = [s for s in (parsed.checkout, parsed.mmlu_pro, parsed.mt_bench) if s is not None]
    if not sources:
        raise DataError(
            "name a source: --checkout, --mmlu-pro or --mt-bench PATH, or ROUTELLM, MMLU_PRO, "
            "MT_BENCH=PATH"
        )
    rebuild_outcomes(DATA_DIR, parsed.checkout, mmlu_pro=parsed.mmlu_pro, mt_bench=parsed.mt_bench)
    return {"data": str(DATA_DIR)}, [f"{DATA_DIR} rebuilt from {', '.join(map(str, sources))}"]


def scores(parsed: argparse.Namespace) -> Result:
    """Fit the shipped routers anew and rescore every benchmark; resumes where it was stopped."""
    chosen = [
        shipment
        for shipment in SHIPPED
        if (not parsed.router or shipment.router_name in parsed.router)
        and (not parsed.recipe or shipment.recipe in parsed.recipe)
    ]
    with Store(parsed.store, read_only=True) as store:
        failures = rescore(store, Places(DATA_DIR, CACHE_DIR), _say, _say_progress(), chosen)
    if failures:
        raise DataError("not all routers could be made:\n" + "\n".join(failures))
    return {"data": str(DATA_DIR)}, [f"scores and checkpoints are in {DATA_DIR}"]


def train(parsed: argparse.Namespace) -> Result:
    """Train a router on battles or golden labels, score benchmarks, keep it in the store."""
    from routellm_core import runs

    if parsed.plan is not None:
        plan = runs.read_plan(parsed.plan)
    elif parsed.router is None:
        raise DataError("name a router to train, for example: train mf --golden mmlu")
    else:
        plan = runs.Plan(
            router_name=parsed.router,
            weak=parsed.weak or PAIR.weak,
            strong=parsed.strong or PAIR.strong,
            golden=tuple(parsed.golden),
            battles=tuple(parsed.battles),
            score_on=tuple(parsed.score_on),
            views=tuple(parsed.views),
            options=dict(parsed.option),
            seed=parsed.seed,
        )
    runs_dir = parsed.store.parent / "runs"
    folder = parsed.out or runs_dir / runs.new_run_id(plan, runs_dir)
    try:
        with Store(parsed.store, read_only=True) as store:
            run = runs.work_on(folder, plan, store, CACHE_DIR, _say_progress())
    except (jobs.Cancelled, KeyboardInterrupt) as stop:
        raise DataError(
            f"cancelled; what is finished stays in {folder}, and the same training with "
            f"--out {folder} goes on from there"
        ) from stop
    kept_as = None
    if not parsed.no_keep:
        with Store(parsed.store) as store:
            runs.keep(run, store, run.run_id)
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
        lines.append(f"kept as {kept_as}; see it with: python -m routellm_core evaluate")
    return document, lines


def _say_progress() -> Watch:
    """Progress on stderr: each stage once, and a line every ten seconds inside it."""
    told: list[dict[str, Any]] = []

    def say(progress: Progress) -> None:
        now = time.time()
        is_new = not told or progress.stage != told[-1]["stage"]
        if not is_new and now - told[-1]["time"] < _SECONDS_BETWEEN_LINES:
            return
        told.append({"time": now, **progress._asdict()})
        so_far = pd.DataFrame(told)
        figures = [f"{progress.done:,} of {progress.total:,}"]
        if progress.loss is not None:
            figures.append(f"loss {progress.loss:.3f}")
        rate, left = jobs.rate(so_far), jobs.seconds_left(so_far)
        if math.isfinite(rate):
            figures += [f"{rate:,.1f} a second", f"{duration_words(left)} left"]
        if math.isfinite(progress.gpu_gib):
            figures.append(memory_words(progress.gpu_gib))
        _say(f"{progress.stage}: {', '.join(figures)}")

    return say


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m routellm_core", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    checkout = os.environ.get("ROUTELLM") or None

    def verb(name: str, run: Any) -> argparse.ArgumentParser:
        in_list = run.__doc__.replace("%", "%%")  # argparse fills in what stands after a %
        added = verbs.add_parser(name, help=in_list, description=run.__doc__)
        added.set_defaults(run=run)
        added.add_argument("--json", action="store_true", help="one JSON value on stdout")
        added.add_argument(
            "--store",
            type=Path,
            default=Path(os.environ.get("ROUTELLM_STORE", ROOT / ".store" / "explorer.duckdb")),
            help="the DuckDB file (default: %(default)s; ROUTELLM_STORE overrides it)",
        )
        return added

    def with_pair(added: argparse.ArgumentParser) -> None:
        added.add_argument("--strong", metavar="M", help="strong model, as named in the outcomes")
        added.add_argument("--weak", metavar="M", help="weak model")

    verb("setup", setup)
    verb("status", status)

    importing = verb("import", import_files)
    importing.add_argument("files", nargs="+", type=Path, metavar="FILE")
    importing.add_argument("--format", help="the format, when it is not recognised")
    importing.add_argument(
        "--drop-unjudged", action="store_true", help="leave out battles without a verdict"
    )
    importing.add_argument("--name", help="put before the ids of the imported benchmarks")

    evaluating = verb("evaluate", evaluate)
    evaluating.add_argument("--benchmark", nargs="+", default=[], metavar="B")
    evaluating.add_argument("--router", nargs="+", default=[], metavar="R")
    evaluating.add_argument(
        "--resamples", type=_resamples, default=N_RESAMPLES, help="of the bootstrap"
    )
    evaluating.add_argument("--seed", type=_seed, default=0, help="of the bootstrap")
    with_pair(evaluating)
    comparing.add_parser(verb)
    recommending.add_parser(verb)

    calibrating = verb("calibrate", calibrate)
    add_choice(calibrating)
    promises.add_parser(verb)
    targets.add_parser(verb, DATA_DIR)

    explaining = verb("explain", explain)
    explaining.add_argument("--router", required=True, metavar="R")
    explaining.add_argument("--recipe", help="where a router has several")
    explaining.add_argument("--query", metavar="TEXT", help="any text")
    explaining.add_argument(
        "--benchmark", metavar="B", help="whose routers and queries are meant (default: mmlu)"
    )
    explaining.add_argument("--query-id", metavar="Q", help="a query of the benchmark")
    explaining.add_argument(
        "--alpha", type=float, help="threshold: adds what would turn the decision round"
    )
    with_pair(explaining)

    data_quality.add_parser(verb)
    scoring.add_parser(verb, _say_progress, DATA_DIR)
    labelling.add_parser(verb, _say_progress, _say)

    resolving, rebuilding = verb("texts", texts), verb("data", data)
    for added in (resolving, rebuilding):
        added.add_argument(
            "--checkout", type=Path, default=checkout, help="a RouteLLM checkout (or ROUTELLM=PATH)"
        )
    resolving.add_argument(
        "--from",
        dest="files",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="tables (CSV, JSON, JSON lines, Parquet) with a column query, text, question or "
        "prompt; only texts whose hash is wanted are taken",
    )
    for option, held in (
        ("--mmlu-pro", f"a folder with {MMLU_PRO_QUESTIONS} and {MMLU_PRO_OUTCOMES}"),
        ("--mt-bench", "a table with MT-Bench ratings of further models"),
    ):
        variable = option[2:].replace("-", "_").upper()
        rebuilding.add_argument(
            option,
            type=Path,
            default=os.environ.get(variable) or None,
            help=f"{held} (or {variable}=PATH)",
        )
    training = verb("train", train)
    trainable = [name for name in ROUTERS if name != "random"]
    training.add_argument("router", nargs="?", choices=trainable, metavar="ROUTER")
    training.add_argument("--golden", nargs="+", default=[], metavar="BENCHMARK")
    training.add_argument("--battles", nargs="+", default=[], metavar="SOURCE")
    training.add_argument(
        "--score-on", nargs="+", default=[], metavar="BENCHMARK", help="besides the golden ones"
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
    training.add_argument("--seed", type=_seed, default=0)
    training.add_argument("--out", type=Path, help="folder of the run (default: beside the store)")
    training.add_argument("--plan", type=Path, help="a plan as JSON, in place of all the above")
    training.add_argument("--no-keep", action="store_true", help="leave the store as it is")
    with_pair(training)

    rescoring = verb("scores", scores)
    rescoring.add_argument("--router", nargs="+", choices=list(ROUTERS), metavar="R")
    recipes = sorted({shipment.recipe for shipment in SHIPPED})
    rescoring.add_argument("--recipe", nargs="+", choices=recipes, metavar="RECIPE")
    return parser


def _resamples(text: str) -> int:
    if int(text) < 100:
        raise argparse.ArgumentTypeError("fewer than 100 give no interval worth printing")
    return int(text)


def _seed(text: str) -> int:
    if int(text) < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return int(text)


def _option(text: str) -> tuple[str, Any]:
    """NAME=VALUE, the value as JSON where it is JSON: numbers stay numbers."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _pair(parsed: argparse.Namespace, store: Store, benchmark_id: str) -> ModelPair | None:
    """The pair named on the command line; one named model is completed from the usual pair."""
    if parsed.strong is None and parsed.weak is None:
        return None
    usual = default_pair(store, benchmark_id)
    return ModelPair(weak=parsed.weak or usual.weak, strong=parsed.strong or usual.strong)


def _evaluation_lines(report: dict[str, Any]) -> list[str]:
    pair = report["model_pair"]
    lines = [
        f"{report['benchmark']}: n = {report['n_queries']:,}, "
        f"{pair['strong']} {report['quality_strong']:.6f}, "
        f"{pair['weak']} {report['quality_weak']:.6f}, "
        f"oracle APGR {report['oracle']['apgr']:.3f}"
    ]
    for r in report["routers"]:
        apgr_low, apgr_high = r["apgr_interval"]
        lines.append(
            f"  {r['router']:<12} {r['recipe']:<11} {r['view']:<14} "
            f"APGR {r['apgr']:.3f} [{apgr_low:.3f}, {apgr_high:.3f}]  "
            f"CPT50 {r['cpt50']:.1%} [{r['cpt50_interval'][0]:.1%}, "
            f"{r['cpt50_interval'][1]:.1%}]  "
            f"CPT80 {r['cpt80']:.1%} [{r['cpt80_interval'][0]:.1%}, "
            f"{r['cpt80_interval'][1]:.1%}]  n {r['n_queries']:,}"
        )
    lines += [
        f"  {a['router']} ({a['recipe']}) over {a['over']} ({a['over_recipe']}), {a['view']}: "
        f"APGR {a['gain']:+.3f} [{a['gain_interval'][0]:+.3f}, {a['gain_interval'][1]:+.3f}]"
        for a in report["ahead"]
    ]
    return lines


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
