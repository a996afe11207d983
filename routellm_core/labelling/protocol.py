"""The calls about one query, in order, and the finding that comes of them.

A generator yields calls and is sent their replies. Whoever drives it decides where replies come
from: an endpoint, or the record of an earlier run; so both give the same finding.
"""

import json
from collections.abc import Callable, Generator
from typing import Literal, NamedTuple, TypeVar

from routellm_core.labelling import judge
from routellm_core.labelling.judge import Messages
from routellm_core.labelling.plan import Endpoint, LabellingPlan
from routellm_core.text_keys import text_hash

Winner = Literal["weak", "strong", "tie"]
Read = TypeVar("Read")

N_CALLS = 4
"""About one query: two answers, and two verdicts or grades."""


class Call(NamedTuple):
    """One thing to ask one endpoint."""

    endpoint: Endpoint
    what: str
    """For people to read."""
    query_hash: str
    messages: Messages
    nth: int = 0
    """1 where the same is asked again."""

    @property
    def call_id(self) -> str:
        """Equal for calls that send the same to the same model."""
        end = self.endpoint
        sent = [end.base_url, end.model, end.max_answer_tokens, end.temperature]
        return text_hash(json.dumps([*sent, self.messages, self.nth]))

    @property
    def most_prompt_tokens(self) -> int:
        """No byte-level tokenizer makes more tokens of a text than it has bytes."""
        return _TOKENS_AROUND + sum(len(text.encode()) for _, text in self.messages)

    @property
    def most_usd(self) -> float:
        """The worst case; NaN without a price."""
        return self.endpoint.usd(self.most_prompt_tokens, self.endpoint.max_answer_tokens)


class Reply(NamedTuple):
    """The reply of an endpoint to a call."""

    text: str
    prompt_tokens: float
    answer_tokens: float
    tokens_are_counted_here: bool
    """The endpoint did not say how many tokens it took."""
    is_cut: bool
    """It ended at the most tokens allowed."""
    usd: float
    """NaN without a price."""
    latency_s: float


class Finding(NamedTuple):
    """The outcomes of both models on a query."""

    quality_weak: float
    quality_strong: float
    answer_weak: Reply
    answer_strong: Reply
    winner: Winner | None
    """None where answers are graded."""
    is_consistent: bool
    """The judge said the same in both orders."""


class UnlabelledError(Exception):
    """Nothing can be said of a query; the text says why."""


Steps = Generator[Call, Reply, Finding]


def steps(plan: LabellingPlan, query: str) -> Steps:
    """All calls about one query.

    Raises:
        UnlabelledError: an answer is empty, or the judge gave no verdict twice.
    """
    query_hash = text_hash(query)
    asked = (("user", query),)
    weak = yield Call(plan.weak, "answer of the weak model", query_hash, asked)
    strong = yield Call(plan.strong, "answer of the strong model", query_hash, asked)
    for model, reply in (("weak", weak), ("strong", strong)):
        if not reply.text.strip():
            cut = "; raise max_answer_tokens" if reply.is_cut else ""
            raise UnlabelledError(f"the {model} model's answer is empty{cut}")

    def ask(what: str, shown: Messages, read: Callable[[str], Read | None]) -> _Asked[Read]:
        return _until_read(Call(plan.judge, what, query_hash, shown), read)

    if plan.mode == "grade":
        grades = []
        for model, reply in (("weak", weak), ("strong", strong)):
            shown = judge.grade_messages(plan.rubric, query, reply.text)
            grades.append((yield from ask(f"grade of the {model} model", shown, judge.read_grade)))
        return Finding(grades[0], grades[1], weak, strong, None, True)
    first = yield from ask(
        "verdict, weak answer first",
        judge.pairwise_messages(plan.rubric, query, weak.text, strong.text),
        judge.read_verdict,
    )
    second = yield from ask(
        "verdict, strong answer first",
        judge.pairwise_messages(plan.rubric, query, strong.text, weak.text),
        judge.read_verdict,
    )
    won = judge.winner(first, second)
    quality_strong = {"weak": 0.0, "tie": 0.5, "strong": 1.0}[won]
    consistent = judge.is_consistent(first, second)
    return Finding(1.0 - quality_strong, quality_strong, weak, strong, won, consistent)


_Asked = Generator[Call, Reply, Read]
_TOKENS_AROUND = 256
"""More than the chat templates in use put around the messages of a call."""


def _until_read(call: Call, read: Callable[[str], Read | None]) -> _Asked[Read]:
    """Ask once more when a reply cannot be read; nothing is guessed."""
    for nth in range(2):
        reply = yield call._replace(nth=nth)
        found = read(reply.text)
        if found is not None:
            return found
    cut = " (its reply was cut: raise the judge's max_answer_tokens)" if reply.is_cut else ""
    raise UnlabelledError(f"{call.what}: the judge's last line is none, asked twice{cut}")
