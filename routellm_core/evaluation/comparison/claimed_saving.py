"""The cost saving ratios of the paper's table 6, from its own tables, against three baselines.

The paper divides the strong calls of the random router by those of its best router, at the same
part of the gap recovered: 49.03% / 13.40% = 3.66. That is calls and not money, and the random
router and not the strong model. Priced as its appendix D does, the same point of the same router
costs 1/7.0 of always calling the strong model, which however recovers the whole gap.

>>> best = savings()[0]
>>> best.router, round(best.fewer_calls, 2), round(best.over_strong, 1)
('mf', 3.66, 7.0)
"""

from typing import NamedTuple

from routellm_core.evaluation.comparison.paper import PUBLISHED

PRICE_STRONG, PRICE_WEAK = 24.7, 0.24
"""USD per million tokens, prompt and answer in the paper's usual mix (appendix D)."""

PRINTED = {
    ("mt_bench", 0.5): 3.66,
    ("mt_bench", 0.8): 2.49,
    ("mmlu", 0.5): 1.41,
    ("mmlu", 0.8): 1.14,
    ("gsm8k", 0.5): 1.49,
    ("gsm8k", 0.8): 1.27,
}
"""Table 6: the ratio by benchmark and part of the gap recovered."""


class Saving(NamedTuple):
    """The router that needs the fewest strong calls for a part of the gap."""

    benchmark_id: str
    wanted_pgr: float
    router: str
    trained_on: str
    """In the paper's words."""
    strong_call_share: float
    """The router's."""
    random_share: float
    """The random router's."""
    printed: float
    """In the paper."""

    @property
    def fewer_calls(self) -> float:
        """Strong calls of the random router over those of the router: the paper's ratio."""
        return self.random_share / self.strong_call_share

    @property
    def over_random(self) -> float:
        """Cost of the random router over that of the router; both answer equally well."""
        return _cost(self.random_share) / _cost(self.strong_call_share)

    @property
    def over_strong(self) -> float:
        """Cost of always calling the strong model, which answers better, over the router's."""
        return _cost(1.0) / _cost(self.strong_call_share)


def savings() -> list[Saving]:
    """One for each ratio of table 6, in its order."""
    found = []
    for (benchmark_id, wanted_pgr), printed in PRINTED.items():
        field = f"cpt{round(100 * wanted_pgr)}"
        rows = [row for row in PUBLISHED if row.benchmark_id == benchmark_id]
        (random,) = (row for row in rows if row.router == "random")
        best = min(rows, key=lambda row: getattr(row, field))
        found.append(
            Saving(
                benchmark_id,
                wanted_pgr,
                best.router,
                best.trained_on,
                getattr(best, field),
                getattr(random, field),
                printed,
            )
        )
    return found


def _cost(strong_call_share: float) -> float:
    return strong_call_share * PRICE_STRONG + (1.0 - strong_call_share) * PRICE_WEAK
