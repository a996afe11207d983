"""`python -m routellm_core label`: outcomes for a set of bare queries."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from routellm_core.commands.shared import Result, Verb, say, say_progress
from routellm_core.errors import DataError
from routellm_core.labelling import into_store, sheet
from routellm_core.labelling.plan import LabellingPlan, read_plan
from routellm_core.store import Store
from routellm_core.store.workspace import Workspace
from routellm_core.types import ModelPair
from routellm_core.wording.numbers import usd_text


def add_parser(verb: Verb) -> None:
    """Declare the verb."""
    parser = verb("label", label)
    parser.add_argument("--benchmark", required=True, metavar="B", help="the bare queries")
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument(
        "--plan",
        type=Path,
        metavar="FILE",
        help="TOML or JSON with [weak], [strong], [judge]; query texts are sent to these endpoints",
    )
    way.add_argument("--sheet", type=Path, metavar="FILE", help="write a .csv or .xlsx to fill in")
    way.add_argument("--from-sheet", type=Path, metavar="FILE", help="read such a sheet")
    asking = parser.add_argument_group("with --plan")
    asking.add_argument("--estimate", action="store_true", help="say what it costs, send nothing")
    asking.add_argument(
        "--answer-tokens", type=float, help="assumed by the estimate (default: 300)"
    )
    asking.add_argument("--cap-usd", type=float, help="stop before more than that is spent")
    asking.add_argument("--cap-calls", type=int, help="stop before more requests than that")
    asking.add_argument(
        "--out",
        type=Path,
        help="folder of the replies (default: that of the set, which goes when the set goes)",
    )
    writing = parser.add_argument_group("with --sheet")
    writing.add_argument("--winner", action="store_true", help="ask who won, not for qualities")
    writing.add_argument("--n", type=int, help="how many queries (default: all)")
    writing.add_argument("--seed", type=int, default=0, help="of the order among equals")
    writing.add_argument("--router", metavar="R", help="whose scores are looked at")
    writing.add_argument("--alpha", type=float, help="queries near this threshold come first")
    reading = parser.add_argument_group("with --from-sheet")
    reading.add_argument("--weak", metavar="M", help="name of the weak model")
    reading.add_argument("--strong", metavar="M", help="name of the strong model")
    reading.add_argument(
        "--scale",
        type=float,
        nargs=2,
        default=(0.0, 1.0),
        metavar=("LOW", "HIGH"),
        help="of quality",
    )
    keeping_ = parser.add_argument_group("the new benchmark")
    keeping_.add_argument("--name", help=f"its id (default: B{into_store.SUFFIX})")
    keeping_.add_argument("--replace", action="store_true", help="one of that name makes way")


def label(parsed: argparse.Namespace) -> Result:
    """Outcomes for bare queries: ask endpoints (query texts are sent there) or people."""
    if parsed.plan is not None:
        return _ask(parsed)
    return _write(parsed) if parsed.sheet is not None else _read(parsed)


def _ask(parsed: argparse.Namespace) -> Result:
    from routellm_core.labelling.run import work_on

    plan = read_plan(parsed.plan)
    if parsed.cap_usd is not None:
        plan = replace(plan, cap_usd=parsed.cap_usd)
    if parsed.cap_calls is not None:
        plan = replace(plan, cap_calls=parsed.cap_calls)
    name = parsed.name or parsed.benchmark + into_store.SUFFIX
    with Store(parsed.store, read_only=True) as store:
        card, queries = store.benchmark(parsed.benchmark), _with_texts(store, parsed.benchmark)
        if not parsed.estimate:
            into_store.check_name(store, name, replace=parsed.replace)
    folder = parsed.out or Workspace(parsed.store).replies(parsed.benchmark)
    if parsed.estimate:
        return _estimated(parsed, plan, queries, folder)
    addresses = ", ".join(dict.fromkeys(end.base_url for end in plan.endpoints))
    say(f"the texts of {len(queries):,} queries are sent to {addresses}")
    try:
        labelled = work_on(folder, plan, queries, say_progress())
    except KeyboardInterrupt:
        raise DataError(
            f"cancelled; what was said stays in {folder}, and the same command goes on from there"
        ) from None
    found = into_store.gathered_from_endpoints(labelled, name, card)
    with Store(parsed.store) as store:
        into_store.keep(store, found, replace=parsed.replace)
    document = {
        "benchmark": name,
        "n_queries": len(labelled.queries),
        "n_failed": len(labelled.failed),
        "failed": labelled.failed.to_dict("records"),
        "n_requests": labelled.n_requests,
        "usd": labelled.usd,
        "is_cap_reached": labelled.is_cap_reached,
        "folder": str(folder),
        "notes": list(labelled.notes),
    }
    lines = [
        f"{name}: {len(labelled.queries):,} queries ({labelled.n_requests:,} requests, "
        f"{_usd(labelled.usd)})"
    ]
    return document, lines + [f"  {note}" for note in labelled.notes]


def _estimated(
    parsed: argparse.Namespace, plan: LabellingPlan, queries: pd.DataFrame, folder: Path
) -> Result:
    from routellm_core.labelling.cost_estimate import ANSWER_TOKENS, estimate

    found = estimate(plan, queries, folder, parsed.answer_tokens or ANSWER_TOKENS)
    document = {
        "n_queries": found.n_queries,
        "n_calls": found.n_calls,
        "usd": found.usd,
        "answer_tokens_assumed": found.answer_tokens_assumed,
        "counted_with": found.counted_with,
        "expected": [load._asdict() for load in found.expected],
        "at_worst": [load._asdict() for load in found.at_worst],
    }
    lines = [
        f"{found.n_queries:,} texts to ask about, {found.n_calls[0]:,} calls (at worst "
        f"{found.n_calls[1]:,}): {_usd(found.usd[0])}, at worst {_usd(found.usd[1])}",
        *(
            f"  {load.name}: {load.n_calls:,.0f} calls, {load.prompt_tokens:,.0f} prompt tokens, "
            f"{load.answer_tokens:,.0f} answer tokens, {_usd(load.usd)}"
            for load in found.expected
        ),
        f"  assumed: answers of {found.answer_tokens_assumed:g} tokens; prompts counted with "
        f"{found.counted_with}; nothing was sent",
    ]
    return document, lines


def _write(parsed: argparse.Namespace) -> Result:
    with Store(parsed.store, read_only=True) as store:
        queries = _with_texts(store, parsed.benchmark)
        scores = _scores(parsed, store, queries) if parsed.router else None
    rows = sheet.worth_labelling(queries, scores, parsed.alpha, parsed.n, parsed.seed)
    sheet.write_sheet(parsed.sheet, rows, "winner" if parsed.winner else "qualities")
    document = {"sheet": str(parsed.sheet), "n_queries": len(rows)}
    return document, [f"{parsed.sheet}: {len(rows):,} queries to label"]


def _read(parsed: argparse.Namespace) -> Result:
    if not parsed.weak or not parsed.strong:
        raise DataError("name the two models that were labelled: --weak M --strong M")
    name, scale = parsed.name or parsed.benchmark + into_store.SUFFIX, tuple(parsed.scale)
    with Store(parsed.store) as store:
        card, queries = store.benchmark(parsed.benchmark), store.queries(parsed.benchmark)
        labels = sheet.read_sheet(parsed.from_sheet, set(queries["query_id"]), *scale)
        pair = ModelPair(weak=parsed.weak, strong=parsed.strong)
        found, n_half = into_store.gathered_from_people(labels, queries, pair, name, card, *scale)
        into_store.keep(store, found, replace=parsed.replace)
    n_battles = 0 if found.battles is None else len(found.battles)
    document = {
        "benchmark": name,
        "n_queries": len(found.queries),
        "n_rows": labels.n_rows,
        "n_one_quality_only": n_half,
        "n_battles": n_battles,
    }
    lines = [f"{name}: {len(found.queries):,} of {labels.n_rows:,} rows are labelled"]
    if n_half:
        rows = "row with one quality only is" if n_half == 1 else "rows with one quality only are"
        lines.append(f"  {n_half:,} {rows} left out")
    return document, lines


def _with_texts(store: Store, benchmark_id: str) -> pd.DataFrame:
    """The queries of a set; all of them need their text.

    Raises:
        DataError: there is none, or texts are not on this machine.
    """
    queries = store.queries(benchmark_id)
    n_missing = int(queries["text"].isna().sum())
    if n_missing:
        raise DataError(
            f"{benchmark_id}: the texts of {n_missing:,} of {len(queries):,} queries are not on "
            "this machine; `python -m routellm_core texts --from FILE` brings them in"
        )
    return queries


def _scores(parsed: argparse.Namespace, store: Store, queries: pd.DataFrame) -> Any:
    """(n_queries,) scores of the router named, NaN where a query has none."""
    there = store.scorings(parsed.benchmark)
    named = there[there["router_name"].eq(parsed.router) | there["router_id"].eq(parsed.router)]
    for column, model in (("weak_model", parsed.weak), ("strong_model", parsed.strong)):
        named = named if model is None else named[named[column] == model]
    if len(named) != 1:
        known = ", ".join(sorted(set(there["router_id"]))) or "none yet"
        many = "several scorings" if len(named) else "no scores"
        raise DataError(
            f"{many} of router {parsed.router!r} on {parsed.benchmark}; name its id (there are: "
            f"{known}) and the pair with --weak and --strong"
        )
    row = named.iloc[0]
    pair = ModelPair(weak=row["weak_model"], strong=row["strong_model"])
    scored = store.scored_queries(parsed.benchmark, pair, row["router_id"], row["view"])
    by_id = scored.set_index("query_id")["strong_win_rate"]
    return queries["query_id"].map(by_id).to_numpy(dtype=np.float64)


def _usd(amount: float) -> str:
    return "price unknown" if np.isnan(amount) else usd_text(amount)
