"""MT-Bench judgements of FastChat: a judge's 1 to 10 for each answer, and the questions.

A line is a question, model and turn; the quality of a query is the mean of its turns, and its text
is the first turn, which a router sees. The questions are looked for beside the judgements.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.fields import number, rows_of, text
from routellm_core.importing.readers.json_stream import objects, unit
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.scales import Scale
from routellm_core.importing.values import Where

JUDGED = frozenset({"question_id", "model", "judge", "score", "turn"})
ASKED = frozenset({"question_id", "category", "turns"})
UNREAD = -1
"""The score of a judgement in which none was found."""
SCALE = Scale(1.0, 10.0, "points")
_BEFORE, _AFTER = "[Question]\n", "\n\n[The Start of Assistant"


def recognises(path: Path) -> bool:
    """True for a file of judgements of single answers, or of questions."""
    keys = sniff(path).keys
    return keys >= JUDGED or keys >= ASKED


def read(path: Path) -> list[Imported]:
    """The one benchmark; bare queries when it is the questions.

    Raises:
        DataError: damaged, or a line is off.
    """
    if sniff(path).keys >= JUDGED:
        return [_judged(path)]
    rows, where = rows_of(named(path), ((n, r) for n, r in _questions(path).items()), "line")
    return [assembled(rows, where, Card("mt_bench-questions", f"MT-Bench, {named(path)}"), [])]


def _questions(path: Path) -> dict[int, dict[str, Any]]:
    """By line: id, first turn and category."""
    found = {}
    for number_, line in objects(path):
        where = f"{named(path)}, {unit(path)} {number_:,}"
        turns = line.get("turns")
        first = turns[0] if isinstance(turns, list) and turns else turns
        found[number_] = {
            "query_id": text(line.get("question_id"), where, "question_id"),
            "query": text(first, where, "turns"),
            "slice": text(line.get("category"), where, "category"),
        }
    return found


def _judged(path: Path) -> Imported:
    lines, where = rows_of(named(path), _lines(path), unit(path))
    notes = []
    twice = lines.duplicated(["query_id", "model", "turn", "judge"]).to_numpy()
    if twice.any():
        again = where.rows(twice)
        notes.append(f"An answer was judged again: {again}. The mean of its scores is taken.")
    judges = lines["judge"].value_counts().index.tolist()
    if len(judges) > 1:
        notes.append(f"{', '.join(judges)} judged: the scores of {judges[0]} were taken.")
        lines = lines[lines["judge"] == judges[0]]
    off = lines["off"].to_numpy(bool)
    if off.any():
        rows_off = where._replace(row=lines["row"].to_numpy(np.int64)).rows(off)
        notes.append(f"A score outside 1 to 10 was left out: {rows_off}.")
    unread = lines["quality"].isna() & ~lines["off"]
    if unread.any():
        notes.append(f"Judgements without a score, left out: {int(unread.sum()):,}.")
    lines = lines[lines["quality"].notna()]
    if lines.empty:
        raise DataError(f"{named(path)}: no judgement holds a score; judge the answers again")
    of_turn = {"quality": "mean", "row": "first"}
    lines_ = lines.groupby(["query_id", "model", "turn"], sort=False).agg(of_turn).reset_index()
    rows = lines_.groupby(["query_id", "model"], sort=False).agg(
        quality=("quality", "mean"), n_turns=("turn", "nunique"), row=("row", "first")
    )
    fewer = int((rows["n_turns"] < rows["n_turns"].max()).sum())
    if fewer:
        notes.append(f"Answers judged in fewer turns than others: {fewer:,} of {len(rows):,}.")
    rows = rows.reset_index()
    where = Where(named(path), rows["row"].to_numpy(np.int64), where.unit)
    _add_texts(rows, lines, path, notes)
    card = Card("mt_bench", f"MT-Bench judgements, {named(path)}", scale=SCALE)
    return assembled(rows.drop(columns=["n_turns", "row"]), where, card, notes)


def _lines(path: Path) -> list[tuple[int, dict[str, Any]]]:
    found, of_lines = [], unit(path)
    for number_, line in objects(path):
        where = f"{named(path)}, {of_lines} {number_:,}"
        score = number(line.get("score"), where, "score")
        is_off = score != UNREAD and not (np.isnan(score) or SCALE.low <= score <= SCALE.high)
        judge = line.get("judge")
        row = {
            "query_id": text(line.get("question_id"), where, "question_id"),
            "model": text(line.get("model"), where, "model"),
            "turn": number(line.get("turn"), where, "turn"),
            "quality": np.nan if score == UNREAD or is_off else score,
            "judge": str(judge[0] if isinstance(judge, list) and judge else judge),
            "shown": line.get("user_prompt"),
            "row": number_,
            "off": is_off,
        }
        found.append((number_, row))
    return found


def _add_texts(rows: pd.DataFrame, lines: pd.DataFrame, path: Path, notes: list[str]) -> None:
    """Text and category of each question, where they are known of all."""
    asked: dict[str, dict[str, Any]] = {}
    near = {*path.parent.glob("*.jsonl"), *path.parent.parent.glob("*.jsonl")}
    for file in sorted(near):
        if sniff(file).keys >= ASKED:
            asked |= {row["query_id"]: row for row in _questions(file).values()}
    if rows["query_id"].isin(list(asked)).all():
        rows["query"] = [asked[name]["query"] for name in rows["query_id"]]
        rows["slice"] = [asked[name]["slice"] for name in rows["query_id"]]
        return
    shown: dict[str, str] = {}
    for name, prompt in zip(lines["query_id"], lines["shown"], strict=True):
        _, found, rest = str(prompt).partition(_BEFORE)
        if found and _AFTER in rest:
            shown.setdefault(name, rest.partition(_AFTER)[0])
    if rows["query_id"].isin(list(shown)).all():
        rows["query"] = rows["query_id"].map(shown)
        return
    notes.append("The texts are not known: put question.jsonl beside the judgements.")
