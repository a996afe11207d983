"""All checks of a benchmark of the store for one pair."""

from collections.abc import Mapping

from routellm_core.evaluation.data_quality.answers import (
    answer_findings,
    contaminated_queries,
    missing_answers,
)
from routellm_core.evaluation.data_quality.findings import SEVERITIES, DataFinding, told
from routellm_core.evaluation.data_quality.languages import non_english
from routellm_core.evaluation.data_quality.pairs import pair_findings
from routellm_core.store import Store
from routellm_core.types import ModelPair

GUESSING: Mapping[str, float] = {"mmlu": 1 / 4, "mmlu_pro": 1 / 10}
"""Share right by guessing, on the shipped benchmarks that give options: four, and up to ten."""


def check(
    store: Store, benchmark_id: str, model_pair: ModelPair, *, guessing: float | None = None
) -> list[DataFinding]:
    """Findings on the outcomes of a benchmark.

    Args:
        store: open.
        benchmark_id: of the store.
        model_pair: whose queries are looked at; answers by themselves are looked at for every
            model of the benchmark.
        guessing: share right that guessing gives; by default from `GUESSING`, and where that has
            none either, nothing is compared with guessing.

    Returns:
        The most severe first. Where nothing is wrong, there is any error or warning of a test with
        a chance of `FALSE_ALARM` at most; what is counted and not tested (repeats, missing counts)
        is as it says.

    Raises:
        UnknownNameError: no such benchmark or model.
        DataError: both models are the same, or no query has both outcomes.
    """
    card = store.benchmark(benchmark_id)
    outcomes = store.pair_outcomes(benchmark_id, model_pair)
    answers = store.answers(benchmark_id)
    left_out = sorted(store.contaminated_ids(benchmark_id))
    asked = set(answers["query_id"])
    texts = {i: text for i, text in store.query_texts(benchmark_id).items() if i in asked}
    if guessing is None:
        guessing = GUESSING.get(benchmark_id)
    found = [
        *pair_findings(outcomes, card),
        *answer_findings(answers, guessing),
        *missing_answers(answers, model_pair),
        *non_english(texts),
        *contaminated_queries(left_out, len(asked)),
    ]
    return sorted(told(found), key=lambda finding: SEVERITIES.index(finding.severity))
