"""Explanation of a win rate, for every kind of router."""

from dataclasses import dataclass
from typing import NamedTuple


class Word(NamedTuple):
    """A word of the query and what it did to the win rate."""

    start: int
    """Position of its first character in the query."""
    end: int
    """One past its last."""
    attribution: float
    """In win rate: above 0 it speaks for the strong model. NaN: the router did not read it."""


class LogOddsTerm(NamedTuple):
    """One term of a sum that the router computes; the sum is exact."""

    name: str
    value: float
    """What the term is made of, in a unit that `Explanation.terms_are` names."""
    contribution: float
    """What it adds to the log-odds of a strong win."""


class BattleEvidence(NamedTuple):
    """A training battle that the win rate rests on."""

    text_hash: str | None
    """Names its query in the store; None where the checkpoint does not know it."""
    similarity: float
    """Cosine of its query to the asked one, in [-1, 1]."""
    weight_share: float
    """Its weight as a share of all battles' weight."""
    influence: float
    """What the win rate gains by the battle counting as much as it does, to first order."""
    model_a: str
    model_b: str
    win_a: float
    """1 where model_a won, 1/2 in a tie, 0 where model_b won."""


@dataclass(frozen=True)
class Explanation:
    """A router's win rate of one query taken apart.

    `base`, the words and `rest` add up to the win rate but for `gap`, where the method promises
    that; where it does not, all three are NaN.
    """

    router_name: str
    query: str
    strong_win_rate: float
    method: str
    """How the words' attributions came about, in a sentence."""
    words: tuple[Word, ...]
    """In the order of the query."""
    base: float
    """Win rate from which the method starts: of an empty query, an average one or a masked one."""
    rest: float
    """What is read besides the words: special tokens, the instruction, counts of the text."""
    gap: float
    """Win rate minus base, words and rest: the error of the method's sums."""
    terms_are: str = ""
    """What the terms are, as the heading of their table; empty without terms."""
    terms: tuple[LogOddsTerm, ...] = ()
    """Additive in the log-odds, the largest first."""
    labels: tuple[tuple[str, float], ...] = ()
    """Chances of weak wins, tie and strong wins, where the router has them."""
    ratings: tuple[tuple[str, float], ...] = ()
    """Rating (log-odds) of each model or tier for this query, the best first."""
    evidence: tuple[BattleEvidence, ...] = ()
    """The battles that moved it most, by falling size of influence."""
    n_evidence: int = 0
    """Battles in all."""
