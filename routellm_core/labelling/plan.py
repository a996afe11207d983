"""A plan that JSON can hold: what is to be asked, of whom, and what it may cost.

A plan names the environment variable of a key and never the key itself.
"""

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

from routellm_core.errors import DataError
from routellm_core.jobs.plans import read_as
from routellm_core.labelling.rubrics import DEFAULT_RUBRICS, Mode
from routellm_core.types import ModelPair

Limit = Literal["max_tokens", "max_completion_tokens"]


@dataclass(frozen=True)
class Endpoint:
    """A model behind an address that speaks OpenAI's chat completions."""

    name: str
    """As the outcomes call the model."""
    base_url: str
    """What `/chat/completions` is put behind, for example `http://localhost:8000/v1`."""
    model: str
    """As the endpoint calls it."""
    key_variable: str | None = None
    """The environment variable that holds the key; None for a server that wants none."""
    prompt_usd: float | None = None
    """USD for a million prompt tokens; None where it is not known."""
    answer_usd: float | None = None
    """USD for a million answer tokens; None where it is not known."""
    max_answer_tokens: int = 1024
    """An answer is cut there; a model that reasons spends these on reasoning too."""
    temperature: float | None = None
    """None leaves it to the server; some models take no other."""
    limit_parameter: Limit = "max_tokens"
    """How the server calls the limit; OpenAI's reasoning models know `max_completion_tokens` only.
    """

    def __post_init__(self) -> None:
        for field in ("name", "base_url", "model"):
            if not getattr(self, field).strip():
                raise DataError(f"endpoint {self.name!r}: {field} is empty; fill it in")
        address = _address(self.base_url)
        if address is None:
            raise DataError(
                f"endpoint {self.name!r}: base_url is no address such as http://localhost:8000/v1"
            )
        if address.username or address.password or address.query:
            raise DataError(
                f"endpoint {self.name!r}: base_url holds a name, a password or a query part, which "
                "would be kept; put the key into an environment variable and name it key_variable"
            )
        if self.key_variable is not None and not is_variable(self.key_variable):
            raise DataError(
                f"endpoint {self.name!r}: key_variable is no name of an environment variable; give "
                "its name, never the key"
            )
        for field in ("prompt_usd", "answer_usd", "temperature"):
            value = getattr(self, field)
            if value is not None and not 0 <= value < math.inf:
                raise DataError(f"endpoint {self.name!r}: {field} is {value!r}, no number from 0")
        _check_whole(self.max_answer_tokens, 1, f"endpoint {self.name!r}: max_answer_tokens")

    @property
    def has_price(self) -> bool:
        return self.prompt_usd is not None and self.answer_usd is not None

    def usd(self, prompt_tokens: float, answer_tokens: float) -> float:
        """USD for that many tokens; NaN without a price."""
        if self.prompt_usd is None or self.answer_usd is None:
            return math.nan
        return (prompt_tokens * self.prompt_usd + answer_tokens * self.answer_usd) / 1e6


@dataclass(frozen=True)
class LabellingPlan:
    """Two models that answer, a judge, and the limits.

    `pairwise`: the judge sees both answers in both orders. `grade`: it grades each answer alone.
    """

    weak: Endpoint
    strong: Endpoint
    judge: Endpoint
    mode: Mode = "pairwise"
    rubric: str = ""
    """What the judge is told to look at; empty means ours for the mode."""
    cap_usd: float | None = None
    """No request is sent whose worst case does not fit under it; all runs of a folder together."""
    cap_calls: int | None = None
    """The most requests, repeated ones too; needed where a price is unknown."""
    concurrency: int = 4
    """Queries worked on at a time, a request each."""
    timeout_s: float = 120.0
    """For a whole answer."""
    max_retries: int = 4
    """Of one request, after errors that may pass."""
    failures_in_a_row: int = 5
    """So many calls of one endpoint without an answer end the work."""

    def __post_init__(self) -> None:
        if not self.rubric.strip():
            object.__setattr__(self, "rubric", DEFAULT_RUBRICS[self.mode])
        if self.weak.name == self.strong.name:
            raise DataError(
                f"the weak and the strong model are both called {self.weak.name!r}; give them two "
                "names"
            )
        if self.cap_usd is not None and not 0 <= self.cap_usd < math.inf:
            raise DataError(f"cap_usd is {self.cap_usd!r}, no amount of dollars from 0")
        if self.cap_calls is not None:
            _check_whole(self.cap_calls, 0, "cap_calls")
        _check_whole(self.concurrency, 1, "concurrency")
        _check_whole(self.max_retries, 0, "max_retries")
        _check_whole(self.failures_in_a_row, 1, "failures_in_a_row")
        if not 0 < self.timeout_s < math.inf:
            raise DataError(f"timeout_s is {self.timeout_s!r}, no number of seconds above 0")

    @property
    def model_pair(self) -> ModelPair:
        return ModelPair(weak=self.weak.name, strong=self.strong.name)

    @property
    def endpoints(self) -> tuple[Endpoint, Endpoint, Endpoint]:
        return self.weak, self.strong, self.judge

    def check_caps(self) -> None:
        """Refuse a plan that may spend without a limit.

        Raises:
            DataError: there is no cap, or the one in dollars cannot be kept for want of a price.
        """
        unpriced = sorted({e.name for e in self.endpoints if not e.has_price})
        if self.cap_calls is None and (unpriced or self.cap_usd is None):
            why = f"no price is known for {', '.join(unpriced)}" if unpriced else "there is no cap"
            remedy = "cap_calls" if unpriced else "cap_usd or cap_calls"
            raise DataError(f"{why}: name {remedy}, so that it is known when to stop")
        if self.cap_usd is not None and unpriced:
            raise DataError(
                f"cap_usd cannot be kept: no price is known for {', '.join(unpriced)}; give "
                "prompt_usd and answer_usd, or cap_calls alone"
            )


def read_plan(path: Path) -> LabellingPlan:
    """A plan from a TOML or JSON file.

    Raises:
        DataError: it cannot be read, or is no plan.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the plan {path} cannot be read ({type(error).__name__})") from None
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except ValueError as error:
        raise DataError(f"{path.name} is neither TOML nor JSON: {error}") from None
    return plan_of(document)


def plan_of(document: Mapping[str, Any]) -> LabellingPlan:
    """The plan that `dataclasses.asdict` or a person wrote.

    Raises:
        DataError: something is missing, unknown, or out of range.
    """
    written = [
        *document,
        *(name for part in document.values() if isinstance(part, dict) for name in part),
    ]
    if any("key" in name.lower() and name != "key_variable" for name in written):
        raise DataError(
            "the plan names a key, which would be kept: a key comes from the environment, name "
            "its variable as key_variable"
        )
    return read_as(LabellingPlan, document, "the plan")


def _address(text: str) -> SplitResult | None:
    """The parts of an address of the web; None where it is none."""
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if is_whole else None


def _check_whole(value: int, low: int, where: str) -> None:
    if value < low:
        raise DataError(f"{where} is {value!r}, no whole number from {low}")


def is_variable(name: str) -> bool:
    """True where the name can be that of an environment variable."""
    return name.isidentifier() and name.isascii()
