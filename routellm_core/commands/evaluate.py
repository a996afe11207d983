"""`python -m routellm_core evaluate`: APGR and CPT of the routers."""

import argparse
from typing import Any

from routellm_core.commands.shared import Result, Verb, add_pair, pair_of, resamples, seed
from routellm_core.evaluation.benchmark import evaluate_benchmark
from routellm_core.statistics.bootstrap import N_RESAMPLES
from routellm_core.store import Store


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
    lines = [line for report in reports for line in _lines(report)]
    return (reports[0] if len(reports) == 1 else reports), lines


def _lines(report: dict[str, Any]) -> list[str]:
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
