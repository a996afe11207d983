"""Preference battles from files, in one agreed form: who answered what, and who was preferred.

A file is recognised by what it holds, not by its name: any table, with the columns of this project,
of the QLoRA judgements, of LMArena or of AlpacaEval, or LLM Comparator's object. Nothing is ever
unpickled, and nothing that is not understood is read as a tie.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from routellm_core.errors import DataError
from routellm_core.importing.column_words import QUERY
from routellm_core.importing.fields import at
from routellm_core.importing.formats import llm_comparator
from routellm_core.importing.formats.graded_records import structure
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import encoding_of, sniff
from routellm_core.importing.readers.tables import read_sample, read_typed
from routellm_core.importing.said import PEOPLE, spoken
from routellm_core.importing.values import Where
from routellm_core.schemas import (
    BATTLE_COLUMNS,
    WINNERS,
    _refuse,
    checked_battles,
)

BOTH_BAD = ("both_bad", "tie (bothbad)", "bothbad", "tie_bothbad", "both bad")
"""Verdicts that neither answer was good, in the spellings of LMArena: ties of two bad answers."""


class _Format(NamedTuple):
    """A known layout of columns and what turns it into the agreed columns."""

    name: str
    telling: frozenset[str]
    """Columns that only this layout has."""
    needed: tuple[str, ...]
    read: Callable[[pd.DataFrame, str], pd.DataFrame]
    verdict: str = "'winner'"
    """Its columns of the verdict, as messages name them."""


def read_battles(path: Path, *, drop_unjudged: bool = False) -> pd.DataFrame:
    """The battles of a file, in the agreed form.

    Args:
        path: of a kind that `readers.tables` reads, recognised by its content.
        drop_unjudged: leave out the rows without a verdict; otherwise they are refused.

    Returns:
        One row a verdict: query (text), model_a, model_b, winner (model_a, model_b or tie),
        judge, source. Its `attrs` count rows left out without a verdict (`n_unjudged`), and ties of
        two bad answers (`n_both_bad`).

    Raises:
        DataError: the file cannot be read, or what it holds does not have the agreed form.
    """
    if path.is_file() and llm_comparator.recognises(path):
        return _checked(llm_comparator.read(path), named(path), "'score'", drop_unjudged)
    frame = read_typed(path, sorted(_READ))
    if sniff(path).text and encoding_of(path)[1]:  # battles have no notes that could say it
        raise DataError(f"{named(path)} is not UTF-8 text; save it as UTF-8")
    layout = next((f for f in _FORMATS if f.telling <= set(frame.columns)), _PLAIN)
    absent = [column for column in layout.needed if column not in frame]
    if absent and layout is _PLAIN and (found := _own_names(path)) is not None:
        return _checked(found, named(path), layout.verdict, drop_unjudged)
    if absent:
        absent = _lacking(path) if layout is _PLAIN else absent
        there = ", ".join(read_sample(path).column_names[:20]) or "no column"
        raise DataError(
            f"{named(path)}: column {', '.join(map(repr, absent))} is missing for {layout.name} "
            f"(there are: {there}); rename or add it"
        )
    return _checked(layout.read(frame, path.name), named(path), layout.verdict, drop_unjudged)


OWN_NAMES = {
    "query": QUERY,
    "model_a": ("model_a", "model_1", "assistant_a", "chosen_model", "model_left"),
    "model_b": ("model_b", "model_2", "assistant_b", "rejected_model", "model_right"),
    "winner": ("winner", "preference", "verdict", "preferred", "choice", "label", "outcome"),
    "judge": ("judge", "annotator", "rater", "judged_by", "annotator_id"),
    "source": ("source", "dataset", "origin"),
}
"""Other names of the agreed columns, the likeliest first."""
_SIDES = {
    **dict.fromkeys(("model_a", "a", "1", "1.0", "left", "response_a", "answer_a", "first"), "a"),
    **dict.fromkeys(("model_b", "b", "2", "2.0", "right", "response_b", "answer_b", "second"), "b"),
}
_TIES = frozenset({"tie", "draw", "equal", "same", "1.5"})


def _own_names(path: Path) -> pd.DataFrame | None:
    """Battles under other names of columns, or with the winner by its name; None without models."""
    columns = _by_name(path)
    names = {role: columns[name] for role, name in _roles(columns).items()}
    is_by_models = "chosen_model" in columns and "rejected_model" in columns
    needed = {"query", "model_a", "model_b"} | (set() if is_by_models else {"winner"})
    if not needed <= names.keys():
        return None
    frame = read_typed(path, list(names.values()))
    found = pd.DataFrame({role: frame[name] for role, name in names.items()})
    if is_by_models:
        found["winner"] = "model_a"
    found["winner"] = [
        _side(winner, str(a), str(b))
        for winner, a, b in zip(found["winner"], found["model_a"], found["model_b"], strict=True)
    ]
    for role, otherwise in (("judge", "not named"), ("source", path.stem)):
        told = found[role] if role in found else pd.Series([None] * len(found), dtype=object)
        found[role] = told.astype(object).where(told.notna(), otherwise).astype(str)
    found["query"] = found["query"].map(lambda said: spoken(said) or said)
    return found


def _by_name(path: Path) -> dict[str, str]:
    """The columns of a file by their names in lower case with `_` for what is no letter."""
    columns: dict[str, str] = {}
    for name in read_sample(path).column_names:
        columns.setdefault(re.sub(r"\W+", "_", name.strip()).lower(), name)
    return columns


def _roles(columns: Mapping[str, str]) -> dict[str, str]:
    found = {role: next((n for n in of if n in columns), "") for role, of in OWN_NAMES.items()}
    return {role: name for role, name in found.items() if name}


def _lacking(path: Path) -> list[str]:
    """The agreed columns that a table has under no name, without those that may be absent."""
    there = _roles(_by_name(path))
    return [role for role in ("query", "model_a", "model_b", "winner") if role not in there]


def _side(winner: Any, model_a: str, model_b: str) -> Any:
    """The agreed word for a verdict; itself where it is not understood."""
    if winner is None or winner != winner:
        return None
    said = str(winner).strip()
    if said in (model_a, model_b):
        return "model_a" if said == model_a else "model_b"
    plain = re.sub(r"[\W_]+", "_", said.lower()).strip("_") if "." not in said else said
    if plain in _SIDES:
        return f"model_{_SIDES[plain]}"
    return "tie" if plain in _TIES else said


def together(read: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Battles of several files, with the sums of what their `attrs` count."""
    battles = pd.concat(read, ignore_index=True)
    battles.attrs = dict(sum((Counter(one.attrs) for one in read), Counter[str]()))
    return battles


def notes_on(battles: pd.DataFrame) -> list[str]:
    """Notes on battles as they were read: what was left out, and what became a tie."""
    notes = []
    if unjudged := battles.attrs.get("n_unjudged", 0):
        notes.append(f"Rows without a verdict that were left out: {unjudged:,}.")
    if both_bad := battles.attrs.get("n_both_bad", 0):
        notes.append(f"Verdicts that both answers were bad, which count as ties: {both_bad:,}.")
    return notes


def _checked(frame: pd.DataFrame, table: str, verdict: str, drop_unjudged: bool) -> pd.DataFrame:
    """The battles of rows whose verdict stands in the columns `verdict` of the file."""
    is_both_bad = frame["winner"].isin(BOTH_BAD)
    frame = frame.assign(winner=frame["winner"].astype(object).mask(is_both_bad, "tie"))
    unjudged = frame["winner"].isna().to_numpy()
    if unjudged.any() and not drop_unjudged:
        rows = Where(table, np.arange(1, len(frame) + 1)).rows(unjudged)
        raise DataError(
            f"{table}, column {verdict}: no verdict in {rows}; fill them, or leave them out "
            "(--drop-unjudged, or the box below the file)"
        )
    battles = checked_battles(frame, table, drop_unjudged=drop_unjudged)
    battles.attrs = {"n_unjudged": int(unjudged.sum()), "n_both_bad": int(is_both_bad.sum())}
    return battles


def _plain(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    return frame


def _qlora(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """`query` is the last message of the person; the data set is the source.

    Another way of asking the judge than for one of three classes is a source of its own.
    """
    source = frame["dataset"].astype(object)
    if "protocol" in frame:
        other = frame["protocol"].notna() & (frame["protocol"] != "threeclass")
        source = source.where(~other, frame["dataset"] + " " + frame["protocol"].astype(str))
    return frame.assign(source=source)


def _lmarena(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """The winner is one of three flags; the query is the first turn, which a router would see."""
    flags = np.stack([_flag(frame[f"winner_{winner}"], table) for winner in WINNERS], axis=1)
    n_set = flags.sum(axis=1)
    _refuse(
        n_set > 1,
        pd.Series(n_set),
        f"{table}, columns 'winner_model_a', 'winner_model_b' and 'winner_tie': several are set",
        "set one of the three",
    )
    winner = np.array(WINNERS, dtype=object)[flags.argmax(axis=1)]
    winner[n_set == 0] = None
    turns = [_first_turn(prompt) for prompt in frame["prompt"]]
    _refuse(
        np.array([turn is _NO_TURNS for turn in turns]),
        frame["prompt"],
        f"{table}, column 'prompt': no JSON list of turns",
        'write each as ["first turn", "second turn"]',
    )
    return frame[["model_a", "model_b"]].assign(
        query=pd.Series(turns, index=frame.index, dtype=object),
        winner=winner,
        judge="people",
        source="lmarena",
    )


def _conversations(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """The query is what the person said first; people judged, unless a column names who."""
    column = next(c for c in CONVERSATIONS if c in frame)
    asked = frame[column].map(_asked_first)
    if column != CONVERSATIONS[-1] and CONVERSATIONS[-1] in frame:
        asked = asked.where(asked.notna(), frame[CONVERSATIONS[-1]].map(_asked_first))
    judge = frame["judge"].fillna("people") if "judge" in frame else "people"
    return frame[["model_a", "model_b", "winner"]].assign(
        query=asked.astype(object), judge=judge, source="lmarena"
    )


def _alpaca_eval(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Preference 1 is the first answer, 2 the second, 1.5 or 0 a tie; a weight the nearest."""
    preference = pd.to_numeric(frame["preference"], errors="coerce").to_numpy(np.float64)
    given = frame["preference"].notna().to_numpy()
    is_tie = (preference == 0) | (preference == 1.5)
    _refuse(
        given & ~is_tie & ~((preference >= 1) & (preference <= 2)),
        frame["preference"],
        f"{table}, column 'preference': not between 1 and 2, nor 0 for a tie",
        "use 1, 2, or 1.5 for a tie, or drop the rows",
    )
    winner = np.select(
        [is_tie, preference < 1.5, preference > 1.5],
        ["tie", "model_a", "model_b"],
        default="",
    ).astype(object)
    winner[~given] = None
    return pd.DataFrame(
        {
            "query": frame["instruction"],
            "model_a": frame["generator_1"],
            "model_b": frame["generator_2"],
            "winner": winner,
            "judge": frame["annotator"] if "annotator" in frame else "alpaca_eval",
            "source": "alpaca_eval",
        }
    )


CONVERSATIONS = ("conversation_a", "full_conversation")
"""Columns of LMArena's messages, the sort of its files from 2023 on and from 2025 on."""
_PLAIN = _Format("a table of battles", frozenset(), BATTLE_COLUMNS, _plain)
_FORMATS = (
    _Format(
        "AlpacaEval annotations",
        frozenset({"generator_1", "generator_2"}),
        ("instruction", "generator_1", "generator_2", "preference"),
        _alpaca_eval,
        "'preference'",
    ),
    _Format(
        "LMArena battles",
        frozenset({"winner_model_a", "winner_model_b"}),
        ("prompt", "model_a", "model_b", "winner_model_a", "winner_model_b", "winner_tie"),
        _lmarena,
        "'winner_model_a', 'winner_model_b' and 'winner_tie'",
    ),
    _PLAIN._replace(telling=frozenset(BATTLE_COLUMNS)),
    *(
        _Format(
            "LMArena conversations",
            frozenset({"model_a", "model_b", "winner", column}),
            ("model_a", "model_b", "winner", column),
            _conversations,
        )
        for column in CONVERSATIONS
    ),
    _Format(
        "QLoRA judgements",
        frozenset({"query_id", "dataset"}),
        ("dataset", *(c for c in BATTLE_COLUMNS if c != "source")),
        _qlora,
    ),
)
_READ = {"protocol", "annotator"}.union(*(layout.telling | {*layout.needed} for layout in _FORMATS))
_NO_TURNS = object()


def _flag(values: pd.Series, table: str) -> np.ndarray:
    """True for 1 and False for 0, as numbers, flags or text."""
    text = values.astype(str).str.lower()
    known = text.isin(["0", "1", "0.0", "1.0", "true", "false"]).to_numpy()
    where = f"{table}, column {values.name!r}: neither 0 nor 1"
    _refuse(~known, values, where, "write 1 for the verdict and 0 for the others")
    return np.asarray(text.isin(["1", "1.0", "true"]))


def _asked_first(conversation: Any) -> str | None:
    """What the person said first in a list of messages, or of pairs of answers to one message."""
    conversation = structure(conversation)
    messages = list(conversation) if isinstance(conversation, list | np.ndarray) else []
    for message in messages:
        said = at(message, "user") if at(message, "role") is None else message
        if at(said, "role") not in (None, *PEOPLE):
            continue
        content = at(said, "content")
        if isinstance(content, np.ndarray):
            content = content.tolist()
        if (text := spoken({"role": "user", "content": content})) is not None:
            return text
    return None


def _first_turn(prompt: Any) -> Any:
    """The first turn of a JSON list, None when that is null, `_NO_TURNS` when it is no list."""
    if isinstance(prompt, str):
        try:
            prompt = json.loads(prompt)
        except (ValueError, RecursionError):
            return _NO_TURNS
    if isinstance(prompt, np.ndarray):
        prompt = prompt.tolist()
    return prompt[0] if isinstance(prompt, list) and prompt else _NO_TURNS
