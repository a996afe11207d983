"""Costs in other currencies than US dollars; all rows are invented."""

import json

import numpy as np
import pandas as pd
import pytest

from routellm_core.__main__ import main
from routellm_core.importing.currencies import currency_of
from routellm_core.importing.job import ImportPlan, read
from routellm_core.store import Store


def csv(folder, **columns):
    rows = {
        "query": ["Where do newts sleep?"] * 2 + ["Sum 4, 9"] * 2,
        "model": ["wren", "heron"] * 2,
        "score": [0, 1, 1, 1],
        **columns,
    }
    path = folder / "grades.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def costs_of(path, **how):
    (part,) = read(ImportPlan((str(path),), **how)).parts
    found = part.outcomes
    cost = found["cost_usd"].to_numpy() if "cost_usd" in found else np.full(len(found), np.nan)
    return cost, part.notes


@pytest.mark.parametrize(
    ("column", "currency"),
    [
        ("cost_cny", "CNY"),
        ("cost (CNY)", "CNY"),
        ("COST_RMB", "CNY"),
        ("priceEUR", "EUR"),
        ("cost (€)", "EUR"),
        ("spend £", "GBP"),
        ("cost_¥", "¥"),
        ("cost_usd", None),
        ("total cost ($)", None),
        ("sek", None),
        ("europe_score", None),
    ],
)
def test_the_name_of_a_column_carries_its_currency(column, currency):
    assert currency_of(column) == currency


@pytest.mark.parametrize("column", ["cost_cny", "cost (CNY)", "price_cny", "total_cost_in_cny"])
def test_a_cost_in_another_currency_is_left_out_without_a_rate(tmp_path, column):
    cost, notes = costs_of(csv(tmp_path, **{column: [0.2, 2.0, 0.4, 4.0]}))
    assert np.isnan(cost).all()
    assert (
        f"Left out: column '{column}' is in CNY. Give --currency CNY=RATE (US dollars for one CNY) "
        "to convert it."
    ) in notes


def test_a_cost_named_by_a_sign_is_no_dollars_either(tmp_path):
    cost, notes = costs_of(csv(tmp_path, **{"cost (€)": [0.2, 2.0, 0.4, 4.0]}))
    assert np.isnan(cost).all()
    assert any("is in EUR" in note for note in notes)


def test_with_a_rate_it_is_converted_and_that_is_said(tmp_path):
    path = csv(tmp_path, cost_cny=[0.2, 2.0, 0.4, 4.0])
    cost, notes = costs_of(path, rates=(("CNY", 0.14),))
    assert sorted(cost) == pytest.approx([0.028, 0.056, 0.28, 0.56])
    assert "Column 'cost_cny' was converted from CNY at 0.14 US dollars for one." in notes


def test_a_column_mapped_by_hand_keeps_its_currency(tmp_path):
    path = csv(tmp_path, price_eur=[1.0, 2.0, 3.0, 4.0], cost=[9.0] * 4)
    mapped = {"roles": (("cost_usd", "price_eur"),)}
    assert np.isnan(costs_of(path, **mapped)[0]).all()
    cost, _ = costs_of(path, **mapped, rates=(("EUR", 1.5),))
    assert sorted(cost) == pytest.approx([1.5, 3.0, 4.5, 6.0])


def test_dollars_beside_another_currency_are_taken_as_they_are(tmp_path):
    path = csv(tmp_path, cost_cny=[7.0, 7.0, 7.0, 7.0], cost_usd=[1.0, 1.0, 1.0, 1.0])
    cost, notes = costs_of(path, rates=(("CNY", 0.14),))
    assert cost.tolist() == [1.0] * 4
    assert any("Not used: cost_cny" in note for note in notes)


def test_a_wide_table_has_costs_in_other_currencies_too(tmp_path):
    path = tmp_path / "wide.csv"
    pd.DataFrame(
        {
            "query": ["Where do newts sleep?", "Sum 4, 9"],
            "wren_score": [0, 1],
            "heron_score": [1, 1],
            "wren_cost_cny": [1.0, 2.0],
            "heron_cost_cny": [10.0, 20.0],
        }
    ).to_csv(path, index=False)
    assert np.isnan(costs_of(path)[0]).all()
    cost, _ = costs_of(path, rates=(("CNY", 0.5),))
    assert sorted(cost) == pytest.approx([0.5, 1.0, 5.0, 10.0])


def test_the_verb_import_converts_at_the_rate_given(tmp_path, capsys):
    path = csv(tmp_path, cost_cny=[0.2, 2.0, 0.4, 4.0])
    where = ["--store", str(tmp_path / "s.duckdb"), "--json"]
    Store.create(tmp_path / "s.duckdb").close()
    assert main(["import", str(path), "--currency", "cny=0.14", *where]) == 0
    (found,) = json.loads(capsys.readouterr().out)["imported"]
    assert any("converted from CNY at 0.14" in note for note in found["notes"])


@pytest.mark.parametrize("text", ["CNY", "CNY=", "CNY=-1", "CNY=0", "=0.14", "CNY=nan"])
def test_what_is_no_rate_is_refused(text, capsys):
    with pytest.raises(SystemExit):
        main(["import", "x.csv", "--currency", text])
    assert "is no rate; write the US dollars for one unit, as CNY=0.14" in capsys.readouterr().err


# Currencies in cells, and in a column beside the costs


def test_a_cell_names_its_own_currency(tmp_path):
    path = csv(tmp_path, cost=["€0.12", "0.50 EUR", "$0.25", "1.5"])
    cost, notes = costs_of(path)
    assert sorted(cost[np.isfinite(cost)]) == [0.25, 1.5]
    assert (
        "Left out: 2 costs of column 'cost' are in EUR. Give --currency EUR=RATE (US dollars for "
        "one EUR) to convert them."
    ) in notes
    cost, notes = costs_of(path, rates=(("EUR", 1.08),))
    assert sorted(cost) == pytest.approx([0.1296, 0.25, 0.54, 1.5])
    assert "2 costs of column 'cost' were converted from EUR at 1.08 US dollars for one." in notes


def test_a_column_beside_the_costs_names_their_currency(tmp_path):
    path = csv(tmp_path, cost=[0.1, 0.2, 0.3, 0.4], currency=["CNY", "usd", "", "credits"])
    cost, notes = costs_of(path)
    assert sorted(cost[np.isfinite(cost)]) == [0.2, 0.3]
    assert any("is in CNY" in note for note in notes)
    assert any("is in CREDITS" in note for note in notes)
    cost, _ = costs_of(path, rates=(("CNY", 0.5), ("CREDITS", 0.01)))
    assert sorted(cost) == pytest.approx([0.004, 0.05, 0.2, 0.3])


def test_a_column_whose_name_says_dollars_is_in_dollars(tmp_path):
    path = csv(tmp_path, cost_usd=[0.1, 0.2, 0.3, 0.4], currency=["EUR"] * 4)
    assert sorted(costs_of(path)[0]) == [0.1, 0.2, 0.3, 0.4]


def test_a_word_that_is_no_currency_leaves_the_cell_out(tmp_path):
    cost, notes = costs_of(csv(tmp_path, cost=["0.12 apples", "€0.5", "0.2", "0.3"]))
    assert sorted(cost[np.isfinite(cost)]) == [0.2, 0.3]
    assert any("no number in 1 row" in note for note in notes)


def test_cells_of_a_wide_table_name_their_currency_too(tmp_path):
    path = tmp_path / "wide.csv"
    pd.DataFrame(
        {
            "query": ["Where do newts sleep?", "Sum 4, 9"],
            "wren_score": [0, 1],
            "heron_score": [1, 1],
            "wren_cost": ["£1", "£2"],
            "heron_cost": ["£10", "£20"],
        }
    ).to_csv(path, index=False)
    assert np.isnan(costs_of(path)[0]).all()
    cost, _ = costs_of(path, rates=(("GBP", 2.0),))
    assert sorted(cost) == pytest.approx([2.0, 4.0, 20.0, 40.0])
