"""Prices of models by provider: list prices of genai-prices, or the user's own.

The prefix of a model's name is its provider, as gateways write it. A price of another provider or
of a neighbour model says so, an unknown one is NaN, and only a free model costs 0.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from routellm_core.types import ModelPair

PriceKind = Literal["typed", "listed", "free", "neighbour model", "other provider", "unknown"]
MoneyChoice = Literal["measured", "list"]
"""What money goes by where dollars were measured; see `by_choice`."""

# Model names of public benchmarks, as genai-prices calls them: (provider, model).
_PRICED_AS = {
    "gpt-4-1106-preview": ("openai", "gpt-4-1106-preview"),
    # At $0.24 a million tokens, as in the paper's appendix D.
    "mistralai/Mixtral-8x7B-Instruct-v0.1": ("openrouter", "mistralai/mixtral-8x7b-instruct"),
    "Meta-Llama-3_1-70B-Instruct": ("openrouter", "meta-llama/llama-3.1-70b-instruct"),
    "Meta-Llama-3_1-8B-Instruct": ("openrouter", "meta-llama/llama-3.1-8b-instruct"),
}
_PREFIXES = {
    "anthropic": "anthropic",
    "aws": "aws amazon bedrock bedrock_converse",
    "azure": "azure azure_ai azure_openai azure_text azureopenai",
    "cerebras": "cerebras",
    "cohere": "cohere cohere_chat",
    "databricks": "databricks",
    "deepseek": "deepseek",
    "fireworks": "fireworks fireworks_ai accounts",
    "google": "google gemini vertex vertex_ai google_genai google_vertex google_gla models",
    "groq": "groq",
    "mistral": "mistral mistralai",
    "moonshotai": "moonshot moonshotai",
    "novita": "novita",
    "openai": "openai openai_chat text_completion_openai ft",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together": "together together_ai togetherai",
    "x-ai": "x_ai xai",
}
_PROVIDER = {prefix: name for name, prefixes in _PREFIXES.items() for prefix in prefixes.split()}
_OWN_MACHINE = frozenset(
    {
        *("hosted_vllm", "vllm", "ollama", "ollama_chat", "local", "localhost", "lm_studio"),
        *("llamafile", "llama_cpp", "llamacpp", "tgi", "hf", "xinference", "triton"),
    }
)
_PROXIES = frozenset({"litellm", "litellm_proxy"})
_HOSTS = frozenset({"aws", "azure", "cerebras", "databricks", "fireworks", "groq", "together"})
"""Providers whose prefix is no maker's name, as OpenRouter's names begin with."""
_BEDROCK = re.compile(
    r"arn:aws[\w-]*:bedrock:"
    r"|(?:[a-z-]{2,6}\.)?(?:ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen)\.",
    re.IGNORECASE,
)
_EDITION = re.compile(
    r"[-@:](?:latest|preview|exp|instruct|it|v\d+(?:[.:]\d+)*|\d{4}-\d{2}-\d{2}|\d{2}-\d{4}"
    r"|\d{2}-\d{2}|\d{8}|\d{6}|\d{3,4}|0)?$"
)
"""A date, a number of an edition, or a word of one, at the end of a name."""
_TOKENS = 1_000
"""Of a usual query: a million tokens in one call would be priced as a long context."""


class Price(NamedTuple):
    """USD for a million tokens, at least 0, and their source; NaN where they are not known."""

    prompt_usd: float
    answer_usd: float
    source: str
    replaces_measured: bool = False
    """True if tokens times this price count although dollars were measured: a price that the user
    typed, or today's list price on demand."""
    kind: PriceKind = "typed"
    """`neighbour model` and `other provider`: found for what is not quite the model asked for."""
    cache_read_usd: float = math.nan
    """Of prompt tokens that are read from a cache."""
    cache_write_usd: float = math.nan
    """Of prompt tokens that are written to a cache."""
    reasoning_usd: float = math.nan
    """Of thoughts, where they are priced apart from the answer."""
    prompt_tokens: float = math.nan
    """Of a call, as typed for queries of which nobody counted any; NaN: none were typed."""
    answer_tokens: float = math.nan
    """The same of an answer."""

    @property
    def changes(self) -> tuple[float, float, float]:
        """Differences in USD a million tokens, 0 where such a price is not known.

        Of reading from a cache and of writing to it against other tokens of a prompt, of thoughts
        against other tokens of an answer.
        """
        found = (
            self.cache_read_usd - self.prompt_usd,
            self.cache_write_usd - self.prompt_usd,
            self.reasoning_usd - self.answer_usd,
        )
        read, write, thought = (0.0 if math.isnan(usd) else usd for usd in found)
        return read, write, thought

    @property
    def has_only_tokens(self) -> bool:
        """True where no price was typed, only how many tokens a call has."""
        return self.kind == "typed" and math.isnan(self.prompt_usd) and math.isnan(self.answer_usd)

    @property
    def is_doubtful(self) -> bool:
        """True for the price of another provider or of a neighbour model."""
        return self.kind in ("neighbour model", "other provider")


UNKNOWN_PRICE = Price(math.nan, math.nan, "no list price known: type one", kind="unknown")


class _Name(NamedTuple):
    """A model's name taken apart."""

    prefix: str
    """As written; empty where there is none."""
    provider: str | None
    """As genai-prices calls it; None where the prefix is none that it knows."""
    models: tuple[str, ...]
    """Spellings of the model there, the likeliest first."""


def price_for(model: str, typed: Mapping[str, Price] | None = None) -> Price:
    """The typed price of a model, else its list price, else an unknown one that says why.

    Args:
        model: by its name in the outcomes.
        typed: prices by model; one of neither prompts nor answers leaves the list price, with the
            tokens that were typed.
    """
    own = (typed or {}).get(model)
    if own is not None and not own.has_only_tokens:
        return own
    found = list_price(model) or UNKNOWN_PRICE
    if _is_own_machine(model):
        source = "a model on your own machine has no list price: type one"
        found = UNKNOWN_PRICE._replace(source=source)
    if own is None:
        return found
    return found._replace(prompt_tokens=own.prompt_tokens, answer_tokens=own.answer_tokens)


def typed_over(typed: Mapping[str, Price], saved: Mapping[str, Price]) -> dict[str, Price]:
    """Typed prices and token counts by model; what was not typed of a model is as saved."""
    found = dict(saved)
    for model, own in typed.items():
        before = found.get(model, own)
        price = before if own.has_only_tokens else own
        prompt, answer = (
            after if math.isfinite(after) else earlier
            for after, earlier in (
                (own.prompt_tokens, before.prompt_tokens),
                (own.answer_tokens, before.answer_tokens),
            )
        )
        found[model] = price._replace(prompt_tokens=prompt, answer_tokens=answer)
    return found


def prices_of(pair: ModelPair, typed: Mapping[str, Price] | None = None) -> tuple[Price, Price]:
    """`price_for` of the weak and the strong model."""
    weak, strong = (price_for(model, typed) for model in pair)
    return weak, strong


def by_choice(price: Price, money: MoneyChoice | None) -> Price:
    """The price under a choice of money; without one a typed price counts before measured dollars.

    Args:
        price: of a model.
        money: `measured`: dollars that were measured count, a price only where there are none;
            `list`: tokens times price count always; None: as the price says itself.
    """
    return price if money is None else price._replace(replaces_measured=money == "list")


def choice_of(prices: Iterable[Price]) -> MoneyChoice | None:
    """The choice of money that prices are under; None: each as it says itself."""
    found = [(price.kind == "typed", price.replaces_measured) for price in prices]
    if (False, True) in found:
        return "list"
    return "measured" if (True, False) in found else None


def list_price(model: str) -> Price | None:
    """The price of a model in genai-prices; None where it knows none for that name.

    Prices that change within a day are those at noon UTC.
    """
    if _is_own_machine(model):
        return None
    if model in _PRICED_AS:
        provider, spelling = _PRICED_AS[model]
        return _listed(_Name("", provider, (spelling,)), model)
    name = _taken_apart(model)
    if name.provider == "openrouter" and model.lower().endswith(":free"):
        source = f"free of charge: openrouter {name.models[0]}"
        return Price(0.0, 0.0, source, kind="free", cache_read_usd=0.0, cache_write_usd=0.0)
    return _listed(name, model)


def _is_own_machine(model: str) -> bool:
    return _split(model)[0] in _OWN_MACHINE


def _split(model: str) -> tuple[str, str]:
    """Prefix of a name, in the spelling of the tables, and the rest; no prefix is empty.

    >>> _split("together-ai/a/b"), _split("openai:gpt-4o"), _split("llama3.1:8b")
    (('together_ai', 'a/b'), ('openai', 'gpt-4o'), ('', 'llama3.1:8b'))
    """
    parts = re.split(r"([/:])", model, maxsplit=1)
    if len(parts) < 3:
        return "", model
    prefix = parts[0].strip().lower().replace("-", "_").replace(".", "_")
    is_known = prefix in _PROVIDER or prefix in _OWN_MACHINE or prefix in _PROXIES
    if is_known or parts[1] == "/":
        return prefix, parts[2]
    return "", model


def _taken_apart(model: str) -> _Name:
    prefix, rest = _split(model)
    if prefix in _PROXIES:
        return _taken_apart(rest)
    last = rest.rsplit("/", 1)[-1]
    if _BEDROCK.match(model):
        return _Name("", "aws", (model,))
    if prefix == "ft":
        return _Name("", "openai", (model,))
    provider = _PROVIDER.get(prefix)
    if model.lower().endswith(":free") and provider not in {"openrouter", *_HOSTS}:
        return _Name(prefix, "openrouter", (model,))
    spellings = [rest, last]
    if provider == "fireworks":
        spellings = [f"accounts/fireworks/models/{last}", model]
    if provider is None:
        spellings = [last]
    return _Name(prefix, provider, tuple(dict.fromkeys(spellings)))


def _listed(name: _Name, asked: str) -> Price | None:
    """The price of the first spelling that is known, then of the first without its edition."""
    of_edition = tuple(_without_edition(model) for model in name.models)
    for is_cut, models in ((False, name.models), (True, of_edition)):
        for model in models:
            found = _calculated(model, name.provider)
            if found is not None:
                is_named = not is_cut and _names(found.model, model)
                return _priced(found, name, asked, is_named)
    return None


def _calculated(model: str, provider: str | None) -> Any:
    """What genai-prices says of a usual query; None where it knows no such model."""
    from genai_prices import Usage, calc_price

    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    usage = Usage(input_tokens=_TOKENS, output_tokens=_TOKENS)
    try:
        return calc_price(
            usage, model_ref=model, provider_id=provider, genai_request_timestamp=noon
        )
    except LookupError:
        return None


def _priced(found: Any, name: _Name, asked: str, is_named: bool) -> Price | None:
    """A price with its source; None where there is none for both prompt and answer."""
    usd = found.model_price
    prompt, answer = _usd(usd.input_mtok), _usd(usd.output_mtok)
    if math.isnan(prompt + answer):
        return None
    of, source = found.provider.id, f"genai-prices: {found.provider.id} {found.model.id}"
    kind: PriceKind = "listed"
    if name.prefix and name.provider is None:
        kind = "other provider"
        source += f"; no price of {asked.partition('/')[0]} is known"
    elif not any(model is found.model for model in found.provider.models):
        kind = "other provider"
        source = f"genai-prices: {found.model.id} at its maker's price; none of {of} is listed"
    if not is_named:
        kind = "neighbour model"
        source += f"; a similar model, since {asked} is not listed"
    return Price(
        prompt,
        answer,
        source,
        kind=kind,
        cache_read_usd=_usd(usd.cache_read_mtok),
        cache_write_usd=_usd(usd.cache_write_mtok),
        reasoning_usd=_usd(usd.output_reasoning_mtok),
    )


def _usd(listed: Any) -> float:
    """USD of a million tokens in a usual query, which is below all tiers."""
    return math.nan if listed is None else float(getattr(listed, "base", listed))


def _names(model: Any, asked: str) -> bool:
    """True where an entry is about the model asked for, and not about a longer name's beginning."""
    stem = _without_edition(asked.lower())
    return stem == _without_edition(model.id.lower()) or any(
        stem == text if is_whole else stem.endswith(text)
        for is_whole, text in _texts(model.match, asked.lower())
    )


def _texts(clause: Any, asked: str) -> Iterator[tuple[bool, str]]:
    """Texts, without their editions, by which an entry knows a name; whether all of it."""
    for part in getattr(clause, "or_", None) or getattr(clause, "and_", None) or [clause]:
        if part is not clause:
            yield from _texts(part, asked)
        elif part.is_match(asked):
            for how in ("equals", "starts_with", "contains", "ends_with", "regex"):
                text = getattr(part, how, None)
                if how in ("equals", "regex") and text:  # names this very spelling
                    yield True, _without_edition(asked)
                elif text:
                    yield how == "starts_with", _without_edition(text)


def _without_edition(name: str) -> str:
    """A model's name without date, number or word of its edition, and without a fine-tune's owner.

    >>> _without_edition("gpt-4o-2024-08-06"), _without_edition("ft:gpt-4o-2024-08-06:me::1")
    ('gpt-4o', 'ft:gpt-4o')
    """
    if name.startswith("ft:"):
        name = ":".join(name.split(":")[:2])
    while (shorter := _EDITION.sub("", name)) != name:
        name = shorter
    return name
