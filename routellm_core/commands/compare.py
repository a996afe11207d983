"""`python -m routellm_core compare`: which routers differ, which are routers, and in what."""

import argparse
from collections.abc import Sequence
from typing import Any

from routellm_core.commands.shared import Result, Verb, add_pair, pair_of, resamples, seed
from routellm_core.errors import DataError
from routellm_core.evaluation.comparison.report import compare_routers
from routellm_core.statistics.bootstrap import N_RESAMPLES
from routellm_core.store import Store
from routellm_core.types import VIEWS, Interval


def add_parser(verb: Verb) -> None:
    """Declare the verb."""
    parser = verb("compare", compare)
    parser.add_argument("--benchmark", required=True, metavar="B")
    parser.add_argument("--router", nargs="+", default=[], metavar="R", help="only these")
    parser.add_argument("--view", choices=VIEWS, help="default: the one that most routers have")
    parser.add_argument(
        "--share",
        type=float,
        default=0.5,
        help="of strong calls, at which qualities are compared (default: %(default)s)",
    )
    parser.add_argument("--resamples", type=resamples, default=N_RESAMPLES, help="of the bootstrap")
    parser.add_argument("--seed", type=seed, default=0, help="of the bootstrap and the shuffles")
    add_pair(parser)


def compare(parsed: argparse.Namespace) -> Result:
    """Which routers differ, which do better than chance, how much of it is knowing the slice."""
    if not 0.0 <= parsed.share <= 1.0:
        raise DataError(f"--share {parsed.share}: give a share between 0 and 1")
    with Store(parsed.store, read_only=True) as store:
        document = compare_routers(
            store,
            parsed.benchmark,
            model_pair=pair_of(parsed, store, parsed.benchmark),
            router_names=parsed.router,
            view=parsed.view,
            strong_call_share=parsed.share,
            n_resamples=parsed.resamples,
            seed=parsed.seed,
        )
    return document, lines(document)


def lines(document: dict[str, Any]) -> list[str]:
    """The object of `compare_routers` for people."""
    weak, strong = document["quality_weak"], document["quality_strong"]
    low, high = document["gap_interval"]
    return [
        f"{document['benchmark']}, {document['view']}: n = {document['n_queries']:,} "
        f"({document['n_texts']:,} texts), slices: {document['n_slices']}, gap "
        f"{strong - weak:.4f} {_ends(document['gap_interval'], 4)}; "
        f"{document['n_resamples']:,} resamples, seed {document['seed']}",
        *(["the gap may be none: shares of it, as APGR is one, mean little"] * (low <= 0 <= high)),
        *(
            ["the strong model is the worse one: of two routers the better has the lower APGR"]
            * (high < 0)
        ),
        *_matrix(document),
        *_at_share(document["verdicts"]),
        "is it a router? APGR against its own scores shuffled; bits of the scores and, at α = 0.5, "
        "of the choice",
        *(_control(router) for router in document["routers"]),
        "on costs at list prices: RouterBench's AIQ, area of the deferral curve, quality-neutral "
        "cost and strong-call share",
        *(_costs(router) for router in document["routers"]),
        *_slices(document),
    ]


def _matrix(document: dict[str, Any]) -> list[str]:
    """Each router over those below it, then a sentence for each pair that cannot be told apart."""
    found = document["verdicts"]
    if not found:
        return ["one router: there is no other to hold it against"]
    labels = list(dict.fromkeys(label for v in found for label in v["labels"]))
    cells = {tuple(v["labels"]): f"{v['amount']:+.3f}" if v["is_ahead"] else "?" for v in found}
    apgr = {router["label"]: router["apgr"] for router in document["routers"]}
    width = max(map(len, labels))
    of = "APGR" if found[0]["is_gap_clear"] else "mean quality"
    rows = [
        f"{of} of the row over the column; ? cannot be told apart ({len(found)} pairs, Holm at 5%)",
        f"  {'':>3} {'':<{width}} {'APGR':>6} "
        + "".join(f"{i:>8}" for i in range(2, len(labels) + 1)),
    ]
    for i, row in enumerate(labels):
        gains = "".join(f"{cells.get((row, column), ''):>8}" for column in labels[1:])
        rows.append(f"  {i + 1:>3} {row:<{width}} {apgr[row]:>6.3f} {gains}".rstrip())
    return rows + [
        f"  {v['words']} ({_signed(v['amount'], v['amount_interval'])}, p {_p(v['p_value'])}, "
        f"adjusted {_p(v['adjusted_p_value'])})"
        for v in found
        if not v["is_ahead"]
    ]


def _at_share(found: Sequence[dict[str, Any]]) -> list[str]:
    """The best router over each other one where both send the same share to the strong model."""
    rows = []
    for verdict in found:
        if verdict["labels"][0] != found[0]["labels"][0]:
            break
        at = verdict["at_share"]
        counts = f"better alone on {at['n_only_router']:,} : {at['n_only_over']:,} texts"
        rows.append(
            f"  over {verdict['labels'][1]}: {_signed(at['gain'], at['gain_interval'], 4)}, "
            f"{counts}, McNemar p {_p(at['p_value'])}, adjusted {_p(at['adjusted_p_value'])}"
        )
    if not rows:
        return []
    share = found[0]["at_share"]["strong_call_share"]
    return [f"quality of {found[0]['labels'][0]} at {share:.0%} strong calls", *rows]


def _control(router: dict[str, Any]) -> str:
    control = router["control"]
    return (
        f"  {router['label']}: {router['words']}; {control['apgr']:.3f} against "
        f"{_ends(control['band'])}, p {_p(control['p_value'])}; {router['n_scores']:,} scores, "
        f"{router['score_entropy']:.1f} bits; {router['share_at_half']:.1%} strong, "
        f"{router['choice_entropy']:.2f} bits"
    )


def _costs(router: dict[str, Any]) -> str:
    low, high = router["quality_neutral_cost_interval"]
    return (
        f"  {router['label']}: AIQ {router['aiq']:.4f} {_ends(router['aiq_interval'], 4)}, area "
        f"{router['deferral_area']:.4f} {_ends(router['deferral_area_interval'], 4)}, "
        f"QNC ${1000 * router['quality_neutral_cost_usd']:.3f} a thousand queries, "
        f"{router['quality_neutral_cost']:.1%} [{low:.1%}, {high:.1%}] of the best model's, "
        f"{router['quality_neutral_share']:.1%} strong calls"
    )


def _slices(document: dict[str, Any]) -> list[str]:
    if document["n_slices"] < 2:
        return ["one slice: all is ranking inside it"]
    first = document["routers"][0]
    rows = [
        "APGR = 0.5 + recognising the slice + ranking inside it; the slice prior alone, which "
        f"needs no router, has {first['prior']:.3f} {_ends(first['prior_interval'])}"
    ]
    for r in document["routers"]:
        recognising, ranking, over_prior = (
            _signed(r[name], r[f"{name}_interval"])
            for name in ("recognising", "ranking", "over_prior")
        )
        rows.append(
            f"  {r['label']}: {r['apgr']:.3f} = 0.5 {recognising} {ranking}; over the prior "
            f"{over_prior}; its slice means alone {r['slice_means']:.3f}, inside slices "
            f"{r['inside_slices']:.3f}"
        )
    return rows


def _signed(value: float, interval: Interval, digits: int = 3) -> str:
    low, high = interval
    return f"{value:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def _ends(interval: Interval, digits: int = 3) -> str:
    low, high = interval
    return f"[{low:.{digits}f}, {high:.{digits}f}]"


def _p(value: float) -> str:
    return f"{value:.0e}" if value < 0.0005 else f"{value:.3f}"
