"""`python -m routellm_core explain`: why a router gives a query its win rate."""

import argparse

from routellm_core.commands.shared import Result, Verb, add_pair, pair_of
from routellm_core.errors import DataError
from routellm_core.store import Store
from routellm_core.store.places import DATA_DIR


def add_parser(verb: Verb) -> None:
    """Declare the verb."""
    parser = verb("explain", explain)
    parser.add_argument("--router", required=True, metavar="R")
    parser.add_argument("--recipe", help="where a router has several")
    parser.add_argument("--query", metavar="TEXT", help="any text")
    parser.add_argument(
        "--benchmark", metavar="B", help="whose routers and queries are meant (default: mmlu)"
    )
    parser.add_argument("--query-id", metavar="Q", help="a query of the benchmark")
    parser.add_argument(
        "--alpha", type=float, help="threshold: adds what would turn the decision round"
    )
    add_pair(parser)


def explain(parsed: argparse.Namespace) -> Result:
    """Why a router gives a query its win rate: words, battles, factors, similar queries."""
    from routellm_core.explain import report

    if (parsed.query is None) == (parsed.query_id is None):
        raise DataError("name either --query TEXT or --benchmark B with --query-id Q")
    if parsed.query_id is not None and parsed.benchmark is None:
        raise DataError("--query-id needs --benchmark")
    benchmark_id = parsed.benchmark or "mmlu"
    with Store(parsed.store, read_only=True) as store:
        pair = pair_of(parsed, store, benchmark_id)
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
