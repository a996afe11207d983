"""Tables as people keep them: names, units, flags, sums and measures of their columns."""

import json
import math

import pandas as pd
import pytest

from routellm_core.errors import DataError
from routellm_core.importing import job
from routellm_core.importing.job import ImportPlan

TEXTS = [f"Who mends the {what} clock?" for what in ("tin", "oak", "wet", "red", "big", "odd")]
HERON, WREN = [1, 1, 1, 1, 1, 0], [1, 0, 1, 0, 0, 0]
BOTH = {"heron": pytest.approx(5 / 6), "wren": pytest.approx(1 / 3)}


def long(grade="score", heron=HERON, wren=WREN, **columns):
    """A row a query and model."""
    rows = pd.DataFrame(
        {
            "query": TEXTS * 2,
            "model": ["heron"] * 6 + ["wren"] * 6,
            grade: [*heron, *wren],
        }
    )
    return rows.assign(**columns)


def wide(**columns):
    """A row a query and a column a model."""
    return pd.DataFrame({"question": TEXTS, **columns})


def read(tmp_path, table, **plan):
    path = tmp_path / "t.csv"
    if isinstance(table, str):
        path.write_text(table, encoding="utf-8")
    else:
        table.to_csv(path, index=False)
    return job.read(ImportPlan((str(path),), **plan)).parts[0]


def means(part):
    return part.outcomes.groupby("model", observed=True)["quality"].mean().to_dict()


def said(part, *words):
    return any(all(word in note for word in words) for note in part.notes)


@pytest.mark.parametrize(
    ("heron", "wren"),
    [
        ("acc_heron-4", "acc_wren-2"),
        ("heron-4 pass", "wren-2 pass"),
        ("heron-4_score", "wren-2_score"),
        ("score_heron-4", "score_wren-2"),
        ("heron-4|correct", "wren-2|correct"),
        ("quality.heron-4", "quality.wren-2"),
        ("correct (heron-4)", "correct (wren-2)"),
        ("heron-4 (score)", "wren-2 (score)"),
        ("score[heron-4]", "score[wren-2]"),
        ("heron-4_is_correct", "wren-2_is_correct"),
    ],
)
def test_a_model_may_stand_before_or_after_the_word_for_its_grade(tmp_path, heron, wren):
    part = read(tmp_path, wide(**{heron: HERON, wren: WREN, "n_words": 4}))
    assert means(part) == {"heron-4": BOTH["heron"], "wren-2": BOTH["wren"]}


def test_amounts_may_stand_before_the_model_too(tmp_path):
    columns = {"acc_heron": HERON, "acc_wren": WREN, "cost_heron": 0.02, "cost_wren": 0.01}
    columns |= {"latency (heron)": 1.5, "latency (wren)": 0.5}
    outcomes = read(tmp_path, wide(**columns)).outcomes.groupby("model", observed=True)
    assert outcomes["cost_usd"].mean().to_dict() == pytest.approx({"heron": 0.02, "wren": 0.01})
    assert outcomes["latency_s"].mean().to_dict() == pytest.approx({"heron": 1.5, "wren": 0.5})


def test_several_measures_of_each_model_are_a_choice_and_no_models(tmp_path):
    columns = {"heron_f1": [0.9] * 6, "wren_f1": [0.8] * 6}
    columns |= {"heron_exact_match": HERON, "wren_exact_match": WREN}
    part = read(tmp_path, wide(**columns))
    assert (means(part), part.measure) == (BOTH, "exact_match")
    assert said(part, "f1 (heron 0.9, wren 0.8)")
    assert means(read(tmp_path, wide(**columns), metric="f1")) == pytest.approx(
        {"heron": 0.9, "wren": 0.8}
    )


def test_a_falling_measure_of_each_model_is_turned_round(tmp_path):
    part = read(tmp_path, wide(heron_error_rate=[0.1] * 6, wren_error_rate=[0.4] * 6))
    assert means(part) == pytest.approx({"heron": 0.9, "wren": 0.6})


def test_scores_beside_one_answer_are_its_measures_and_no_models(tmp_path):
    table = wide(response="Anna does.", clarity_score=[0.5] * 6, quality_score=HERON)
    part = read(tmp_path, table)
    assert means(part) == {"t": BOTH["heron"]}


def test_a_column_of_zeros_without_a_models_name_is_no_model(tmp_path):
    assert means(read(tmp_path, wide(heron=HERON, wren=WREN, spin=0))) == BOTH


def test_a_column_that_stands_twice_is_one_model(tmp_path):
    rows = "".join(f"{text},{h},{w},{h}\n" for text, h, w in zip(TEXTS, HERON, WREN, strict=True))
    part = read(tmp_path, "question,heron,wren,heron\n" + rows)
    assert means(part) == BOTH
    assert said(part, "Not used: heron (4)")


def test_a_winner_beside_the_grades_makes_no_battles(tmp_path):
    assert means(read(tmp_path, wide(heron=HERON, wren=WREN, winner="heron"))) == BOTH


@pytest.mark.parametrize("last", ["mean", "Total", "Average:"])
def test_rows_that_sum_a_table_up_are_no_queries(tmp_path, last):
    total = pd.DataFrame({"question": [last], "heron": [5], "wren": [2]})
    part = read(tmp_path, pd.concat([wide(heron=HERON, wren=WREN), total]))
    assert (means(part), len(part.queries)) == (BOTH, 6)
    assert said(part, "Left out as sums or means", "1 row (7)")


def test_means_of_the_models_below_a_long_table_are_no_queries(tmp_path):
    total = pd.DataFrame({"query": [None, None], "model": ["mean", "Std"], "score": [0.6, 0.1]})
    part = read(tmp_path, pd.concat([long(), total]))
    assert (means(part), len(part.queries)) == (BOTH, 6)


def test_a_row_of_units_below_the_names_is_no_query(tmp_path):
    units = pd.DataFrame({"question": ["text"], "heron": ["0/1"], "wren": ["0/1"]})
    part = read(tmp_path, pd.concat([units, wide(heron=HERON, wren=WREN)]))
    assert (means(part), len(part.queries)) == (BOTH, 6)
    assert said(part, "Left out as units", "1 row (1)")


def test_titles_above_the_names_of_columns_are_passed_over(tmp_path):
    table = wide(heron=HERON, wren=WREN)
    titled = "Our clocks,,\nof June,,\n" + table.to_csv(index=False)
    assert means(read(tmp_path, titled)) == BOTH
    path = tmp_path / "t.xlsx"
    above = pd.DataFrame([["Our clocks", None, None], table.columns, *table.to_numpy()])
    above.to_excel(path, index=False, header=False)
    assert means(job.read(ImportPlan((str(path),))).parts[0]) == BOTH


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("✓", "✗"), ("ja", "nein"), ("TRUE", "FALSE"), ("yes", "no"), ("5/5", "0/5"), ("👍", "👎")],
)
def test_words_and_signs_for_right_and_wrong_are_grades(tmp_path, right, wrong):
    cells = [[right if grade else wrong for grade in grades] for grades in (HERON, WREN)]
    assert means(read(tmp_path, long("score", *cells))) == BOTH


def test_a_share_of_points_is_a_share(tmp_path):
    part = read(tmp_path, long("score", ["4/5"] * 6, ["1 / 5"] * 6))
    assert means(part) == pytest.approx({"heron": 0.8, "wren": 0.2})


@pytest.mark.parametrize(
    ("column", "cells", "seconds"),
    [
        ("latency", 2.5, 2.5),
        ("latency", 60.0, 60.0),
        ("latencyms", 1234, 1.234),
        ("latency_us", 1_234_000, 1.234),
        ("Latency (µs)", 1_234_000, 1.234),
        ("total_time_ms", 1200, 1.2),
        ("elapsed_ns", 5e8, 0.5),
        ("latency", "850 ms", 0.85),
        ("latency", "1.2 s", 1.2),
        ("duration", "0:01:01.5", 61.5),
    ],
)
def test_times_are_read_in_the_unit_that_they_have(tmp_path, column, cells, seconds):
    part = read(tmp_path, long(**{column: cells}))
    assert part.outcomes["latency_s"].tolist() == pytest.approx([seconds] * 12)
    assert part.measure == "quality"


def test_short_times_without_a_unit_are_seconds_and_a_note_says_so(tmp_path):
    part = read(tmp_path, long(latency=2.5))
    assert said(part, "times in 'latency' name no unit and were taken as seconds")
    assert not said(read(tmp_path, long(latency_s=2.5)), "name no unit")


@pytest.mark.parametrize("column", ["latency", "duration", "elapsed"])
def test_times_without_a_unit_too_long_for_seconds_are_left_out_and_asked_for(tmp_path, column):
    part = read(tmp_path, long(**{column: [61.0] * 7 + [1.0] * 5}))
    assert part.outcomes["latency_s"].isna().all()
    assert said(part, f"Left out: the times in '{column}'", "61", "--seconds-unit ms")


@pytest.mark.parametrize(("unit", "each"), [("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)])
def test_a_unit_that_the_user_says_holds_for_times_without_one(tmp_path, unit, each):
    table = long(latency=[90.0] * 6 + [70.0] * 6)
    found = read(tmp_path, table, seconds_unit=unit).outcomes
    by_model = found.groupby("model", observed=True)["latency_s"].mean().to_dict()
    assert by_model == pytest.approx({"heron": 90 * each, "wren": 70 * each})


def test_a_unit_that_the_user_says_changes_no_time_that_names_its_own(tmp_path):
    for columns in ({"latency_us": 5e6}, {"latency": "5 s"}):
        found = read(tmp_path, long(**columns), seconds_unit="ms").outcomes
        assert found["latency_s"].tolist() == pytest.approx([5.0] * 12)


def test_a_cell_with_a_unit_is_kept_where_long_ones_without_are_left_out(tmp_path):
    found = read(tmp_path, long(latency=["850 ms"] * 6 + ["700"] * 6)).outcomes
    by_model = found.groupby("model", observed=True)["latency_s"].mean().to_dict()
    assert by_model == pytest.approx({"heron": 0.85, "wren": math.nan}, nan_ok=True)


def test_times_of_a_wide_table_are_asked_for_together(tmp_path):
    columns = {"acc_heron": HERON, "acc_wren": WREN, "latency (heron)": 90.0, "latency (wren)": 9.0}
    part = read(tmp_path, wide(**columns))
    assert part.outcomes["latency_s"].isna().all()
    assert said(part, "'latency (heron)', 'latency (wren)'", "median of 'latency (heron)', 90,")
    found = read(tmp_path, wide(**columns), seconds_unit="ms").outcomes
    by_model = found.groupby("model", observed=True)["latency_s"].mean().to_dict()
    assert by_model == pytest.approx({"heron": 0.09, "wren": 0.009})


def test_start_and_end_give_the_time(tmp_path):
    table = long(start_time="2026-01-02T09:00:00Z", end_time="2026-01-02T09:00:02.5Z")
    assert read(tmp_path, table).outcomes["latency_s"].tolist() == [2.5] * 12


@pytest.mark.parametrize(
    ("column", "cells", "dollars"),
    [
        ("cost_cents", 2.0, 0.02),
        ("cost_micro_usd", 12_300, 0.0123),
        ("cost", "$0.0123", 0.0123),
        ("cost", "0,01 USD", 0.01),
    ],
)
def test_costs_are_read_in_the_part_of_a_dollar_that_they_have(tmp_path, column, cells, dollars):
    part = read(tmp_path, long(**{column: cells}))
    assert part.outcomes["cost_usd"].tolist() == pytest.approx([dollars] * 12)


def test_a_currency_in_the_cells_or_beside_them_is_converted_or_left_out(tmp_path):
    for table in (long(cost="0,50 €"), long(cost=0.5, currency="EUR")):
        part = read(tmp_path, table)
        assert part.outcomes["cost_usd"].isna().all()
        assert said(part, "in EUR", "--currency EUR=RATE")
        part = read(tmp_path, table, rates=(("EUR", 1.2),))
        assert part.outcomes["cost_usd"].tolist() == pytest.approx([0.6] * 12)
    part = read(tmp_path, long(cost=0.5, currency=["EUR", "USD"] * 6))
    assert part.outcomes["cost_usd"].notna().sum() == 6


@pytest.mark.parametrize(
    "flag", [{"higher_is_better": False}, {"lower_is_better": True}, {"lower_is_better": "yes"}]
)
def test_a_flag_beside_the_grades_tells_that_less_is_better(tmp_path, flag):
    part = read(tmp_path, long("score", [0.1] * 6, [0.4] * 6, **flag))
    assert means(part) == pytest.approx({"heron": 0.9, "wren": 0.6})
    assert said(part, "of score less is better")


def test_a_column_that_names_the_metric_makes_a_measure_each(tmp_path):
    right = long("value").assign(metric="accuracy", better=True)
    loss = long("value", [0.3] * 6, [0.7] * 6).assign(metric="gap", better=False)
    part = read(tmp_path, pd.concat([loss, right]).rename(columns={"better": "higher_is_better"}))
    assert (means(part), len(part.queries), part.measure) == (BOTH, 6, "accuracy")
    assert not said(part, "further answer")
    part = read(
        tmp_path,
        pd.concat([loss, right]).rename(columns={"better": "higher_is_better"}),
        metric="gap",
    )
    assert means(part) == pytest.approx({"heron": 0.7, "wren": 0.3})


def test_the_best_grade_of_a_row_is_the_end_of_its_scale(tmp_path):
    part = read(tmp_path, long("score", [3] * 6, [2] * 6, max_score=4))
    assert part.benchmark.quality_high == 4.0
    part = read(tmp_path, long("score", [3] * 6, [2] * 6, max_score=[4, 6] * 6))
    assert means(part) == pytest.approx({"heron": (0.75 + 0.5) / 2, "wren": (0.5 + 1 / 3) / 2})


def test_a_grade_of_an_unknown_name_is_asked_for(tmp_path):
    with pytest.raises(DataError, match="Say so with --map quality=sternchen"):
        read(tmp_path, long("sternchen"))
    part = read(tmp_path, long("sternchen"), roles=(("quality", "sternchen"),))
    assert means(part) == BOTH
    part = read(tmp_path, long("sternchen"), dropped=("sternchen",))
    assert (len(part.queries), len(part.usage), part.outcomes.empty) == (6, 12, True)


def test_letters_in_a_column_of_grades_are_shown(tmp_path):
    letters = ["A", "B"] * 3
    with pytest.raises(DataError, match="'grade' holds 'A', 'B': write its grades as numbers"):
        read(tmp_path, long("grade", letters, letters))


def test_an_f_beside_other_letters_is_no_word_for_wrong(tmp_path):
    frame = pd.DataFrame({"question": [f"Who mends clock {i}?" for i in range(20)]})
    frame["heron_grade"], frame["wren_grade"] = ["A"] + ["F"] * 19, ["F"] * 18 + ["B", "A+"]
    with pytest.raises(DataError, match="'heron_grade', 'wren_grade' seem to hold grades that are"):
        read(tmp_path, frame)
    bare = read(tmp_path, frame, dropped=("heron_grade", "wren_grade"))
    assert (len(bare.queries), bare.outcomes.empty) == (20, True)


def test_letters_below_their_models_are_asked_for(tmp_path):
    path = tmp_path / "t.json"
    rows = [{"question": f"Who mends {i}?", "scores": {"heron": "A", "wren": "F"}} for i in (1, 2)]
    path.write_text(json.dumps(rows))
    with pytest.raises(DataError, match="'scores' seems to hold grades that are letters"):
        job.read(ImportPlan((str(path),)))


def test_a_column_that_tells_repeats_apart_is_asked_for(tmp_path):
    table = long().rename(columns={"model": "contender"})
    with pytest.raises(DataError, match=r"each query stands 2 times.*--map model=contender"):
        read(tmp_path, table)
    assert means(read(tmp_path, table, roles=(("model", "contender"),))) == BOTH
    part = read(tmp_path, table, roles=(("repeat", "contender"),))
    assert means(part) == pytest.approx({"t": 7 / 12})


def test_a_log_in_a_table_tells_who_is_billed_and_keeps_no_key(tmp_path):
    log = pd.DataFrame(
        {
            "query": ["How deep is the lock?", "How wide is the lock?", "Who rows?"],
            "model": ["heron", "wren", "heron"],
            "cost_usd": [0.02, 0.001, 0.03],
            "Team": ["kitchen", None, "cellar"],
            "api_key": ["sk-invented-0001", "sk-invented-0001", "sk-invented-0002"],
        }
    )
    part = read(tmp_path, log)
    assert part.usage["tenant"].tolist() == ["team kitchen", "key #2300b5ed", "team cellar"]
    assert said(part, "Billed to: Team, api_key")
    assert "sk-invented" not in part.usage.to_csv() + part.queries.to_csv() + str(part.notes)
