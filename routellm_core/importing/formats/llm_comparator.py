"""LLM Comparator's JSON: two models' answers side by side, so battles and no benchmark.

A score above 0 says that the first model's answer is better, below 0 the second's.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from routellm_core.errors import DataError
from routellm_core.importing.fields import at, number, text
from routellm_core.importing.readers.json_stream import document
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import sniff

SOURCE = "llm_comparator"


def recognises(path: Path) -> bool:
    """True for one object with two models and examples."""
    return sniff(path).keys >= {"models", "examples"}


def read(path: Path) -> pd.DataFrame:
    """The verdicts with the columns of `importing.battles`; winner None without a score.

    Raises:
        DataError: damaged, not two models, or an example is off.
    """
    found = document(path)
    models, examples = found.get("models"), found.get("examples")
    if not isinstance(models, list) or len(models) != 2:
        raise DataError(f"{named(path)}, field 'models': does not hold two models; export it again")
    if not isinstance(examples, list) or not examples:
        raise DataError(f"{named(path)}, field 'examples': is no list of examples; export it again")
    names = [
        text(at(model, "name"), named(path), f"models[{i}].name") for i, model in enumerate(models)
    ]
    rows = []
    for position, example in enumerate(examples, start=1):
        where = f"{named(path)}, example {position:,}"
        score = number(at(example, "score"), where, "score")
        rows.append(
            {
                "query": text(at(example, "input_text"), where, "input_text"),
                "model_a": names[0],
                "model_b": names[1],
                "winner": _winner(score),
                "judge": SOURCE,
                "source": SOURCE,
            }
        )
    return pd.DataFrame(rows)


def _winner(score: float) -> Any:
    if score > 0:
        return "model_a"
    return "model_b" if score < 0 else "tie" if score == 0 else None
