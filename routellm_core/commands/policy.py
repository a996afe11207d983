"""`python -m routellm_core policy` and `export`: a policy is made, and written for a gateway."""

import argparse
from pathlib import Path
from typing import Any

from routellm_core.commands.bill import add_bill, bill_for
from routellm_core.commands.calibrate import add_choice, chosen
from routellm_core.commands.certify import add_guarantee, delta_of, guarantee_target
from routellm_core.commands.next_command import command, with_next
from routellm_core.commands.shared import Result, Verb, chosen_prices, pair_of
from routellm_core.errors import DataError
from routellm_core.evaluation.standing import standing_document, standing_lines
from routellm_core.metrics.curve import calls_strong
from routellm_core.policy import bill, build
from routellm_core.policy.build import ProviderNames
from routellm_core.policy.choice import SelectedThreshold, why_useless
from routellm_core.policy.document import POLICY_NAME, Policy, diff, parse_policy, read_policy
from routellm_core.policy.export import TARGETS, target_named
from routellm_core.policy.export import export as write_export
from routellm_core.policy.guarantee import choice as guarantee_choice
from routellm_core.policy.money import money_words
from routellm_core.routers.fold_checkpoints import checkpoint_without
from routellm_core.store import Store
from routellm_core.store.places import DATA_DIR
from routellm_core.wording.numbers import bracketed, brackets, percent


def add_parsers(verb: Verb) -> None:
    """Declare the verbs."""
    making = verb("policy", policy)
    add_policy(making)
    making.add_argument("--out", type=Path, default=Path(POLICY_NAME), help="default: %(default)s")
    making.add_argument("--keep", action="store_true", help="keep it in the store too")
    making.add_argument("--compare", type=Path, metavar="FILE", help="say what differs from it")

    exporting = verb("export", export)
    exporting.add_argument(
        "--policy", required=True, metavar="P", help="its file or folder, or its id in the store"
    )
    exporting.add_argument("--target", required=True, metavar="T", help=", ".join(TARGETS))
    exporting.add_argument("--out", required=True, type=Path, metavar="DIR")
    exporting.add_argument(
        "--checkpoint", type=Path, metavar="DIR", help="default: beside the policy, else as stored"
    )
    exporting.add_argument(
        "--accept-edited", action="store_true", help="take a policy that was edited by hand"
    )


def add_policy(making: argparse.ArgumentParser) -> None:
    """Options that a policy is made by; `made_policy` reads them."""
    add_guarantee(add_choice(making))
    add_bill(making)
    making.add_argument(
        "--confidence", type=float, default=0.95, help="of a guarantee (default: %(default)s)"
    )
    for side in ("weak", "strong"):
        making.add_argument(
            f"--{side}-calls",
            metavar="NAME",
            help=f"how the {side} model is called where it is served (default: by its name)",
        )
        making.add_argument(
            f"--{side}-provider",
            default="openai",
            metavar="P",
            help="who serves it, as LiteLLM says it (default: an endpoint like OpenAI's)",
        )
    making.add_argument(
        "--accept-far",
        action="store_true",
        help="make it though all scores are equal, or no threshold comes near the share",
    )
    making.add_argument(
        "--seed", type=int, default=0, help="of the bootstrap and of a guarantee's split"
    )


def _certified(parsed: argparse.Namespace, store: Store) -> SelectedThreshold | None:
    """The threshold with a guarantee; None: there is none among the options."""
    target = guarantee_target(parsed, store.benchmark(parsed.benchmark))
    pair = pair_of(parsed, store, parsed.benchmark)
    return target and guarantee_choice.select_with_guarantee(
        store,
        parsed.benchmark,
        parsed.router,
        target,
        delta=delta_of(parsed),
        seed=parsed.seed,
        recipe=parsed.recipe,
        model_pair=pair,
        prices=chosen_prices(parsed, pair, store, parsed.benchmark),
    )


def made_policy(parsed: argparse.Namespace) -> tuple[SelectedThreshold, Policy]:
    """The policy that the options of `add_policy` mean, and the choice behind it.

    Raises:
        UnknownNameError: there is no such benchmark, model or router.
        UnreachableError: no threshold meets the target.
        NotTrainedError: the router has no checkpoint.
        DataError: the threshold is useless and nobody said `--accept-far`, or see
            `build.policy_of`.
    """
    with Store(parsed.store, read_only=True) as store:
        choice = _certified(parsed, store) or chosen(parsed, store)
    useless = why_useless(choice)
    if useless and not parsed.accept_far:
        raise DataError(f"{useless}; take another router or target, or say --accept-far")
    pair = choice.outcomes.model_pair
    fold = None if choice.certified is None else choice.certified.held_out_fold
    made = build.policy_of(
        choice,
        checkpoint_without(choice.router, fold, DATA_DIR),
        weak=ProviderNames(parsed.weak_provider, parsed.weak_calls or pair.weak),
        strong=ProviderNames(parsed.strong_provider, parsed.strong_calls or pair.strong),
        seed=parsed.seed,
        warm_share=parsed.warm_share,
    )
    return choice, made


def standing_of(choice: SelectedThreshold) -> dict[str, Any]:
    """The standing of the pair of a choice, its routed answers beside the best single model."""
    called = calls_strong(choice.strong_win_rate, choice.point.threshold)
    return standing_document(choice.outcomes, choice.costs, choice.benchmark, called)


def write_file(path: Path, content: bytes) -> None:
    """Write a file, its folders included.

    Raises:
        DataError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error


def policy(parsed: argparse.Namespace) -> Result:
    """Make a policy: a threshold for a target, with its evidence, as a file that can be run."""
    choice, made = made_policy(parsed)
    standing = standing_of(choice)
    costs = bill_for(parsed, choice)
    differences = None if parsed.compare is None else diff(read_policy(parsed.compare), made)
    write_file(parsed.out, made.as_bytes())
    if parsed.keep:
        with Store(parsed.store) as store:
            build.keep_policy(store, made)
    document = {"file": str(parsed.out), "kept": parsed.keep, "policy": made.document()}
    document["bill"] = bill.document(costs)
    document["standing"] = standing
    useless = why_useless(choice)
    document["warning"] = useless
    lines = [
        *_lines(made),
        *([f"  Look: {useless}."] if useless else []),
        *bill.lines(costs),
        *(f"  {line}" for line in standing_lines(standing)),
        f"written to {parsed.out}",
    ]
    if differences is not None:
        document["differences"] = differences
        lines += [f"  {line}" for line in differences]
    to_python = ("--policy", parsed.out, "--target", "python", "--out", "routed")
    return with_next((document, lines), command(parsed, "export", *to_python))


def _lines(made: Policy) -> list[str]:
    evidence = made.evidence
    share, quality, pgr = evidence.strong_call_share, evidence.quality, evidence.pgr
    guarantee = made.guarantee
    return [
        f"policy {made.policy_id}: threshold {made.threshold!r}",
        *(() if guarantee is None else (f"  {guarantee.words}", f"  {guarantee.about}")),
        f"  {percent(share.value, 2)} strong calls {brackets(share.interval, percent, digits=2)}, "
        f"quality {bracketed(quality.value, quality.interval, digits=6)}, "
        f"PGR {bracketed(pgr.value, pgr.interval)}",
        f"  on {evidence.benchmark_id} (n = {evidence.n_queries:,}), {evidence.meaning}",
        *(f"  {sentence}" for sentence in money_words(made)),
    ]


def export(parsed: argparse.Namespace) -> Result:
    """Write a folder in which a gateway or a program runs a policy."""
    target = target_named(parsed.target)
    path = Path(parsed.policy)
    with_store = not path.exists()
    if with_store:
        with Store(parsed.store, read_only=True) as store:
            text = store.policy(parsed.policy)
        found = parse_policy(
            text.encode("utf-8"), f"policy {parsed.policy}", accept_edited=parsed.accept_edited
        )
    else:
        found = read_policy(path, accept_edited=parsed.accept_edited)
    checkpoint = parsed.checkpoint
    if checkpoint is None and target.asks_router:
        beside = (path if path.is_dir() else path.parent) / found.router.checkpoint
        checkpoint = beside if not with_store and beside.is_dir() else _stored(parsed, found)
    write_export(found, target.name, parsed.out, checkpoint)
    document = {
        "target": target.name,
        "folder": str(parsed.out),
        "files": sorted(target.files(found)),
        "commands": list(target.commands),
    }
    lines = [f"{target.title}: {parsed.out}; there", *(f"  {line}" for line in target.commands)]
    of_log = ("--policy", parsed.policy, "--log", "LOG")
    return with_next((document, lines), command(parsed, "monitor", *of_log))


def _stored(parsed: argparse.Namespace, found: Policy) -> Path:
    with Store(parsed.store, read_only=True) as store:
        router = store.router(found.router.router_id)
    fold = None if found.guarantee is None else found.guarantee.left_out_fold
    return checkpoint_without(router, fold, DATA_DIR)
