"""`python -m routellm_core certify`: the cheapest threshold that carries a guarantee."""

import argparse
from typing import Any

from routellm_core.commands.next_command import command, named_pair, with_next
from routellm_core.commands.shared import Result, Verb, add_pair, pair_of, seed
from routellm_core.errors import DataError
from routellm_core.policy.guarantee.certify import Certificate, certify_on, scope_of
from routellm_core.policy.guarantee.risks import GuaranteeTarget
from routellm_core.policy.guarantee.sentences import ONE_SPLIT, about, certificate_sentence
from routellm_core.routers.fold_checkpoints import HELD_OUT_FOLD, exact_rows
from routellm_core.store import Store
from routellm_core.types import Benchmark
from routellm_core.wording.numbers import p_text, point_scale, significant


def add_parser(verb: Verb) -> None:
    """Declare the verb."""
    parser = verb("certify", certify_threshold)
    parser.add_argument("--router", required=True, metavar="R")
    parser.add_argument("--recipe", help="where a router has several")
    parser.add_argument("--benchmark", required=True, metavar="B")
    add_guarantee(parser.add_mutually_exclusive_group(required=True), "--keep")
    parser.add_argument(
        "--confidence", type=float, default=0.95, help="that it holds (default: %(default)s)"
    )
    parser.add_argument(
        "--fold",
        type=int,
        metavar="K",
        help="only queries of this fold, all scored by one router: exact about that router, which "
        f"is kept for fold {HELD_OUT_FOLD} alone",
    )
    parser.add_argument(
        "--seed",
        type=seed,
        default=0,
        help=f"of the split (default: %(default)s). {ONE_SPLIT}",
    )
    add_pair(parser)


def add_guarantee(target: Any, *also_called: str) -> None:
    """Options that name a guarantee; `guarantee_target` reads them.

    Args:
        target: argparse's group of options that exclude each other.
        also_called: further names of --keep-quality.
    """
    target.add_argument(
        "--keep-quality",
        *also_called,
        type=float,
        metavar="SHARE",
        help="of the strong model's, at least",
    )
    target.add_argument(
        "--lose",
        type=float,
        metavar="POINTS",
        help="of quality against always strong, at most; of 100 where quality is a share",
    )
    target.add_argument(
        "--miss",
        type=float,
        metavar="SHARE",
        help="at most, of the queries kept on the weak model, that it alone fails",
    )


def guarantee_target(parsed: argparse.Namespace, benchmark: Benchmark) -> GuaranteeTarget | None:
    """The guarantee that the options of `add_guarantee` ask for; None: they ask for none.

    Args:
        parsed: has them.
        benchmark: gives the unit of a loss.
    """
    if parsed.keep_quality is not None:
        return GuaranteeTarget("keep", parsed.keep_quality)
    if parsed.lose is not None:
        return GuaranteeTarget("lose", parsed.lose / point_scale(benchmark.quality_unit).scale)
    return None if parsed.miss is None else GuaranteeTarget("miss", parsed.miss)


def delta_of(parsed: argparse.Namespace) -> float:
    """1 - confidence, without the last digits that the difference brings in."""
    return round(1 - float(parsed.confidence), 12)


def certify_threshold(parsed: argparse.Namespace) -> Result:
    """The cheapest threshold with a guarantee, chosen on some queries, checked on others."""
    with Store(parsed.store, read_only=True) as store:
        pair = pair_of(parsed, store, parsed.benchmark)
        benchmark = store.benchmark(parsed.benchmark)
        outcomes = store.pair_outcomes(parsed.benchmark, pair)
        row = store.router_named(parsed.benchmark, pair, parsed.router, parsed.recipe)
        where = parsed.benchmark, pair, row.router_id, row.view
        router = store.router(row.router_id)
        scores = store.strong_win_rates(*where)
        fold = store.folds(*where)
    held_out_fold = None
    if parsed.fold is not None:
        rows, held_out_fold = exact_rows(router, row.view, fold, parsed.fold)
        if held_out_fold is None:
            raise DataError(
                f"{router.router_id} has no fold {parsed.fold} here: it saw none of these queries, "
                "so leave --fold out; the guarantee is exact as it is"
            )
        outcomes, scores = outcomes.of(rows), scores[rows]
    scope = scope_of(int(fold.max()) + 1, held_out_fold)
    target = guarantee_target(parsed, benchmark)
    assert target is not None  # argparse demands one
    delta, seed = delta_of(parsed), parsed.seed
    found = certify_on(benchmark, outcomes, scores, target, delta=delta, seed=seed)
    sentence = certificate_sentence(found, benchmark.quality_unit)
    document = {
        "benchmark": parsed.benchmark,
        "model_pair": {"strong": pair.strong, "weak": pair.weak},
        "router": row.router_name,
        "recipe": row.recipe,
        "view": row.view,
        "fold": parsed.fold,
        "words": sentence,
        "about": about(scope, held_out_fold),
        "scope": scope,
        **_figures(found),
    }
    lines = [sentence]
    if found.is_reached:
        lines.append(f"threshold {found.threshold!r}, bound {significant(found.bound, 6)}")
    lines += [*_search_lines(found), f"  {about(scope, held_out_fold)}"]
    return with_next((document, lines), _following(parsed, found))


def _following(parsed: argparse.Namespace, found: Certificate) -> str:
    """The policy with this guarantee; one for a share where none is reached."""
    of = ("--benchmark", parsed.benchmark, "--router", parsed.router, "--recipe", parsed.recipe)
    if not found.is_reached or parsed.fold is not None or parsed.seed:
        return command(parsed, "policy", *of, *named_pair(parsed), "--share", 0.5)
    promise = {"--keep-quality": parsed.keep_quality, "--lose": parsed.lose, "--miss": parsed.miss}
    wish = [word for name, value in promise.items() for word in (name, value)]
    confidence = None if parsed.confidence == 0.95 else parsed.confidence
    return command(parsed, "policy", *of, *named_pair(parsed), *wish, "--confidence", confidence)


def _figures(found: Certificate) -> dict[str, Any]:
    """The certificate as JSON, quality in the benchmark's scale."""
    figures = dict(vars(found))
    target = figures.pop("target")
    return {
        "promise": {"kind": target.kind, "limit": target.limit},
        "is_reached": found.is_reached,
        **figures,
    }


def _search_lines(found: Certificate) -> list[str]:
    ended = (
        "none failed"
        if found.n_passed == found.n_thresholds
        else f"the next, {significant(found.stopped_at, 6)}, had {p_text(found.stopped_p_value)}"
    )
    return [
        f"  {found.n_passed} of {found.n_thresholds} thresholds passed in turn, {ended}",
        f"  {found.n_calibration:,} distinct queries chose it, {found.n_held_out:,} checked it, "
        f"the scores of {found.n_pilot:,} more gave the thresholds",
    ]
