"""`python -m routellm_core compare`: differences, controls and decomposition of routers."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from routellm_core.commands.shared import (
    Result,
    Verb,
    add_pair,
    add_prices,
    chosen_prices,
    money_lines,
    pair_of,
    resamples,
    seed,
)
from routellm_core.errors import DataError
from routellm_core.evaluation.comparison import sentences
from routellm_core.evaluation.comparison.report import compare_routers
from routellm_core.evaluation.standing import standing_lines
from routellm_core.statistics.bootstrap import N_RESAMPLES
from routellm_core.store import Store
from routellm_core.types import VIEWS
from routellm_core.wording.numbers import (
    bracketed,
    brackets,
    fixed,
    p_text,
    percent,
    signed,
    usd_text,
)


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
    add_prices(parser)


def compare(parsed: argparse.Namespace) -> Result:
    """Differences of routers, their controls, and the part of the gain between slices."""
    if not 0.0 <= parsed.share <= 1.0:
        raise DataError(f"--share {parsed.share}: give a share between 0 and 1")
    with Store(parsed.store, read_only=True) as store:
        pair = pair_of(parsed, store, parsed.benchmark)
        document = compare_routers(
            store,
            parsed.benchmark,
            model_pair=pair,
            prices=chosen_prices(parsed, pair, store, parsed.benchmark),
            router_names=parsed.router,
            view=parsed.view,
            strong_call_share=parsed.share,
            n_resamples=parsed.resamples,
            seed=parsed.seed,
            warm_share=parsed.warm_share,
        )
    return document, lines(document)


def lines(document: dict[str, Any]) -> list[str]:
    """The object of `compare_routers` for people."""
    weak, strong = document["quality_weak"], document["quality_strong"]
    caution = sentences.gap_caution(document["gap_interval"])
    return [
        f"{document['benchmark']}, {document['view']}: n = {document['n_queries']:,} "
        f"({document['n_texts']:,} texts), slices: {document['n_slices']}, gap "
        f"{bracketed(strong - weak, document['gap_interval'], digits=4)}; "
        f"{document['n_resamples']:,} resamples, seed {document['seed']}",
        *([caution] if caution else []),
        *standing_lines(document["standing"]),
        *_matrix(document),
        *_at_share(document["verdicts"]),
        "is it a router? APGR against its own scores shuffled; bits of the scores and, at α = 0.5, "
        "of the choice",
        *(_control(router) for router in document["routers"]),
        "recovered of the gap from the best single model to the oracle, threshold chosen out of "
        "fold (in parentheses: the best one of these queries, which is too good)",
        *(_oracle_gap(router) for router in document["routers"]),
        *money_lines(document["money"]),
        "on these costs: RouterBench's AIQ, area of the deferral curve, quality-neutral "
        "cost and strong-call share",
        *(_costs(router) for router in document["routers"]),
        *_caches(document),
        *_slices(document),
    ]


def _matrix(document: dict[str, Any]) -> list[str]:
    """Each router over those below it, then a sentence for each pair without a clear winner."""
    found = document["verdicts"]
    if not found:
        return [sentences.ONE_ROUTER]
    labels = list(dict.fromkeys(label for v in found for label in v["labels"]))
    cells = {tuple(v["labels"]): signed(v["amount"]) if v["is_ahead"] else "?" for v in found}
    apgr = {router["label"]: router["apgr"] for router in document["routers"]}
    width = max(map(len, labels))
    of = "APGR" if found[0]["is_gap_clear"] else "mean quality"
    rows = [
        f"{of} of the row over the column; ? no clear winner ({len(found)} pairs, Holm at 5%)",
        f"  {'':>3} {'':<{width}} {'APGR':>6} "
        + "".join(f"{i:>8}" for i in range(2, len(labels) + 1)),
    ]
    for i, row in enumerate(labels):
        gains = "".join(f"{cells.get((row, column), ''):>8}" for column in labels[1:])
        rows.append(f"  {i + 1:>3} {row:<{width}} {fixed(apgr[row]):>6} {gains}".rstrip())
    return rows + [
        f"  {v['words']} ({bracketed(v['amount'], v['amount_interval'], signed)}, "
        f"{p_text(v['p_value'])}, {p_text(v['adjusted_p_value'])} by Holm)"
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
            f"  over {verdict['labels'][1]}: "
            f"{bracketed(at['gain'], at['gain_interval'], signed, digits=4)}, {counts}, McNemar "
            f"{p_text(at['p_value'])}, {p_text(at['adjusted_p_value'])} by Holm"
        )
    if not rows:
        return []
    share = found[0]["at_share"]["strong_call_share"]
    return [f"quality of {found[0]['labels'][0]} at {percent(share, 0)} strong calls", *rows]


def _control(router: dict[str, Any]) -> str:
    control = router["control"]
    return (
        f"  {router['label']}: {router['words']}; {fixed(control['apgr'])} against "
        f"{brackets(control['band'])}, {p_text(control['p_value'])}; {router['n_scores']:,} "
        f"scores, {fixed(router['score_entropy'], 1)} bits; {percent(router['share_at_half'])} "
        f"strong, {fixed(router['choice_entropy'], 2)} bits"
    )


def _oracle_gap(router: dict[str, Any]) -> str:
    recovered = bracketed(router["oracle_gap"], router["oracle_gap_interval"], percent)
    return f"  {router['label']}: {recovered} ({percent(router['oracle_gap_at_best'])})"


def _costs(router: dict[str, Any]) -> str:
    def figure(name: str, write: Callable[..., str] = fixed, **how: int) -> str:
        return bracketed(router[name], router[f"{name}_interval"], write, **how)

    return (
        f"  {router['label']}: AIQ {figure('aiq', digits=4)}, area "
        f"{figure('deferral_area', digits=4)}, QNC "
        f"{figure('quality_neutral_cost_usd', _per_thousand)} a thousand queries, "
        f"{figure('quality_neutral_cost', percent)} of the best model's, "
        f"{percent(router['quality_neutral_share'])} strong calls"
    )


def _per_thousand(usd: float) -> str:
    return usd_text(1000 * usd)


def _caches(document: dict[str, Any]) -> list[str]:
    """What switches of model forfeit, where a share of warm prompts is given."""
    found = [f"  {r['label']}: {r['cache']['words']}" for r in document["routers"] if "cache" in r]
    at = f"in cache, at {percent(document['strong_call_share'], 0)} strong calls"
    return [at, *found] if found else []


def _slices(document: dict[str, Any]) -> list[str]:
    if document["n_slices"] < 2:
        return ["one slice: all of the gain is within it"]
    first = document["routers"][0]
    rows = [
        "APGR = 0.5 + between-slice gain + within-slice gain; the slice prior alone, which needs "
        f"no router, has {bracketed(first['prior'], first['prior_interval'])}"
    ]
    for r in document["routers"]:
        between, within, over_prior = (
            bracketed(r[name], r[f"{name}_interval"], signed)
            for name in ("recognising", "ranking", "over_prior")
        )
        rows.append(
            f"  {r['label']}: {fixed(r['apgr'])} = 0.5 {between} {within}; over the prior "
            f"{over_prior}; its slice means alone {fixed(r['slice_means'])}, inside slices "
            f"{fixed(r['inside_slices'])}"
        )
    return rows
