"""Battles from files of other projects; all sentences and models are invented."""

import json

import pandas as pd
import pytest

from routellm_core import importing
from routellm_core.errors import DataError
from routellm_core.importing import job
from routellm_core.importing.battles import notes_on, read_battles
from routellm_core.importing.job import ImportPlan

TEXTS = ("How high is the tide at noon?", "Sum 2 and 3.", "Name a knot.")


def written(path, content):
    path.write_text(content, encoding="utf-8")
    return path


# LMArena


def battle(text, winner, **changes):
    said = [{"type": "text", "text": text, "image": None}]
    asked = [{"role": "user", "content": said}, {"role": "assistant", "content": said}]
    asked += [{"role": "user", "content": [{"type": "text", "text": "And then?", "image": None}]}]
    row = {"id": text[:3], "model_a": "wren", "model_b": "heron", "winner": winner}
    return row | {"conversation_a": asked, "conversation_b": asked, "language": "en"} | changes


VERDICTS = ("model_a", "model_b", "tie", "both_bad", "tie (bothbad)")


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_lmarena_conversations_give_the_first_text_and_all_verdicts(tmp_path, form):
    frame = pd.DataFrame([battle(f"{i} {TEXTS[0]}", v) for i, v in enumerate(VERDICTS)])
    path = tmp_path / f"arena.{form}"
    if form == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    assert importing.is_no_benchmark(path)
    battles = read_battles(path)
    assert battles["query"].tolist() == [f"{i} {TEXTS[0]}" for i in range(5)]
    assert battles["winner"].tolist() == ["model_a", "model_b", "tie", "tie", "tie"]
    assert battles["judge"].unique().tolist() == ["people"]
    assert notes_on(battles) == ["Verdicts that both answers were bad, which count as ties: 2."]


def test_lmarena_s_full_conversation_and_named_judges_are_read(tmp_path):
    turns = [{"user": {"role": "user", "content": TEXTS[1]}, "model_side_a": {"role": "assistant"}}]
    row = battle("x", "tie", full_conversation=turns, judge="owl")
    del row["conversation_a"]
    battles = read_battles(written(tmp_path / "b.json", json.dumps([row])))
    assert battles[["query", "judge"]].to_numpy().tolist() == [[TEXTS[1], "owl"]]


# AlpacaEval


def preference(value, i=0):
    row = {"instruction": TEXTS[i], "generator_1": "heron", "generator_2": "wren"}
    return row | {"preference": value, "annotator": "owl"}


def test_alpaca_eval_s_zero_is_a_tie_and_what_has_no_preference_is_counted(tmp_path):
    rows = [preference(v) for v in (1.0, 2.0, 0, 1.5, 1.02, None, None)]
    path = written(tmp_path / "a.json", json.dumps(rows))
    with pytest.raises(DataError, match=r"column 'preference': no verdict in 2 rows \(6, 7\)"):
        read_battles(path)
    battles = read_battles(path, drop_unjudged=True)
    assert battles["winner"].tolist() == ["model_a", "model_b", "tie", "tie", "model_a"]
    assert notes_on(battles) == ["Rows without a verdict that were left out: 2."]


def test_the_import_says_what_was_left_out_of_all_files(tmp_path):
    paths = [
        str(written(tmp_path / f"{n}.json", json.dumps([preference(v) for v in (1.0, None)])))
        for n in range(2)
    ]
    found = job.read(job.ImportPlan(tuple(paths), drop_unjudged=True))
    assert notes_on(found.battles) == ["Rows without a verdict that were left out: 2."]


def test_both_bad_is_a_tie_in_the_project_s_own_columns(tmp_path):
    lines = "query,model_a,model_b,winner,judge,source\nGo.,a,b,both_bad,p,s\nGo.,a,b,tie,p,s\n"
    assert read_battles(written(tmp_path / "b.csv", lines))["winner"].tolist() == ["tie", "tie"]


# LLM Comparator: battles


def comparison(*scores, models=("wren", "heron")):
    return {
        "metadata": {"source_path": "", "custom_fields_schema": []},
        "models": [{"name": name} for name in models],
        "examples": [
            {"input_text": TEXTS[i], "tags": [], "output_text_a": "x", "score": score}
            for i, score in enumerate(scores)
        ],
    }


def test_llm_comparator_files_are_battles(tmp_path):
    path = written(tmp_path / "c", json.dumps(comparison(1.5, -0.25, 0), indent=2))
    assert importing.is_no_benchmark(path)
    battles = read_battles(path)
    assert battles["winner"].tolist() == ["model_a", "model_b", "tie"]
    assert battles["query"].tolist() == list(TEXTS)
    assert battles["source"].unique().tolist() == ["llm_comparator"]
    path = written(tmp_path / "d", json.dumps(comparison(1.5, None)))
    with pytest.raises(DataError, match=r"column 'score': no verdict in 1 row"):
        read_battles(path)
    assert len(read_battles(path, drop_unjudged=True)) == 1


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (comparison(1, models=("a", "b", "c")), "does not hold two models"),
        (comparison(), "is no list of examples"),
        (comparison("x"), "no verdict in 1 row"),
        (comparison(1, models=("a", "")), r"field 'models\[1\].name': '' is no text"),
        (comparison(1) | {"examples": [3]}, "example 1, field 'input_text': None is no text"),
    ],
)
def test_llm_comparator_files_that_are_off_are_refused(tmp_path, found, message):
    with pytest.raises(DataError, match=message):
        read_battles(written(tmp_path / "c", json.dumps(found)))


@pytest.mark.parametrize(
    ("names", "verdicts"),
    [
        (("prompt", "model_a", "model_b", "winner"), ("A", "b", "tie")),
        (("question", "model_a", "model_b", "winner"), ("heron", "wren", "draw")),
        (("Prompt", "Model 1", "Model 2", "preference"), ("1", "2", "1.5")),
        (("question", "assistant_a", "assistant_b", "verdict"), ("left", "right", "both bad")),
    ],
)
def test_battles_are_read_under_the_names_that_people_give(tmp_path, names, verdicts):
    rows = [
        dict(zip(names, (f"Who rows boat {i}?", "heron", "wren", verdict), strict=True))
        for i, verdict in enumerate(verdicts)
    ]
    path = tmp_path / "own.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    battles = job.read(ImportPlan((str(path),))).battles
    assert battles["winner"].tolist() == ["model_a", "model_b", "tie"]
    assert battles["query"].tolist() == [f"Who rows boat {i}?" for i in range(3)]
    assert set(battles["judge"]) == {"not named"}
    assert set(battles["source"]) == {"own"}


def test_a_chosen_and_a_rejected_model_are_a_battle(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("prompt,chosen_model,rejected_model\nWho rows?,heron,wren\n")
    battles = job.read(ImportPlan((str(path),))).battles
    assert battles[["model_a", "model_b", "winner"]].to_numpy().tolist() == [
        ["heron", "wren", "model_a"]
    ]


def test_a_verdict_that_may_be_an_index_is_refused(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("prompt,model_a,model_b,winner\nWho rows?,heron,wren,0\nWho?,heron,wren,1\n")
    with pytest.raises(DataError, match="'winner': no known verdict"):
        job.read(ImportPlan((str(path),)))


def test_battles_without_names_of_models_are_told_so(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("question,response_a,response_b,preference\nWho rows?,Anna,Bob,a\n")
    with pytest.raises(DataError, match="column 'model_a', 'model_b' is missing"):
        job.read(ImportPlan((str(path),)))
