"""Queries in words: the sentence above the list, outcomes, money, and texts made safe to show."""

import math
import re
import unicodedata
from typing import Any

import pandas as pd

from routellm_core.store.queries import Regret
from routellm_core.types import Benchmark, Interval

# Marks that turn the direction of whatever follows them, also outside the text.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")  # Unicode's category Cc
_MINUS = "−"


def sentence(alpha: str, regret: Regret, benchmark: Benchmark, weak: str, strong: str) -> list[str]:
    """What the point loses and wastes; every second part is a figure."""
    better = "been right" if benchmark.quality_unit == "share right" else "done better"
    lost = [
        "At α = ",
        alpha,
        ", ",
        f"{regret.n_lost:,}",
        f" of {regret.n_queries:,} queries lost quality: {weak} ● was called and {strong} ■ would "
        f"have {better}. ",
    ]
    if not regret.n_wasted:
        return [*lost, "No", f" call of {strong} was wasted."]
    calls = f" call of {strong} was" if regret.n_wasted == 1 else f" calls of {strong} were"
    if math.isnan(regret.wasted_usd):
        no_worse = f"{calls} wasted: what {weak} answers is no worse."
        return [*lost, f"{regret.n_wasted:,}", no_worse]
    return [
        *lost,
        f"{regret.n_wasted:,}",
        f"{calls} wasted, ",
        usd_text(regret.wasted_usd),
        f" more than {weak} would have cost for answers no worse.",
    ]


def outcome_text(benchmark: Benchmark, quality: float) -> str:
    """What a model's answer got: right or wrong where that is all there is."""
    if benchmark.quality_unit == "share right" and quality in (0.0, 1.0):
        return "right" if quality else "wrong"
    return quality_text(benchmark, quality)


def happened(lost: bool, wasted: bool) -> str:
    """`lost`, `wasted`, or nothing to regret."""
    return "lost" if lost else "wasted" if wasted else ""


def usd_text(usd: float | None) -> str:
    """Money with at least three figures; a dash where it is unknown."""
    if usd is None or math.isnan(usd):
        return "–"
    digits = 2 if abs(usd) >= 1 or usd == 0 else min(6, 2 - math.floor(math.log10(abs(usd))))
    return f"{_MINUS if usd < 0 else ''}${abs(usd):,.{digits}f}"


def score_digits(span: tuple[float, float]) -> int:
    """Digits that tell some 300 scores on the axis apart."""
    width = span[1] - span[0]
    return min(8, max(3, math.ceil(-math.log10(width / 300)))) if width > 0 else 3


def alpha_text(alpha: float, digits: int) -> str:
    """α; ∞ where no query reaches it."""
    return f"{alpha:.{digits}f}" if alpha <= 1 else "∞"


def signed(value: float | None, digits: int) -> str:
    """With its sign, a true minus; a dash where it is undefined."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:+.{digits}f}"
    if not re.search("[1-9]", text):
        return text[1:]
    return text.replace("-", _MINUS)


def one_line(text: str, length: int) -> str:
    """A text in one line of at most `length` characters, without control and direction marks."""
    shown = _CONTROL.sub("", " ".join(_BIDI.sub("", text[: 4 * length]).split()))
    return shown if len(shown) <= length else f"{shown[: length - 1].rstrip()}…"


def whole_text(text: str) -> str:
    """A text as it stands; control characters as the pictures that Unicode has for them."""
    plain_ends = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(map(_pictured, plain_ends))


def _pictured(character: str) -> str:
    code = ord(character)
    if character in "\n\t" or unicodedata.category(character) != "Cc":
        return character
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"


def quality_format(benchmark: Benchmark) -> dict[str, Any]:
    """How the benchmark's quality is written on screen."""
    if benchmark.quality_unit == "share right":
        return {"scale": 100, "digits": 1, "unit": "%", "title": "quality, % right"}
    return {
        "scale": 1,
        "digits": 2,
        "unit": "",
        "title": f"quality, points of {benchmark.quality_high:g}",
    }


def quality_text(benchmark: Benchmark, quality: float) -> str:
    """A quality with its unit; a dash where it is undefined."""
    form = quality_format(benchmark)
    if pd.isna(quality):
        return "–"
    return f"{quality * form['scale']:.{form['digits']}f}{form['unit']}"


def threshold_text(threshold: float) -> str:
    """A threshold with the digits that are read; a dash where there is none."""
    if pd.isna(threshold):
        return "–"
    return "above 1" if threshold > 1 else f"{threshold:.4f}"


def interval_text(interval: Interval, scale: float = 1.0, digits: int = 3) -> str:
    """Both ends, or a dash where the interval is undefined."""
    if pd.isna(interval.low) or pd.isna(interval.high):
        return "95% –"
    return f"95% {interval.low * scale:.{digits}f} – {interval.high * scale:.{digits}f}"
