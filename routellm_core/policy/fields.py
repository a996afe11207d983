"""The parts of a policy's document: what each field means and may hold.

Names and docstrings of these classes stand in the published data/policy.schema.json: they stay.
"""

import math
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

from routellm_core.metrics.costs import CostKind
from routellm_core.metrics.prices import MoneyChoice, Price, PriceKind
from routellm_core.types import Interval


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds characters that cannot be printed")
    return text


def _undefined_as_none(figure: float) -> float | None:
    return figure if math.isfinite(figure) else None


Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
"""Of a model or a set, as people wrote it; one line without control characters."""
Words: TypeAlias = Annotated[str, Field(max_length=2_000), AfterValidator(_printable)]
PlainName: TypeAlias = Annotated[
    str, Field(max_length=200, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*$")
]
"""What may be a file name everywhere."""
ProviderName: TypeAlias = Annotated[
    str, Field(max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$")
]
"""What may stand in a configuration, a shell or an address without quotes."""
Sha256: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Figure: TypeAlias = Annotated[
    float,
    BeforeValidator(lambda value: math.nan if value is None else value),
    PlainSerializer(_undefined_as_none, return_type=float | None),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "null"}]}),
]
"""NaN where it is undefined; null in the document."""
Tokens: TypeAlias = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Share: TypeAlias = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]


class Part(BaseModel):
    """Refuses fields that it does not know and types that only resemble the right ones."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FigureInterval(Part):
    """A figure with its 95% interval."""

    value: Figure
    low: Figure
    high: Figure

    @property
    def interval(self) -> Interval:
        """Both ends; NaN where they are undefined."""
        return Interval(self.low, self.high)


class PolicyRouter(Part):
    """Who scores the queries."""

    router_id: Name
    router_name: PlainName
    recipe: Name
    checkpoint: PlainName
    """Name of the checkpoint's folder, beside the policy."""
    checkpoint_sha256: Sha256
    """Of its files; see `checkpoint_hash`."""
    embedder: Name | None


class CalledModel(Part):
    """A model of the pair: as the benchmark names it, and as its provider does."""

    name: Name
    provider: Annotated[str, Field(max_length=50, pattern=r"^[a-z][a-z0-9_]*$")] = "openai"
    """`openai` is any endpoint that speaks OpenAI's chat completions; else LiteLLM's name."""
    provider_name: ProviderName


class CalledPair(Part):
    """Whom the queries go to."""

    weak: CalledModel
    strong: CalledModel


class ChosenBy(Part):
    """The wish that led to the threshold, and what it achieves of it."""

    mode: Literal["alpha", "share", "budget", "quality", "pgr", "promise"]
    wanted: Annotated[float, Field(allow_inf_nan=False)]
    """Of a guarantee its limit."""
    achieved: Annotated[float, Field(allow_inf_nan=False)]
    queries_per_month: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """What a budget is for."""


class Guarantee(Part):
    """What the threshold promises, how that was tested, and how it held where it was checked.

    Of `guarantee.Certificate`, where the figures are explained.
    """

    kind: Literal["keep", "lose", "miss"]
    limit: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """A share; for `lose` in the benchmark's scale, and 0 where nothing at all is to be lost."""
    delta: Annotated[float, Field(gt=0, lt=1)]
    """Chance that a broken guarantee is given all the same."""
    seed: Annotated[int, Field(ge=0)]
    """Of the split into pilot, calibration and held-out queries."""
    n_pilot: Annotated[int, Field(ge=1)]
    n_calibration: Annotated[int, Field(ge=1)]
    n_held_out: Annotated[int, Field(ge=1)]
    """Distinct ones, as all three."""
    threshold: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """That was tested, all digits; 2 for never."""
    p_value: Share
    bound: Figure
    achieved: FigureInterval
    """On the held-out queries: the share of quality kept, the quality lost, the share missed."""
    left_out_fold: Annotated[int, Field(ge=0)] | None
    """Which the checkpoint never saw, and of which all queries are; None: it saw none of any."""
    calibration_sha256: Sha256
    """Of the sorted ids of the calibration queries, a line each."""
    words: Words
    """The guarantee as a sentence."""
    about: Words
    """What it is about."""


class Evidence(Part):
    """What the threshold gives, on which queries, and how that was measured."""

    benchmark_id: PlainName
    title: Name
    n_queries: Annotated[int, Field(ge=1)]
    """With both outcomes, contaminated ones left out."""
    n_contaminated: Annotated[int, Field(ge=0)]
    """Left out because they stand in what routers learned from."""
    view: Literal["in_domain", "unseen_slices", "untouched"]
    meaning: Words
    """The view in words: what the figures say about the checkpoint."""
    quality_unit: Literal["share right", "points"]
    strong_call_share: FigureInterval
    quality: FigureInterval
    """In the benchmark's scale."""
    pgr: FigureInterval
    quality_weak: FigureInterval
    quality_strong: FigureInterval
    quality_random: FigureInterval
    """Of as many strong calls dealt out blindly; the middle 95% of such deals."""
    usd_per_query: Figure
    usd_per_query_strong: Figure
    """Of always calling the strong model."""
    n_resamples: Annotated[int, Field(ge=100)]
    seed: Annotated[int, Field(ge=0)]
    """Of the bootstrap over queries."""
    data_hash: Annotated[str, Field(pattern=r"^[0-9a-f]*$", max_length=64)]
    """Of the shipped files below the store; empty when there were none."""
    outcomes_sha256: Sha256
    """Of the outcomes and scores that the figures are made of."""


class ModelPrice(Part):
    """USD for a million tokens, and who says so."""

    prompt_usd: Figure
    answer_usd: Figure
    source: Words
    kind: PriceKind | None = None
    """Who says so, in a word; None, as all below, in a policy before version 3."""
    cached_usd: Figure = math.nan
    """Of prompts that are read from a cache."""
    rests_on: Annotated[CostKind, Field(strict=False)] | None = None
    """What the money of the model rests on."""
    prompt_tokens: Tokens | None = None
    """Of a call, typed for queries of which nobody counted any; None: not typed."""
    answer_tokens: Tokens | None = None

    @classmethod
    def of(cls, price: Price, rests_on: CostKind | None = None) -> Self:
        """The price without what it says of writing to caches and of thoughts."""
        prompt, answer = (
            None if math.isnan(n) else n for n in (price.prompt_tokens, price.answer_tokens)
        )
        return cls(
            prompt_usd=price.prompt_usd,
            answer_usd=price.answer_usd,
            source=price.source,
            kind=price.kind,
            cached_usd=price.cache_read_usd,
            rests_on=rests_on,
            prompt_tokens=prompt,
            answer_tokens=answer,
        )


class Prices(Part):
    """With which money was counted."""

    money: MoneyChoice | None = None
    """What counts where dollars were measured: those, or tokens times price; None: those, but a
    typed price comes before them."""
    warm_share: Share | None = None
    """Of the calls those whose prompt one model alone would read from its cache; None: unasked."""
    forfeited_usd_per_query: Figure = math.nan
    """What switches of model forfeit in cache then; no other figure has it in."""

    weak: ModelPrice
    strong: ModelPrice
    prompt_tokens: Words
    """Where the counts come from."""
    answer_tokens: Words
