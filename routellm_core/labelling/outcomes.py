"""Results of the calls, as the tables that the store and the training take."""

from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from routellm_core.errors import DataError
from routellm_core.labelling.journal import Record
from routellm_core.labelling.plan import LabellingPlan
from routellm_core.labelling.protocol import Finding, UnlabelledError, steps
from routellm_core.schemas import BATTLE_COLUMNS, Column, checked
from routellm_core.text_keys import group_key, text_hash
from routellm_core.wording.numbers import usd_text

QUERIES = (
    Column("query_id", "text"),
    Column("text", "text"),
    Column("slice", "text", needed=False),
    Column("cluster_id", "text", needed=False),
    Column("prompt_tokens", "number", needed=False, low=0),
)
NO_SLICE = "all"
BATTLE_SOURCE = "labelled"
NOT_REACHED = "not asked yet"
REASONS_NAMED = 3


@dataclass(frozen=True)
class Labelled:
    """The outcomes of both models, as far as they are known.

    Tables have the agreed forms of `routellm_core.schemas` and `routellm_core.importing.battles`.
    """

    plan: LabellingPlan
    queries: pd.DataFrame
    """Those with outcomes of both models: query_id, slice, cluster_id, prompt_tokens, text_hash."""
    texts: pd.DataFrame
    """Of these queries: text_hash, text."""
    outcomes: pd.DataFrame
    """Two rows a query: query_id, model, quality, answer_tokens, cost_usd, latency_s."""
    battles: pd.DataFrame | None
    """One a text; None where answers are graded alone."""
    failed: pd.DataFrame
    """Queries that have no outcomes: query_id, reason."""
    n_inconsistent: int
    """Texts on which the judge changed its mind with the order; they are ties."""
    n_cut: int
    """Answers that ended at the most tokens allowed."""
    n_counted_here: int
    """Replies whose tokens the endpoint did not say, so that they were counted here."""
    n_requests: int
    usd: float
    """Spent, in all runs of the folder; NaN where a price is unknown."""
    usd_at_worst: float
    """The part of it that is a worst case, since nobody said what was billed."""
    is_cap_reached: bool

    @property
    def notes(self) -> tuple[str, ...]:
        """Facts that a reader should know, a sentence each."""
        plan, n_found = self.plan, len(self.queries)
        n_asked = n_found + len(self.failed)
        notes = [f"{n_found:,} of {n_asked:,} queries have outcomes of both models."]
        reasons = self.failed["reason"].value_counts()
        notes += [f"{n:,} left out: {reason}." for reason, n in reasons[:REASONS_NAMED].items()]
        if len(reasons) > REASONS_NAMED:
            notes.append(f"{reasons[REASONS_NAMED:].sum():,} left out for other reasons.")
        if self.battles is not None and len(self.battles):
            notes.append(
                f"On {self.n_inconsistent:,} of {len(self.battles):,} texts the judge changed its "
                "verdict with the order of the answers; these are ties."
            )
        if self.n_cut:
            cut = "answer was" if self.n_cut == 1 else "answers were"
            notes.append(f"{self.n_cut:,} {cut} cut at the most tokens allowed.")
        if self.n_counted_here:
            notes.append(
                f"The tokens of {self.n_counted_here:,} of {2 * len(self.texts):,} answers were "
                "counted here, since the endpoint did not say them."
            )
        for end in (plan.weak, plan.strong):
            if (end.base_url, end.model) == (plan.judge.base_url, plan.judge.model):
                notes.append(f"The judge is {end.name} itself; judges favour their own answers.")
        if self.usd_at_worst > 0:
            notes.append(
                f"{usd_text(self.usd_at_worst)} of the {usd_text(self.usd)} is the worst case of "
                "requests that brought no reply and may have been billed."
            )
        if self.is_cap_reached:
            notes.append("The cap is reached; a higher one goes on from here.")
        return tuple(notes)


class _Known(NamedTuple):
    """The finding about one text, or the reason why there is none."""

    finding: Finding | None
    reason: str
    """Why there is no finding; empty when there is one."""


def checked_queries(queries: pd.DataFrame) -> pd.DataFrame:
    """The queries in the form that labelling needs.

    Raises:
        DataError: there is none, one has no text, an id occurs twice, or a text has no UTF-8 form.
    """
    if queries.empty:
        raise DataError("there is no query to ask about; choose a set that holds query texts")
    frame: pd.DataFrame = checked(queries, QUERIES, "queries to label", ("query_id",)).to_pandas()
    blank = ~frame["text"].str.strip().astype(bool)
    if blank.any():
        example = frame["query_id"][blank].iloc[0]
        raise DataError(
            f"queries to label: {int(blank.sum()):,} have a blank text, for example {example!r}; "
            "drop them"
        )
    return frame.assign(
        text_hash=frame["text"].map(text_hash),
        slice=frame["slice"].fillna(NO_SLICE),
        cluster_id=frame["cluster_id"].fillna(frame["text"].map(group_key)),
    )


def known_of(plan: LabellingPlan, text: str, record: Record) -> _Known:
    """The finding about a text by the record, the same as when it was asked."""
    asking = steps(plan, text)
    try:
        call = next(asking)
        while (reply := record.reply(call)) is not None:
            call = asking.send(reply)
    except StopIteration as end:
        return _Known(end.value, "")
    except UnlabelledError as error:
        return _Known(None, str(error))
    trouble = record.trouble(call)
    return _Known(None, f"{call.what}: the endpoint {trouble}" if trouble else NOT_REACHED)


def found(
    plan: LabellingPlan, queries: pd.DataFrame, record: Record, *, is_cap_reached: bool
) -> Labelled:
    """All that the record says of the queries, which have the form of `checked_queries`."""
    by_hash = {
        key: known_of(plan, text, record)
        for key, text in zip(queries["text_hash"], queries["text"], strict=True)
    }
    is_found = queries["text_hash"].map(lambda key: by_hash[key].finding is not None)
    done, others = queries[is_found.astype(bool)], queries[~is_found.astype(bool)]
    findings = {key: k.finding for key, k in by_hash.items() if k.finding is not None}
    texts = done[["text_hash", "text"]].drop_duplicates("text_hash")
    answers = [a for f in findings.values() for a in (f.answer_weak, f.answer_strong)]
    return Labelled(
        plan=plan,
        queries=done.drop(columns="text").reset_index(drop=True),
        texts=texts.reset_index(drop=True),
        outcomes=_outcomes(plan, done, findings),
        battles=_battles(plan, texts, findings) if plan.mode == "pairwise" else None,
        failed=pd.DataFrame(
            {
                "query_id": others["query_id"].to_numpy(object),
                "reason": [by_hash[key].reason for key in others["text_hash"]],
            }
        ),
        n_inconsistent=sum(not f.is_consistent for f in findings.values()),
        n_cut=sum(answer.is_cut for answer in answers),
        n_counted_here=sum(answer.tokens_are_counted_here for answer in answers),
        n_requests=record.n_requests,
        usd=record.usd,
        usd_at_worst=record.usd_at_worst,
        is_cap_reached=is_cap_reached,
    )


def _outcomes(
    plan: LabellingPlan, queries: pd.DataFrame, findings: dict[str, Finding]
) -> pd.DataFrame:
    rows = []
    for name, quality, answer in (
        (plan.weak.name, "quality_weak", "answer_weak"),
        (plan.strong.name, "quality_strong", "answer_strong"),
    ):
        for query_id, key in zip(queries["query_id"], queries["text_hash"], strict=True):
            reply = getattr(findings[key], answer)
            rows.append(
                (
                    query_id,
                    name,
                    getattr(findings[key], quality),
                    reply.answer_tokens,
                    reply.usd,
                    reply.latency_s,
                )
            )
    columns = ["query_id", "model", "quality", "answer_tokens", "cost_usd", "latency_s"]
    return pd.DataFrame(rows, columns=columns)


def _battles(
    plan: LabellingPlan, texts: pd.DataFrame, findings: dict[str, Finding]
) -> pd.DataFrame:
    """One a text, in the agreed form; the weak model is model_a."""
    words = {"weak": "model_a", "strong": "model_b", "tie": "tie"}
    rows = [
        (
            text,
            plan.weak.name,
            plan.strong.name,
            words[findings[key].winner or "tie"],
            plan.judge.name,
            BATTLE_SOURCE,
        )
        for key, text in zip(texts["text_hash"], texts["text"], strict=True)
    ]
    return pd.DataFrame(rows, columns=list(BATTLE_COLUMNS))
