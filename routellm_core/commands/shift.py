"""`python -m routellm_core shift`: how far a set of one's own is from a benchmark."""

import argparse
from pathlib import Path
from typing import Any

from routellm_core import jobs
from routellm_core.commands.next_command import command, with_next
from routellm_core.commands.shared import Result, Verb, say, say_progress
from routellm_core.errors import DataError
from routellm_core.evaluation.traffic import comparison, sentences
from routellm_core.evaluation.traffic.comparison import Comparison, ComparisonPlan
from routellm_core.evaluation.traffic.profile import Profile
from routellm_core.store import Store
from routellm_core.store.places import DATA_DIR
from routellm_core.store.workspace import Workspace
from routellm_core.wording.numbers import bracketed, fixed, percent
from routellm_core.wording.text import one_line

SHOWN = 5
"""Strangest queries that are named."""


def add_parser(verb: Verb) -> None:
    """Declare the verb."""
    parser = verb("shift", shift)
    parser.add_argument("--benchmark", required=True, metavar="B", help="a set of your own")
    parser.add_argument(
        "--against",
        default="mmlu",
        metavar="B",
        help="the benchmark, or another set, beside which it is laid (default: %(default)s)",
    )


def shift(parsed: argparse.Namespace) -> Result:
    """The distance of a set from a benchmark, whose figures hold as far as it is small."""
    own_id, benchmark_id = parsed.benchmark, parsed.against.lower()
    if own_id == benchmark_id:
        raise DataError(f"--against {benchmark_id}: name another set than the one compared")
    with Store(parsed.store, read_only=True) as store:
        if not store.has_benchmark(benchmark_id):
            benchmark_id = parsed.against
        title = store.benchmark(benchmark_id).title
        texts = store.query_texts(own_id)
        left_out = store.contaminated_ids(own_id)
        has_pair = len(store.models(own_id)) >= 2
    counted = [query_id for query_id in texts if query_id not in left_out]
    workspace = Workspace(parsed.store)
    folder = workspace.comparison(own_id, benchmark_id)
    found = _compared(parsed, folder, ComparisonPlan(own_id, benchmark_id), counted)
    strangest = found.own_query_id[found.two_sample.foreign_first[:SHOWN]].tolist()
    document = {
        "benchmark": own_id,
        "against": benchmark_id,
        "words": sentences.verdict_sentence(found.two_sample, title),
        **comparison.figures(found),
        "strangest": [{"query_id": name, "text": texts[name]} for name in strangest],
    }
    following = (
        command(parsed, "recommend", "--benchmark", own_id, "--share", 0.5)
        if has_pair
        else command(parsed, "label", "--benchmark", own_id, "--sheet", "labels.csv")
    )
    return with_next((document, _lines(document, found)), following)


def _compared(
    parsed: argparse.Namespace, folder: Path, plan: ComparisonPlan, query_ids: list[str]
) -> Comparison:
    """The comparison of the My data page, taken up where it is finished and of these queries."""
    if (folder / "run.json").exists():
        if jobs.read(folder).status == "done":
            found = comparison.read_comparison(folder)
            if comparison.is_of(found, query_ids):
                return found
        jobs.delete(folder)
    say(f"comparing {plan.own_id} with {plan.benchmark_id}")
    with Store(parsed.store, read_only=True) as store:
        caches = comparison.cache_dirs(store, parsed.store, plan)
        comparison.work_on(folder, plan, store, DATA_DIR, caches, say_progress())
    return comparison.read_comparison(folder)


def _lines(document: dict[str, Any], found: Comparison) -> list[str]:
    told = found.two_sample
    own, theirs = found.own_profile, found.benchmark_profile
    rows = [
        document["words"],
        f"  told apart by a classifier: AUC {bracketed(told.auc, told.interval)}, held out, "
        f"n = {told.n_own:,} and {told.n_benchmark:,} different texts (0.5: not at all, 1: always)",
        f"  nearest cosine, mean: {fixed(found.own_similarity)} from here to there, "
        f"{fixed(found.benchmark_similarity)} back",
        f"  stand in both: {found.own.n_exact:,} word for word, {found.own.n_near:,} nearly; "
        f"repeat an earlier one here: {found.repeated.n_exact + found.repeated.n_near:,}",
        f"  here: {_profile(own)}",
        f"  there: {_profile(theirs)}",
    ]
    if document["strangest"]:
        rows.append("  strangest:")
        rows += [f"    {q['query_id']}: {one_line(q['text'])}" for q in document["strangest"]]
    return rows


def _profile(of: Profile) -> str:
    languages = ", ".join(
        f"{name} {percent(share, 0)}" for name, share in list(of.languages.items())[:3]
    )
    return (
        f"{of.n_queries:,} queries, {of.words[2]:.0f} words at the median; {languages}; code "
        f"{percent(of.with_code, 0)}, formulas {percent(of.with_maths, 0)}"
    )
