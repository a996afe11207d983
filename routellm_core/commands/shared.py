"""Parts that the verbs share: the pair on the command line, kinds of numbers, lines on stderr."""

import argparse
import math
import sys
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias, get_args

import pandas as pd

from routellm_core import jobs
from routellm_core.errors import DataError
from routellm_core.jobs.progress import OnProgress, Progress
from routellm_core.metrics.costs import CostKind
from routellm_core.metrics.prices import MoneyChoice, Price, by_choice, prices_of, typed_over
from routellm_core.metrics.thresholds import Target
from routellm_core.store import Store
from routellm_core.store.places import IS_INSTALLED, cache_dir
from routellm_core.store.selection import default_pair
from routellm_core.types import ModelPair
from routellm_core.wording.numbers import DASH, duration, fixed, gpu_memory

CACHE_DIR = cache_dir()
ASSUMED_VOLUME = 100_000.0
"""Queries a month where nobody says how many."""
_SECONDS_BETWEEN_LINES = 10.0
_NOT_TYPED = Price(math.nan, math.nan, "typed", replaces_measured=True)

Result: TypeAlias = tuple[Any, list[str]]
"""What --json prints, and the lines for people."""
Verb: TypeAlias = Callable[[str, Callable[[argparse.Namespace], Result]], argparse.ArgumentParser]
"""Declares a verb by its name and function."""


def check_is_checkout() -> None:
    """Refuse to rebuild the shipped files of an installed package.

    Raises:
        DataError: the core is not run in a checkout.
    """
    if IS_INSTALLED:
        raise DataError(
            "this rebuilds the project's own data/: run it in a checkout of the project"
        )


def add_pair(parser: argparse.ArgumentParser) -> None:
    """Options that name a model pair; `pair_of` reads them."""
    parser.add_argument("--strong", metavar="M", help="strong model, as named in the outcomes")
    parser.add_argument("--weak", metavar="M", help="weak model")


def pair_of(parsed: argparse.Namespace, store: Store, benchmark_id: str) -> ModelPair:
    """The pair of these options; what they leave open is as in the benchmark's usual pair."""
    usual = default_pair(store, benchmark_id)
    return ModelPair(weak=parsed.weak or usual.weak, strong=parsed.strong or usual.strong)


def add_prices(parser: argparse.ArgumentParser) -> None:
    """Options of money; `prices_for` and `chosen_prices` read them."""
    add_typed_prices(parser)
    parser.add_argument(
        "--money",
        choices=get_args(MoneyChoice),
        help="what counts where dollars were measured: those, or tokens times price (default: the "
        "dollars, but a price that you typed comes before them)",
    )
    parser.add_argument(
        "--save-prices",
        action="store_true",
        help="keep what is typed here with the set, for all pages and verbs",
    )
    parser.add_argument(
        "--warm-share",
        type=_share,
        metavar="W",
        help="share of the calls, in [0, 1], whose prompt one model alone would read from its "
        "cache; then what switches of model forfeit is said beside the saving",
    )


def add_typed_prices(parser: argparse.ArgumentParser) -> None:
    """Options that type prices and tokens; `typed_prices` reads them."""
    parser.add_argument(
        "--price",
        action="append",
        type=_price,
        default=[],
        metavar="MODEL=IN/OUT[/CACHED]",
        help="USD a million tokens of prompts, of answers, and of prompts read from a cache, in "
        "place of the list price; may be repeated",
    )
    for part in ("prompt", "answer"):
        parser.add_argument(
            f"--{part}-tokens",
            action="append",
            type=_tokens,
            default=[],
            metavar="[MODEL=]N",
            help=f"tokens of a call's {part} where nobody counted any, in place of the paper's "
            "average: of one model, or of all; may be repeated",
        )


def typed_prices(parsed: argparse.Namespace, models: Collection[str]) -> dict[str, Price]:
    """Prices and token counts that the options type, by model.

    Raises:
        DataError: they name a model that is not among these.
    """
    given = [("price", model) for model, _ in parsed.price]
    for part in ("prompt", "answer"):
        given += [(f"{part}-tokens", model) for model, _ in vars(parsed)[f"{part}_tokens"] if model]
    for option, model in given:
        if model not in models:
            raise DataError(
                f"--{option} {model}: the models here are {' and '.join(models)}; name one of them"
            )
    found: dict[str, Price] = dict(parsed.price)
    for field in ("prompt_tokens", "answer_tokens"):
        for name, n in vars(parsed)[field]:
            for model in [name] if name else models:
                found[model] = found.get(model, _NOT_TYPED)._replace(**{field: n})
    return found


def prices_for(
    parsed: argparse.Namespace, pair: ModelPair, saved: Mapping[str, Price] | None = None
) -> tuple[Price, Price]:
    """Prices of the weak and the strong model: those of the options, else saved, else list prices.

    Args:
        parsed: has the options.
        pair: of models.
        saved: prices by model that were saved with the set.

    Raises:
        DataError: the options price a model that is not of the pair.
    """
    typed = typed_over(typed_prices(parsed, pair), saved or {})
    weak, strong = (by_choice(price, parsed.money) for price in prices_of(pair, typed))
    return weak, strong


def chosen_prices(
    parsed: argparse.Namespace, pair: ModelPair, store: Store, benchmark_id: str
) -> tuple[Price, Price]:
    """`prices_for` with what was saved with the set; saves what is typed where that is asked for.

    Raises:
        DataError: the options price a model that is not of the pair, or nothing is there to save.
    """
    saved = store.typed_prices(benchmark_id)
    if parsed.save_prices:
        typed = typed_prices(parsed, pair)
        if not typed:
            raise DataError(
                "--save-prices: nothing is typed to save; add --price, --prompt-tokens or "
                "--answer-tokens"
            )
        with store.open_for_writing():
            store.save_prices(benchmark_id, typed_over(typed, saved))
        say(f"saved with {benchmark_id}: prices of {', '.join(typed)}")
    return prices_for(parsed, pair, saved)


def money_lines(money: dict[str, Any]) -> list[str]:
    """Sources of the money of `money_document`, for people, and the prices that count."""
    shown = [
        f"{of['model']} {_usd(of['price']['prompt_usd'])} / {_usd(of['price']['answer_usd'])}"
        for of in (money["weak"], money["strong"])
        if of["kind"] in (CostKind.TOKENS, CostKind.TYPED, CostKind.ASSUMED)
    ]
    prices = [f"prices of a million tokens, prompt / answer: {'; '.join(shown)}"] if shown else []
    return [money["words"], *prices]


def _usd(usd: float) -> str:
    return f"${usd:,.6g}" if math.isfinite(usd) else DASH


def _price(text: str) -> tuple[str, Price]:
    model, _, written = text.rpartition("=")
    try:
        usd = [float(part) for part in written.split("/")]
    except ValueError:
        usd = []
    if not model or len(usd) not in (2, 3) or not all(0 <= each < math.inf for each in usd):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no price; write MODEL=IN/OUT in USD a million tokens, as "
            "gpt-4o=2.5/10, or MODEL=IN/OUT/CACHED"
        )
    prompt, answer, *cached = usd
    cache_read = cached[0] if cached else math.nan
    return model, Price(prompt, answer, "typed", replaces_measured=True, cache_read_usd=cache_read)


def _tokens(text: str) -> tuple[str, float]:
    """The model, empty for all, and its tokens."""
    model, is_of_one, written = text.rpartition("=")
    try:
        n = float(written)
    except ValueError:
        n = math.nan
    if not 0 < n < math.inf or (is_of_one and not model):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of tokens; write MODEL=N, as gpt-4o=350, or N for all models"
        )
    return model, n


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0.0 <= share <= 1.0:
        raise argparse.ArgumentTypeError(f"{text} is no share between 0 and 1")
    return share


def resamples(text: str) -> int:
    """A number of bootstrap resamples, for argparse."""
    if int(text) < 100:
        raise argparse.ArgumentTypeError("fewer than 100 give no interval worth printing")
    return int(text)


def seed(text: str) -> int:
    """A seed, for argparse."""
    if int(text) < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return int(text)


def count(text: str) -> int:
    """A number of things, at least one, for argparse."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return int(text)


def say(text: str) -> None:
    """Tell the user something beside the result."""
    sys.stderr.write(text + "\n")


def say_progress() -> OnProgress:
    """Progress on stderr: each stage once, and a line every ten seconds inside it."""
    told: list[dict[str, Any]] = []

    def tell(progress: Progress) -> None:
        now = time.time()
        is_new = not told or progress.stage != told[-1]["stage"]
        if not is_new and now - told[-1]["time"] < _SECONDS_BETWEEN_LINES:
            return
        told.append({"time": now, **progress._asdict()})
        so_far = pd.DataFrame(told)
        figures = [f"{progress.done:,} of {progress.total:,}"]
        if progress.loss is not None:
            figures.append(f"loss {fixed(progress.loss)}")
        rate, left = jobs.rate(so_far), jobs.seconds_left(so_far)
        if math.isfinite(rate):
            figures += [f"{fixed(rate, 1)} a second", f"{duration(left)} left"]
        if math.isfinite(progress.gpu_gib):
            figures.append(gpu_memory(progress.gpu_gib))
        say(f"{progress.stage}: {', '.join(figures)}")

    return tell


def add_targets(parser: argparse.ArgumentParser) -> Any:
    """Options that name a target; `target_of` reads them.

    Returns:
        The group of targets, which exclude each other; a verb may add `--alpha` or
        `--usd-per-1000`.
    """
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--share", type=float, help="of strong calls, in [0, 1]")
    target.add_argument("--pgr", type=float, help="share of the gap to recover")
    target.add_argument("--quality", type=float, help="in the benchmark's own scale")
    target.add_argument("--budget-usd", type=float, help="a month, for --queries-per-month")
    parser.add_argument(
        "--queries-per-month",
        type=float,
        help=f"that money of a month is for (default: {ASSUMED_VOLUME:,.0f}; a budget needs it)",
    )
    return target


def target_of(parsed: argparse.Namespace) -> Target:
    """The target that the options name.

    Raises:
        DataError: a budget without the number of queries that it is for.
    """
    given = vars(parsed)
    if given.get("share") is not None:
        return Target("share", parsed.share)
    if given.get("pgr") is not None:
        return Target("pgr", parsed.pgr)
    if given.get("quality") is not None:
        return Target("quality", parsed.quality)
    if given.get("alpha") is not None:
        return Target("alpha", parsed.alpha)
    if given.get("usd_per_1000") is not None:
        return Target("budget", parsed.usd_per_1000, 1_000.0)
    if parsed.queries_per_month is None:
        raise DataError(
            "a budget buys nothing certain without a volume: say how many queries a month it is "
            "for, with --queries-per-month"
        )
    return Target("budget", parsed.budget_usd, parsed.queries_per_month)


def volume_of(parsed: argparse.Namespace) -> float:
    """Queries a month that money is given for, as typed or `ASSUMED_VOLUME`."""
    typed: float | None = parsed.queries_per_month
    return ASSUMED_VOLUME if typed is None else typed
