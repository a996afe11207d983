"""The estimated cost of a labelling, told before anything is sent."""

import math
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from routellm_core.labelling import judge as labelling_judge
from routellm_core.labelling.journal import Record
from routellm_core.labelling.outcomes import checked_queries, known_of
from routellm_core.labelling.plan import Endpoint, LabellingPlan
from routellm_core.labelling.token_counts import count_tokens, how_counted

ANSWER_TOKENS = 300
"""Of an answer and of a judge's reply, where nobody says otherwise."""
_TOKENS_OF_CHAT = 8
"""What a chat template puts around the messages of a call, about."""


class Load(NamedTuple):
    """The calls, tokens and money that one endpoint would take."""

    name: str
    n_calls: float
    prompt_tokens: float
    answer_tokens: float
    usd: float
    """NaN where its price is unknown."""


class CostEstimate(NamedTuple):
    """The work that is left to do, twice: as assumed, and at the worst.

    At the worst every answer is as long as it may be and every judge is asked twice. Requests that
    are repeated after errors are in neither. Other tokenizers count otherwise: a cap is sure, this
    is not.
    """

    n_queries: int
    """Distinct texts that are not labelled yet."""
    expected: tuple[Load, ...]
    """Of the weak model, the strong model and the judge."""
    at_worst: tuple[Load, ...]
    answer_tokens_assumed: float
    counted_with: str

    @property
    def n_calls(self) -> tuple[int, int]:
        """Numbers of calls: as assumed, and at the worst."""
        low, high = (int(sum(load.n_calls for load in loads)) for loads in self._both)
        return low, high

    @property
    def usd(self) -> tuple[float, float]:
        """USD as assumed, and at the worst; NaN where a price is unknown."""
        low, high = (math.fsum(load.usd for load in loads) for loads in self._both)
        return low, high

    @property
    def _both(self) -> tuple[tuple[Load, ...], tuple[Load, ...]]:
        return self.expected, self.at_worst


def estimate(
    plan: LabellingPlan,
    queries: pd.DataFrame,
    folder: Path | None = None,
    answer_tokens: float = ANSWER_TOKENS,
) -> CostEstimate:
    """Calls, tokens and money of a plan; nothing is sent.

    Args:
        plan: whom to ask.
        queries: as for `work.work_on`.
        folder: of an earlier run; what is labelled there is left out, half done queries are whole.
        answer_tokens: assumed of each answer and each reply of the judge, if it may be that long.

    Raises:
        DataError: no query, a query without a text, or a damaged record.
    """
    texts = checked_queries(queries).drop_duplicates("text_hash")["text"]
    if folder is not None:
        record = Record(folder)
        texts = texts[[known_of(plan, text, record).finding is None for text in texts]]
    query_tokens, n = float(count_tokens(list(texts)).sum()), len(texts)

    def loads(answers: dict[Endpoint, float], n_asked: int) -> tuple[Load, ...]:
        weak, strong, judge = (answers[end] for end in plan.endpoints)
        asked = query_tokens + n * _TOKENS_OF_CHAT
        shown = n * (weak + strong) * (2 if plan.mode == "pairwise" else 1)
        judged = 2 * (asked + n * _tokens_of_judging(plan)) + shown
        return (
            _load(plan.weak, n, asked, n * weak),
            _load(plan.strong, n, asked, n * strong),
            _load(plan.judge, 2 * n * n_asked, judged * n_asked, 2 * n * judge * n_asked),
        )

    longest = {end: float(end.max_answer_tokens) for end in plan.endpoints}
    return CostEstimate(
        n_queries=n,
        expected=loads({end: min(answer_tokens, most) for end, most in longest.items()}, 1),
        at_worst=loads(longest, 2),
        answer_tokens_assumed=answer_tokens,
        counted_with=how_counted(),
    )


def _tokens_of_judging(plan: LabellingPlan) -> float:
    """Tokens that a judge is shown beside the query and the answers."""
    if plan.mode == "pairwise":
        messages = labelling_judge.pairwise_messages(plan.rubric, "", "", "")
    else:
        messages = labelling_judge.grade_messages(plan.rubric, "", "")
    return float(count_tokens([text for _, text in messages]).sum())


def _load(end: Endpoint, n_calls: float, prompt_tokens: float, answer_tokens: float) -> Load:
    usd = end.usd(prompt_tokens, answer_tokens)
    return Load(end.name, n_calls, prompt_tokens, answer_tokens, usd)
