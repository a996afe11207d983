"""Prices and token counts that the user typed for the models of a set."""

import math
from collections.abc import Mapping

import pyarrow as pa

from routellm_core.errors import DataError
from routellm_core.metrics.prices import Price
from routellm_core.store.reading import Reader

SAVED = "typed, saved with the set"
"""Source of a price that was saved."""
_FIGURES = ("prompt_usd", "answer_usd", "cache_read_usd", "prompt_tokens", "answer_tokens")


class PriceShelf(Reader):
    """Reads and writes the typed prices of the user's own sets."""

    def typed_prices(self, benchmark_id: str) -> dict[str, Price]:
        """Saved prices by model; empty where none were saved."""
        rows = self._rows(
            """SELECT * EXCLUDE (benchmark_id) FROM typed_price
               WHERE benchmark_id = $id ORDER BY model""",
            id=benchmark_id,
        )
        return {row.pop("model"): _price(row) for row in rows.to_pylist()}

    def save_prices(self, benchmark_id: str, prices: Mapping[str, Price]) -> None:
        """Keep prices and token counts with a set; those of other models stay as they were.

        Args:
            benchmark_id: one of the user's own sets.
            prices: by model; one that holds nothing at all is forgotten.

        Raises:
            UnknownNameError: there is no such set.
            DataError: it ships with the project, or has no such model.
        """
        with self.atomic():
            if self.benchmark(benchmark_id).origin == "shipped":
                raise DataError(
                    f"{benchmark_id} ships with the project, so prices cannot be saved with it: "
                    "type them with each call, or save them with a set of your own"
                )
            there = self._rows(
                """SELECT DISTINCT model FROM outcome WHERE benchmark_id = $id
                   UNION SELECT model FROM usage WHERE benchmark_id = $id ORDER BY model""",
                id=benchmark_id,
            )["model"].to_pylist()
            if missing := sorted(set(prices) - set(there)):
                raise DataError(
                    f"{benchmark_id} has no model {missing[0]!r} to save a price of; there are: "
                    f"{', '.join(there) or 'none'}"
                )
            self._write(
                """DELETE FROM typed_price
                   WHERE benchmark_id = $id AND model IN (SELECT unnest($models))""",
                id=benchmark_id,
                models=list(prices),
            )
            rows = [
                {"benchmark_id": benchmark_id, "model": model}
                | {name: _known(getattr(price, name)) for name in _FIGURES}
                for model, price in prices.items()
            ]
            rows = [row for row in rows if any(row[name] is not None for name in _FIGURES)]
            if rows:
                self._write(
                    "INSERT INTO typed_price BY NAME FROM given", given=pa.Table.from_pylist(rows)
                )


def _price(row: dict[str, float | None]) -> Price:
    usd_and_tokens = (math.nan if (v := row[name]) is None else v for name in _FIGURES)
    prompt, answer, cache_read, prompt_tokens, answer_tokens = usd_and_tokens
    return Price(
        prompt,
        answer,
        SAVED,
        replaces_measured=True,
        cache_read_usd=cache_read,
        prompt_tokens=prompt_tokens,
        answer_tokens=answer_tokens,
    )


def _known(figure: float) -> float | None:
    """The figure; None, which the store writes as NULL, where it is not known."""
    return None if math.isnan(figure) else figure
