"""`python -m routellm_core evaluate`: APGR and CPT of the routers."""

import argparse
from typing import Any

from routellm_core.commands.shared import Result, Verb, add_pair, pair_of, resamples, seed
from routellm_core.evaluation.benchmark import evaluate_benchmark
from routellm_core.statistics.bootstrap import N_RESAMPLES
from routellm_core.store import Store
from routellm_core.wording.numbers import bracketed, fixed, percent, signed


def add_parser(verb: Verb) -> None:
    """Declare the verb."""
    parser = verb("evaluate", evaluate)
    parser.add_argument("--benchmark", nargs="+", default=[], metavar="B")
    parser.add_argument("--router", nargs="+", default=[], metavar="R")
    parser.add_argument("--resamples", type=resamples, default=N_RESAMPLES, help="of the bootstrap")
    parser.add_argument("--seed", type=seed, default=0, help="of the bootstrap")
    add_pair(parser)


def evaluate(parsed: argparse.Namespace) -> Result:
    """APGR and CPT of the routers on benchmarks, with 95% intervals."""
    with Store(parsed.store, read_only=True) as store:
        table = store.benchmarks()
        ids = parsed.benchmark or table["benchmark_id"][table["n_models"] >= 2].tolist()
        reports = [
            evaluate_benchmark(
                store,
                benchmark_id,
                model_pair=pair_of(parsed, store, benchmark_id),
                router_names=parsed.router,
                n_resamples=parsed.resamples,
                seed=parsed.seed,
            )
            for benchmark_id in ids
        ]
        unscored = {
            report["benchmark"]: store.how_to_score(report["benchmark"])
            for report in reports
            if all(row["recipe"] == "none" for row in report["routers"])
        }
    document = reports[0] if len(reports) == 1 else reports
    shown = [line for report in reports for line in lines(report)]
    shown += [f"no router has scored all of {name}; {what}" for name, what in unscored.items()]
    return document, shown


def lines(report: dict[str, Any]) -> list[str]:
    """The object of `evaluate_benchmark` for people."""
    pair = report["model_pair"]
    found = [
        f"{report['benchmark']}: n = {report['n_queries']:,}, "
        f"{pair['strong']} {fixed(report['quality_strong'], 6)}, "
        f"{pair['weak']} {fixed(report['quality_weak'], 6)}, "
        f"oracle APGR {fixed(report['oracle']['apgr'])}"
    ]
    found += [
        f"  {r['router']:<12} {r['recipe']:<11} {r['view']:<14} "
        f"APGR {bracketed(r['apgr'], r['apgr_interval'])}  "
        f"CPT50 {bracketed(r['cpt50'], r['cpt50_interval'], percent)}  "
        f"CPT80 {bracketed(r['cpt80'], r['cpt80_interval'], percent)}  n {r['n_queries']:,}"
        for r in report["routers"]
    ]
    found += [
        f"  {a['router']} ({a['recipe']}) over {a['over']} ({a['over_recipe']}), {a['view']}: "
        f"APGR {bracketed(a['gain'], a['gain_interval'], signed)}"
        for a in report["ahead"]
    ]
    return found
