"""Battle tables from files; all sentences and models are invented."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routellm_core.errors import DataError, UnknownNameError
from routellm_core.importing.battles import read_battles
from routellm_core.schemas import BATTLE_COLUMNS, checked_battles
from routellm_core.statistics.bradley_terry import fit_ratings, merge_battles, sum_by_cell
from routellm_core.training.labels import (
    battles_of,
    both_orders_averaged,
    golden_battles,
    join_battles,
    judge_battles,
    over_models,
    warnings_about,
    with_proxy_models,
)
from routellm_core.types import ModelPair, PairOutcomes

ROWS = [
    ("Which kite flies higher?", "heron", "wren", "model_a", "people", "kites"),
    ("Which kite flies higher?", "wren", "heron", "tie", "people", "kites"),
    ("None", "heron", "finch", "model_b", "people", "kites"),
]


def table(rows=ROWS):
    return pd.DataFrame(rows, columns=list(BATTLE_COLUMNS))


def written(frame, path):
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_json(path, orient="records")
    return path


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json", "parquet"])
def test_the_agreed_columns_are_read_from_every_file_kind_whatever_its_name(tmp_path, suffix):
    path = written(table(), tmp_path / f"battles.{suffix}").rename(tmp_path / "battles.data")
    pd.testing.assert_frame_equal(read_battles(path), table(), check_dtype=False)


def test_qlora_judgements_take_their_data_set_as_source(tmp_path):
    frame = table().rename(columns={"source": "dataset"})
    frame = frame.assign(query_id=["k1", "k1", "k2"], lang="en", conversation=None)
    read = read_battles(written(frame, tmp_path / "b.parquet"))
    pd.testing.assert_frame_equal(read, table(), check_dtype=False)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_lmarena_flags_become_winners_and_the_first_turn_the_query(tmp_path, suffix):
    frame = pd.DataFrame(
        {
            "id": [1, 2, 3],
            "model_a": ["heron", "wren", "finch"],
            "model_b": ["wren", "heron", "wren"],
            "prompt": [json.dumps(t) for t in (["Name a sail.", "Why?"], ["Fold it."], ["Go."])],
            "winner_model_a": [1, 0, 0],
            "winner_model_b": [0, 1, 0],
            "winner_tie": [0, 0, 1],
        }
    )
    read = read_battles(written(frame, tmp_path / f"b.{suffix}"))
    assert read["query"].tolist() == ["Name a sail.", "Fold it.", "Go."]
    assert read["winner"].tolist() == ["model_a", "model_b", "tie"]
    assert read["judge"].tolist() == ["people"] * 3


def lmarena(**changed):
    row = {"id": 1, "model_a": "heron", "model_b": "wren", "prompt": '["Go."]'}
    row |= {"winner_model_a": 1, "winner_model_b": 0, "winner_tie": 0}
    return pd.DataFrame([row, row | changed])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"winner_tie": 1}, r"several are set in 1 row \(2\)"),
        ({"winner_tie": 7}, r"column 'winner_tie': neither 0 nor 1 in 1 row \(2\)"),
        ({"winner_model_a": 0}, r"'winner_tie': no verdict in 1 row \(2\)"),
        ({"prompt": "Go."}, r"column 'prompt': no JSON list of turns in 1 row \(2\)"),
        ({"prompt": "[null]"}, r"column 'query': no value in 1 row \(2\)"),
    ],
)
def test_an_unclear_lmarena_row_is_refused(tmp_path, changed, message):
    with pytest.raises(DataError, match=message):
        read_battles(written(lmarena(**changed), tmp_path / "b.csv"))


def alpaca(*preferences):
    return pd.DataFrame(
        {
            "instruction": "Draw a boat.",
            "generator_1": "heron",
            "generator_2": "wren",
            "annotator": "owl",
            "preference": preferences,
        }
    )


def test_alpaca_eval_preferences_become_winners(tmp_path):
    read = read_battles(written(alpaca(1, 2, 1.5, 1.0004, 1.9), tmp_path / "b.json"))
    assert read["winner"].tolist() == ["model_a", "model_b", "tie", "model_a", "model_b"]
    assert read["query"].tolist() == ["Draw a boat."] * 5
    assert set(read["judge"]) == {"owl"}


def test_an_alpaca_eval_preference_off_its_scale_is_refused(tmp_path):
    message = r"column 'preference': not between 1 and 2.* in 2 rows \(2, 3\).*or drop the rows"
    with pytest.raises(DataError, match=message):
        read_battles(written(alpaca(1, 3, 3), tmp_path / "b.json"))


def test_rows_without_a_verdict_are_refused_or_dropped_when_asked(tmp_path):
    path = written(alpaca(1, None, 2), tmp_path / "b.json")
    with pytest.raises(DataError, match=r"column 'preference': no verdict in 1 row \(2\)"):
        read_battles(path)
    assert read_battles(path, drop_unjudged=True)["winner"].tolist() == ["model_a", "model_b"]


def changed(column, value, rows=(1, 2)):
    frame = table()
    frame.loc[list(rows), column] = value
    return frame


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            changed("winner", "draw"),
            r"column 'winner': no known verdict in 2 rows \(2, 3\).*'draw'",
        ),
        (changed("winner", " tie"), r"no known verdict in 2 rows"),
        (changed("winner", np.nan), r"column 'winner': no value in 2 rows \(2, 3\)"),
        (changed("query", None, [0]), r"column 'query': no value in 1 row \(1\)"),
        (changed("query", "", [0]), r"column 'query': empty in 1 row \(1\)"),
        (changed("model_b", "heron", [0, 2]), r"a model battles itself in 2 rows \(1, 3\)"),
        (table([(q, "wren", "wren", *r) for q, _, _, *r in ROWS]), r"'wren' is the only model"),
        (table([]), r"no row"),
        (table().drop(columns="winner"), r"column 'winner' is missing"),
    ],
)
def test_what_is_no_battle_is_refused_by_column_and_row(frame, message):
    with pytest.raises(DataError, match=message):
        checked_battles(frame)


def test_a_file_without_any_verdict_is_refused():
    with pytest.raises(DataError, match="no verdict in any of 3 rows"):
        checked_battles(changed("winner", None, [0, 1, 2]), drop_unjudged=True)


def test_rows_are_counted_before_any_are_dropped():
    frame = changed("winner", None, [0])
    frame.loc[2, "winner"] = "draw"
    with pytest.raises(DataError, match=r"no known verdict in 1 row \(3\)"):
        checked_battles(frame, drop_unjudged=True)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was opened",))


@pytest.mark.parametrize("protocol", [0, 4])
def test_a_pickle_is_never_opened(tmp_path, protocol):
    path = tmp_path / "battles.csv"
    path.write_bytes(pickle.dumps(Bomb(), protocol=protocol))
    with pytest.raises(DataError):
        read_battles(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"PAR1 and then nothing", "damaged Parquet"),
        (b"\xff\xfe\x00", "is empty"),
        (b"[1, 2]", "item 1: is a number, no object"),
        (b"[" * 100_000, "no JSON"),
        (b"query;winner\nDort dr\xfcben?;tie\n", "is not UTF-8 text"),
        (b'{"query": 1}\n{oops}\n{"query": 2}\n', "line 2: is no JSON"),
        (b"query,model_a\nGo.,wren\n", "column 'model_b', 'winner' is missing"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, content, message):
    path = tmp_path / "battles"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_battles(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="no file"):
        read_battles(tmp_path / "gone.csv")


def test_both_orders_become_one_battle_with_the_mean_verdict():
    averaged = both_orders_averaged(table())
    assert averaged.values.tolist() == [
        ["Which kite flies higher?", "heron", "wren", 0.75, 2],
        ["None", "finch", "heron", 1.0, 1],
    ]


def test_a_judge_that_always_prefers_the_first_answer_makes_ties():
    rows = [("Go.", a, b, "model_a", "owl", "s") for a, b in [("wren", "heron"), ("heron", "wren")]]
    assert both_orders_averaged(table(rows))["win_a"].tolist() == [0.5]


OTHER_SIDE = {"model_a": "model_b", "model_b": "model_a", "tie": "tie"}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["x", "y"]),
            st.sampled_from([("a", "b"), ("b", "a"), ("a", "c"), ("c", "b")]),
            st.sampled_from(["model_a", "model_b", "tie"]),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_swapping_sides_and_verdicts_changes_nothing(verdicts):
    straight = table([(q, a, b, w, "j", "s") for q, (a, b), w in verdicts])
    turned = table([(q, b, a, OTHER_SIDE[w], "j", "s") for q, (a, b), w in verdicts])
    one, other = both_orders_averaged(straight), both_orders_averaged(turned)
    pd.testing.assert_frame_equal(one, other)
    assert one["win_a"].between(0, 1).all()
    assert one["n_verdicts"].sum() == len(verdicts)
    assert not one.duplicated(["query", "model_a", "model_b"]).any()


def test_warnings_name_missing_ties_only_ties_and_few_battles():
    def about(n, *winners):
        rows = [(f"q{i}", "wren", "heron", winners[i % len(winners)], "j", "s") for i in range(n)]
        return warnings_about(table(rows))

    assert about(200, "tie", "model_a") == []
    (few,) = about(199, "tie", "model_a")
    assert "199 battles, fewer than 200" in few
    (no_tie,) = about(300, "model_b", "model_a")
    assert "None of the 300 battles is a tie" in no_tie
    (all_ties,) = about(300, "tie")
    assert "All 300 battles are ties" in all_ties


def test_cells_keep_every_mean_verdict_apart():
    win_a = np.array([0.25, 0.5, 0.25, 1 / 3, 0.0])
    cells = merge_battles(np.zeros(5, int), np.ones(5, int), win_a)
    np.testing.assert_array_equal(cells.win_a[cells.cell_of_battle], win_a)
    assert len(cells.win_a) == 4


def test_a_rating_from_mean_verdicts_is_the_log_odds_of_their_mean():
    cells = merge_battles(np.zeros(2, int), np.ones(2, int), np.array([0.25, 0.75 / 2]))
    rating = fit_ratings(cells, sum_by_cell(cells, np.ones((1, 2))), 2)[0]
    assert 1 / (1 + np.exp(rating[1] - rating[0])) == pytest.approx(0.3125, abs=1e-5)


@pytest.mark.parametrize("win", [np.nan, -0.1, 1.1])
def test_a_win_off_the_scale_is_no_battle(win):
    with pytest.raises(ValueError, match="outside"):
        merge_battles(np.array([0]), np.array([1]), np.array([win]))


def test_judge_battles_point_to_models_and_queries():
    battles, queries = judge_battles(table())
    assert battles.models == ("finch", "heron", "wren")
    assert queries == ["Which kite flies higher?", "None"]
    named = [
        (queries[q], battles.models[a], battles.models[b], w)
        for q, a, b, w in zip(*battles[1:5], strict=True)
    ]
    assert named == [
        ("Which kite flies higher?", "heron", "wren", 0.75),
        ("None", "finch", "heron", 1.0),
    ]


PAIR = ModelPair(weak="sparrow", strong="eagle")
RATINGS = np.array([0.0, 1.0, -1.0])  # finch, heron, wren


def test_proxy_models_take_the_place_and_are_recorded():
    battles, _ = judge_battles(table())
    renamed, used = with_proxy_models(battles, RATINGS, PAIR, {"sparrow": "wren", "eagle": "heron"})
    assert renamed.models == ("finch", "eagle", "sparrow")
    assert used == {"sparrow": "wren", "eagle": "heron"}
    np.testing.assert_array_equal(renamed.model_a, battles.model_a)


def test_a_routed_model_that_battled_needs_no_proxy_model():
    battles, _ = judge_battles(table())
    pair = ModelPair(weak="wren", strong="eagle")
    renamed, used = with_proxy_models(battles, RATINGS, pair, {"wren": "finch", "eagle": "heron"})
    assert renamed.models == ("finch", "eagle", "wren")
    assert used == {"eagle": "heron"}


def test_the_paper_s_pair_is_stood_in_for_by_default():
    rows = [("Go.", "gpt-4", "gpt-3.5-turbo", "model_a", "owl", "s")]
    battles, _ = judge_battles(table(rows))
    pair = ModelPair(weak="mistralai/Mixtral-8x7B-Instruct-v0.1", strong="gpt-4-1106-preview")
    renamed, used = with_proxy_models(battles, np.array([-1.0, 1.0]), pair)
    assert renamed.models == tuple(pair)
    assert used == {pair.weak: "gpt-3.5-turbo", pair.strong: "gpt-4"}


@pytest.mark.parametrize(
    ("proxy_models", "error", "message"),
    [
        ({}, UnknownNameError, "no battle of 'sparrow' nor of a proxy model of it.*finch, heron"),
        ({"sparrow": "owl"}, UnknownNameError, "nor of its proxy model 'owl'"),
        ({"sparrow": "wren", "eagle": "wren"}, DataError, "stand for both"),
        ({"sparrow": "heron", "eagle": "wren"}, DataError, "is not rated above"),
    ],
)
def test_a_proxy_model_that_cannot_be_is_refused(proxy_models, error, message):
    battles, _ = judge_battles(table())
    with pytest.raises(error, match=message):
        with_proxy_models(battles, RATINGS, PAIR, proxy_models)


def test_judged_and_golden_battles_join_over_one_list_of_models():
    judged, queries = judge_battles(table())
    n = 2
    golden = golden_battles(
        PairOutcomes(
            benchmark_id="b",
            model_pair=ModelPair(weak="wren", strong="heron"),
            query_id=np.array(["1", "2"], dtype=object),
            slice_code=np.zeros(n, int),
            slices=("s",),
            cluster_code=np.arange(n),
            quality_weak=np.array([0.0, 1.0]),
            quality_strong=np.array([1.0, 1.0]),
            prompt_tokens=np.full(n, np.nan),
            answer_tokens_weak=np.full(n, np.nan),
            answer_tokens_strong=np.full(n, np.nan),
        )
    )
    assert golden.both_bad.tolist() == [False, False]
    joined = join_battles([judged, over_models(golden, judged.models)], [len(queries), n])
    last = battles_of(joined, np.array([False, False, True, True]))
    assert [joined.models[k] for k in last.model_a] == ["wren", "wren"]
    assert [joined.models[k] for k in last.model_b] == ["heron", "heron"]
    assert last.win_a.tolist() == [0.0, 0.5]
    with pytest.raises(ValueError, match="not in"):
        over_models(golden, ("wren",))
