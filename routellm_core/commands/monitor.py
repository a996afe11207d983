"""`python -m routellm_core monitor`: an alarm where a log is not what the evidence says."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from routellm_core.commands.next_command import command, with_next
from routellm_core.commands.shared import Result, Verb
from routellm_core.policy.document import parse_policy, read_policy
from routellm_core.policy.log_check import LogCheck, check_log
from routellm_core.policy.monitoring import FAR, Drift, Watched
from routellm_core.store import Store
from routellm_core.wording.numbers import brackets, fixed, percent, usd_text


def add_parser(verb: Verb) -> None:
    """Declare the verb."""
    parser = verb("monitor", monitor)
    parser.add_argument(
        "--policy", required=True, metavar="P", help="its file or folder, or its id in the store"
    )
    parser.add_argument("--log", required=True, metavar="B", help="the gateway's log, imported")
    parser.add_argument("--strong", metavar="M", help="the strong model as the log names it")
    parser.add_argument("--weak", metavar="M", help="the weak model as the log names it")


def monitor(parsed: argparse.Namespace) -> Result:
    """A gateway's log beside its policy's evidence: strong calls, dollars and scores."""
    path = Path(parsed.policy)
    with Store(parsed.store, read_only=True) as store:
        if path.exists():
            policy = read_policy(path)
        else:
            text = store.policy(parsed.policy)
            policy = parse_policy(text.encode("utf-8"), f"policy {parsed.policy}")
        found = check_log(store, policy, parsed.log, strong=parsed.strong, weak=parsed.weak)
    document: dict[str, Any] = {
        "policy": policy.policy_id,
        "log": parsed.log,
        "models": {"strong": found.strong, "weak": found.weak},
        "is_alarm": found.is_alarm,
        "strong_call_share": _watched(found.strong_call_share),
        "usd_per_query": _watched(found.usd_per_query),
        "scores": {
            **found.scores._asdict(),
            "n": found.n_scored,
            "limit": FAR,
            "verdict": _verdict(found.scores),
        },
    }
    router, benchmark = policy.router.router_id, policy.evidence.benchmark_id
    if not found.n_scored:
        following = command(parsed, "score", "--benchmark", parsed.log, "--router", router)
    elif found.is_alarm:
        following = command(parsed, "shift", "--benchmark", parsed.log, "--against", benchmark)
    else:
        following = command(parsed, "monitor", "--policy", parsed.policy, "--log", "LOG")
    return with_next((document, _lines(found)), following)


def _watched(figure: Watched) -> dict[str, Any]:
    return {**figure._asdict(), "verdict": _verdict(figure)}


def _verdict(figure: Watched | Drift) -> str:
    if not figure.is_defined:
        return "cannot tell"
    return "ALARM" if figure.is_alarm else "as expected"


def _lines(found: LogCheck) -> list[str]:
    def row(what: str, figure: Watched, shown: Callable[[float], str]) -> str:
        return (
            f"{what}: {shown(figure.value)} {brackets(figure.interval, shown)}, evidence "
            f"{brackets(figure.expected, shown)}, n = {figure.n:,}: {_verdict(figure)}"
        )

    return [
        f"strong is {found.strong}, weak is {found.weak}",
        row("strong calls", found.strong_call_share, percent),
        row("dollars an answer", found.usd_per_query, usd_text),
        f"distance of scores: {fixed(found.scores.distance)}, allowed {fixed(FAR)}, "
        f"n = {found.n_scored:,}: {_verdict(found.scores)}",
    ]
