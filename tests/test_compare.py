"""What the Compare page says about figures, and how it lays them out."""

import pytest

from routellm_core.types import Interval
from views.compare import tables, words


def figures(*routers, ahead=(), random_high=0.52, **more):
    return {
        "benchmark": "b",
        "model_pair": {"weak": "small", "strong": "large"},
        "n_queries": 900,
        "oracle": {"apgr": 1.2, "cpt50": 0.1, "cpt80": 0.2},
        "random": {"apgr": 0.5, "apgr_interval": Interval(0.48, random_high)},
        "routers": list(routers),
        "ahead": list(ahead),
        **more,
    }


def row(router, apgr, view="in_domain", recipe="golden", width=0.02):
    interval = Interval(apgr - width, apgr + width)
    figures = {"cpt50": 0.3, "cpt50_interval": interval, "cpt80": 0.6, "cpt80_interval": interval}
    names = {"router": router, "recipe": recipe, "view": view, "n_queries": 900}
    return names | {"apgr": apgr, "apgr_interval": interval} | figures


def gain(router, over, value, low, high, view="in_domain"):
    names = {"router": router, "recipe": "golden", "view": view}
    other = {"over": over, "over_recipe": "golden"}
    return names | other | {"gain": value, "gain_interval": Interval(low, high)}


@pytest.mark.parametrize(
    ("low", "said"),
    [
        (0.004, "It is ahead of mf (0.600) by 0.050 (95% +0.004 – +0.090, paired)."),
        (
            -0.004,
            "It cannot be told apart from mf (0.600): a gain of 0.050 (95% −0.004 – +0.090",
        ),
    ],
)
def test_the_best_router_is_held_against_the_next_on_the_same_resamples(low, said):
    ahead = [gain("bert", "mf", 0.05, low, 0.09)]
    text = " ".join(words.about(figures(row("mf", 0.6), row("bert", 0.65), ahead=ahead)))
    assert text.startswith("Out of fold, bert has the highest APGR, 0.650 (95% 0.630 – 0.670).")
    assert said in text
    assert "clearly better than a random router" in text


def test_a_router_inside_the_random_range_is_said_to_be():
    text = " ".join(words.about(figures(row("mf", 0.52, view="untouched"))))
    assert text == (
        "On queries that no router learned from, mf has the highest APGR, 0.520 (95% 0.500 – "
        "0.540). On 900 queries it cannot be told apart from a random router."
    )


def test_the_view_that_most_routers_have_is_compared():
    known = [row("mf", 0.9, recipe="own-pair"), *(row(n, 0.6, "untouched") for n in ("mf", "bert"))]
    assert {r["view"] for r in words.comparable(known)} == {"untouched"}
    text = " ".join(words.about(figures(*known)))
    assert "Trained on this pair's own outcomes, mf reaches 0.900" in text
    assert "out of fold: knowing the pair is worth +0.300." in text
    alone = " ".join(words.about(figures(*known[:1])))
    assert "out of fold." in alone
    assert "knowing the pair" not in alone


def test_what_is_left_inside_slices_is_said():
    known = [row("mf", 0.7), row("mf", 0.53, view="within_slice")]
    assert "most of its lead over random comes from telling slices apart" in " ".join(
        words.about(figures(*known))
    )


def test_a_router_is_a_row_and_a_view_a_column():
    table = tables.of_routers(
        figures(
            row("mf", 0.6),
            row("mf", 0.55, view="unseen_slices"),
            row("mf", 0.5, view="within_slice"),
            row("bert", 0.58, view="untouched"),
            row("random", 0.5),
        )
    )
    mf, bert, _ = table["rows"]
    assert (mf["in_domain"], mf["unseen_slices"], mf["within_slice"]) == (0.6, 0.55, 0.5)
    assert (mf["apgr"], bert["apgr"], bert["untouched"]) == (0.6, 0.58, 0.58)
    assert "in_domain" not in bert
    assert (mf["recipe"], bert["recipe"]) == ("golden", "golden, untouched")
    ids = [column["id"] for column in table["columns"]]
    assert ids[3:7] == ["apgr", "untouched", "unseen_slices", "within_slice"]


def test_one_view_needs_no_column_of_its_own():
    columns = tables.of_routers(figures(row("mf", 0.6, view="untouched")))["columns"]
    assert "untouched" not in [column["id"] for column in columns]


def test_the_csv_has_a_line_a_router_and_view():
    lines = tables.csv_lines(figures(row("mf", 0.6), row("mf", 0.5, view="within_slice")))
    assert [(line["router"], line["view"]) for line in lines] == [
        ("oracle", "knows the answers"),
        ("random range", "95% of blind mixes"),
        ("mf", "in domain"),
        ("mf", "within slice"),
    ]
    assert lines[2]["apgr_low"] == pytest.approx(0.58)
