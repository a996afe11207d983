"""Measured faithfulness of the words' attributions, by kind of router.

Words of 200 queries of MMLU were deleted and inserted in the order of their attributions and in a
random one (seed 0); the gain is that of the mean win rate along the way.
"""

from typing import NamedTuple

from routellm_core.wording.numbers import signed, with_span


class Measured(NamedTuple):
    """Gains over a random order in win rate, with both ends of their 95% intervals."""

    deletion: float
    deletion_low: float
    deletion_high: float
    insertion: float
    insertion_low: float
    insertion_high: float
    n: int = 200


FAITHFULNESS = {
    "mf": Measured(0.0460, 0.0417, 0.0501, 0.0418, 0.0380, 0.0459),
    "sw_ranking": Measured(0.0028, 0.0024, 0.0032, 0.0029, 0.0026, 0.0033),
    "bert": Measured(0.0187, 0.0166, 0.0209, 0.0227, 0.0203, 0.0252),
    "causal_llm": Measured(0.0448, 0.0415, 0.0482, 0.0406, 0.0369, 0.0441),
    "stacked": Measured(0.0381, 0.0354, 0.0408, 0.0276, 0.0251, 0.0303),
}
"""Figures by router name; a router that is not here was not measured."""


def sentence(router_name: str) -> str:
    """The measurement of a kind of router as a sentence."""
    found = FAITHFULNESS.get(router_name)
    if found is None:
        return f"How faithful such words are to {router_name} was not measured."
    head = f"Measured for {router_name} on {found.n} queries of MMLU: "
    deleted, inserted = (
        with_span(gain, ends, signed, digits=4) for gain, *ends in (found[:3], found[3:6])
    )
    if min(found.deletion_low, found.insertion_low) <= 0:
        return (
            f"{head}deleting and inserting words in this order is no better than in a random one: "
            f"{deleted} and {inserted} of win rate. Do not read much into them."
        )
    return (
        f"{head}deleting words in this order moves the win rate by {deleted} more than in a random "
        f"one, inserting them by {inserted}."
    )
