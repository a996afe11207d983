"""Basis of the money of a pair, with the models' short names."""

from routellm_core.types import ModelPair
from routellm_core.wording.money import PairMoney, of_pair
from views.text.names import short_name


def money_words(pair: ModelPair, costs: PairMoney) -> str:
    """The source of the money of both models in a sentence."""
    return of_pair(
        short_name(pair.weak), costs.weak_source, short_name(pair.strong), costs.strong_source
    )
