import io
import json
import math

import pandas as pd
import pytest

from views.components.downloads import csv_bytes, json_bytes
from views.components.live_curve import payload
from views.text.names import short_name


@pytest.mark.parametrize("hostile", ["=1+1", "+cmd", "-2", "@SUM(A1)", "\tx", "\rx"])
def test_a_text_that_a_spreadsheet_would_run_is_defused(hostile):
    table = pd.DataFrame({"slice": [hostile, "plain"], hostile: [-1.5, 2.0]})
    back = pd.read_csv(io.BytesIO(csv_bytes(table)), lineterminator="\n")
    assert back["slice"].tolist() == [f"'{hostile}", "plain"]
    assert list(back.columns)[1] == f"'{hostile}"
    assert back.iloc[:, 1].tolist() == [-1.5, 2.0]  # numbers stay numbers


def test_undefined_numbers_become_null_in_json():
    text = json_bytes({"a": math.nan, "b": [math.inf, 1.0], "c": {"d": (2.0,)}}).decode()
    assert json.loads(text) == {"a": None, "b": [None, 1.0], "c": {"d": [2.0]}}


@pytest.mark.parametrize(
    ("model", "short"),
    [
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "Mixtral-8x7B"),
        ("gpt-4-1106-preview", "gpt-4-1106"),
        ("meta-llama/Llama-3.1-70B-Instruct", "Llama-3.1-70B"),
        ("chat", "chat"),
        ("org/", "org/"),
    ],
)
def test_a_model_is_short_on_screen(model, short):
    assert short_name(model) == short


def test_points_for_the_browser_are_few_exact_and_hold_both_ends():
    import numpy as np

    share = np.linspace(0, 1, 1_000_001)
    kept = payload.spread_points(share, 1000)
    assert len(kept) <= 1002
    assert kept[0] == 0
    assert kept[-1] == len(share) - 1
    assert np.diff(share[kept]).max() < 0.0021
    assert payload.spread_points(np.array([0.0, 1.0]), 1000).tolist() == [0, 1]


def test_numbers_for_the_browser_have_no_nan():
    import numpy as np

    assert payload.numbers(np.array([np.inf, np.nan, 0.1])) == [None, None, 0.1]
